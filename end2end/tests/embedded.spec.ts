// The life of a <task-progress> on somebody else's page: moved, changed, refused, cut off, styled.
import type { Page } from "@playwright/test";
import { Line, element, ends, heard, isOver, names, readsLeftToRight, scripts, started, test, tokenOf } from "./elsewhere";
import { expect } from "./fixtures";

function widget(page: Page, id = "w") {
  return page.locator(`#${id}`);
}

function height(page: Page, id = "w"): Promise<number> {
  return widget(page, id).evaluate((node) => node.getBoundingClientRect().height);
}

async function isRunning(page: Page, id = "w"): Promise<void> {
  await expect(widget(page, id).locator(".badge")).toHaveText("Running", { timeout: 15_000 });
}

test("an element that is moved, or taken away and put back, keeps its token and its place", async ({
  page,
  server,
  shop,
}) => {
  const { id } = await started(page, "demo_steps", { steps: 36, step_ms: 150 });
  const token = await tokenOf(page, id, 3_000);
  shop.body = `<div id="one">${element("w", { task: id, token })}</div><div id="two"></div>${scripts(server.url)}`;
  const line = await Line.of(page, server.url);
  await page.goto(shop.origin);
  await isRunning(page);
  await isOver(page, id, token);

  await page.evaluate(() => document.querySelector("#two")!.append(document.querySelector("#w")!));
  await isRunning(page);
  expect(line.sockets, "what is only moved goes on").toBe(1);

  // For longer than a turn: it really ends, and begins again with the token that the socket brought.
  await page.evaluate(async () => {
    const widget = document.querySelector("#w")!;
    widget.remove();
    await new Promise((resolve) => setTimeout(resolve, 50));
    document.querySelector("#one")!.append(widget);
  });
  await expect.poll(() => line.sockets).toBe(2);
  await expect(widget(page).locator(".badge")).toHaveText("Completed", { timeout: 20_000 });
  await expect.poll(() => names(page)).toEqual(["completed", "finish"]);
});

test("what happens while an element is away is told when it is back, once", async ({ page, server, shop }) => {
  const { id } = await started(page, "demo_question", { question: "Go on?" });
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText("It waits for an answer.");
  await page.evaluate(() => {
    const widget = document.querySelector("#w")!;
    Object.assign(window, { away: widget });
    widget.remove();
  });
  await page.request.post(`/api/tasks/${id}/confirm`, { data: { approved: true } });
  await page.request.get(`/api/tasks/${id}/result?timeout=20`);
  await page.evaluate(() => document.body.append((window as unknown as { away: Element }).away));
  await expect(widget(page).locator(".badge")).toHaveText("Completed");
  const all = ["update", "started", "event_notification", "completed", "finish"];
  await expect.poll(() => names(page)).toEqual(all);
});

test("another task replaces the one before, whatever state the page left there", async ({ page, server, shop, complaints }) => {
  // The line of the one before may still be on its way.
  complaints.expect(/WebSocket is closed before the connection is established/);
  const first = await started(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "First");
  await page.request.get(`/api/tasks/${first.id}/result?timeout=20`);
  for (let tries = 0; tries < 3; tries += 1) {
    await page.request.post(`/api/tasks/${first.id}/retry`);
    await page.request.get(`/api/tasks/${first.id}/result?timeout=20`);
  }
  const state = await (await page.request.get(`/api/tasks/${first.id}`)).text();
  const second = await started(page, "demo_steps", { steps: 300, step_ms: 100 }, "Second");
  const token = await tokenOf(page, first.id);
  shop.body = element("w", { task: first.id, token, state }) + scripts(server.url);
  await page.goto(shop.origin);
  await expect(widget(page).locator(".badge")).toHaveText("Failed");
  const other = await tokenOf(page, second.id);
  await page.evaluate(
    ([task, token]) => {
      const widget = document.querySelector("#w")!;
      widget.setAttribute("task", task!);
      widget.setAttribute("token", token!);
    },
    [second.id, other],
  );
  await expect(widget(page).locator(".label")).toHaveText("Second");
  await isRunning(page);
  expect(await names(page)).toEqual([]);
});

test("a page is told that its token is over, and another one brings the widget back", async ({ page, server, shop, complaints }) => {
  complaints.expect(/WebSocket connection to|403|Failed to load resource/);
  const { id } = await started(page, "demo_steps", { steps: 300, step_ms: 100 }, "Long");
  const token = await tokenOf(page, id, 1_000);
  await isOver(page, id, token);
  shop.body = element("w", { task: id, token }) + scripts(server.url);
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText("The time of this view is over.");
  await expect.poll(() => names(page)).toEqual(["token_over"]);
  const fresh = await tokenOf(page, id);
  await page.evaluate((token) => document.querySelector("#w")!.setAttribute("token", token), fresh);
  await isRunning(page);
  await expect(widget(page).locator(".label")).toHaveText("Long");
});

test("two elements of a task share one line, and each hears of it", async ({ page, server, shop }) => {
  const state = await started(page, "demo_steps", { steps: 6, step_ms: 400 });
  const token = await tokenOf(page, state.id);
  const attributes = { task: state.id, token, state: JSON.stringify(state) };
  shop.body =
    element("w", { ...attributes, new: "" }) +
    element("row", { ...attributes, compact: "", context: '{"order": 18446744073709551615, "near": 7}' }) +
    scripts(server.url);
  const line = await Line.of(page, server.url);
  await page.goto(shop.origin);
  await expect(widget(page, "row").locator(".badge")).toHaveText("Completed", { timeout: 15_000 });
  await expect.poll(() => names(page, "row")).toEqual(["completed", "finish"]);
  expect(await names(page), "the page that started it is told of its start").toEqual([
    "started",
    "completed",
    "finish",
  ]);
  expect(line.sockets).toBe(1);
  expect(line.asked.filter((path) => path.endsWith("/result"))).toHaveLength(1);
  const [own] = await heard(page, "row");
  // What JavaScript cannot hold exactly comes as its digits.
  const order = "18446744073709551615";
  expect(own!.detail).toMatchObject({ order, near: 7, context: { order, near: 7 }, result: { processed: 6 } });
});

test("sockets that are refused leave the polls, and nothing is lost", async ({ page, server, shop }) => {
  const { id } = await started(page, "demo_steps", { steps: 16, step_ms: 150, ending: "fail" });
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  await page.routeWebSocket(/\/ws/, (socket) => void socket.close());
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText(/Not live: asking every few seconds/);
  await expect(widget(page).locator(".badge")).toHaveText("Failed", { timeout: 20_000 });
  await expect.poll(() => names(page)).toEqual(["error", "finish"]);

  // Somebody else tries it again: whoever comes back to the page sees that.
  await page.request.post(`/api/tasks/${id}/retry`);
  // It goes on from its checkpoint, and so fails at once.
  await page.request.get(`/api/tasks/${id}/result?timeout=20`);
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  const again = ["error", "finish", "started", "error", "finish"];
  await expect.poll(() => names(page), { timeout: 15_000 }).toEqual(again);
});

test("a task that was deleted while the page was away has ended", async ({ page, server, shop, complaints }) => {
  complaints.expect(/Failed to load resource|404|WebSocket/);
  const { id } = await started(page, "demo_steps", { steps: 300, step_ms: 100 });
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  const line = await Line.of(page, server.url);
  await page.goto(shop.origin);
  await isRunning(page);
  await line.loses();
  await expect(widget(page).locator(".note")).toHaveText(/the server cannot be reached/, { timeout: 15_000 });
  await expect(widget(page).locator(".more")).not.toContainText("left");
  await page.request.post(`/api/tasks/${id}/cancel`);
  await expect
    .poll(async () => (await (await page.request.get(`/api/tasks/${id}`)).json()).status, { timeout: 15_000 })
    .toBe("cancelled");
  await page.request.delete(`/api/tasks/${id}`);
  line.isBack();
  await expect(widget(page).locator(".badge")).toHaveText("Deleted", { timeout: 20_000 });
  await expect(widget(page).locator(".note")).toHaveText("This task was deleted.");
  await expect.poll(() => names(page)).toEqual(["update", "finish"]);
  expect((await heard(page))[1]!.detail).toMatchObject({ gone: true, event: "finish" });
});

test("a result that cannot be had is waited for", async ({ page, server, shop, complaints }) => {
  complaints.expect(/Failed to load resource/);
  const { id } = await started(page, "demo_question", { question: "Go on?" });
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  let away = true;
  let asked = 0;
  await page.route("**/result", (route) => {
    asked += 1;
    return away ? route.abort() : route.continue();
  });
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText("It waits for an answer.");
  await page.request.post(`/api/tasks/${id}/confirm`, { data: { approved: true } });
  await expect.poll(() => asked, { timeout: 15_000 }).toBeGreaterThan(1);
  expect(await names(page)).not.toContain("completed");
  away = false;
  await expect.poll(() => names(page), { timeout: 10_000 }).toContain("finish");
  const last = (await heard(page)).at(-1)!;
  expect(last.detail.result).toMatchObject({ approved: true });
});

test("an element without its WASM says so in the place it will have, and comes when it can", async ({
  page,
  server,
  shop,
  complaints,
}) => {
  complaints.expect(/Failed to load resource|wasm/i);
  const { id } = await started(page, "demo_steps", { steps: 300, step_ms: 100 });
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  let away = true;
  await page.route("**/*.wasm", (route) => (away ? route.abort() : route.continue()));
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText("This widget could not be loaded.");
  expect(await names(page)).toEqual(["load_error"]);
  const before = await height(page);
  away = false;
  await isRunning(page);
  expect(await height(page)).toBe(before);
});

for (const [name, attributes] of [
  ["card", {}],
  ["row", { compact: "" }],
] as const) {
  test(`a ${name} has one height, whatever there is to show`, async ({ page, server, shop, complaints }) => {
    complaints.expect(/Failed to load resource|WebSocket/);
    const { id } = await started(page, "demo_steps", { steps: 300, step_ms: 100 });
    shop.body = element("w", { ...attributes, task: id, token: await tokenOf(page, id) }) + scripts(server.url);
    const line = await Line.of(page, server.url);
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    await page.route("**/*.wasm", async (route) => {
      await held;
      await route.continue();
    });
    await page.goto(shop.origin);
    await expect(widget(page).locator(".label")).toHaveText("Loading");
    const first = await height(page);
    expect(first).toBeGreaterThan(30);
    go();
    await isRunning(page);
    expect(await height(page), "running").toBe(first);
    await line.loses();
    await expect(widget(page).locator(".note")).toHaveText(/Not live/, { timeout: 15_000 });
    expect(await height(page), "not live").toBe(first);
    line.isBack();
    await page.request.post(`/api/tasks/${id}/cancel`);
    await expect(widget(page).locator(".badge")).toHaveText("Cancelled", { timeout: 20_000 });
    await expect(widget(page).locator(".note")).toHaveText("Cancelled by local");
    expect(await height(page), "cancelled").toBe(first);
    await page.evaluate(() => document.querySelector("#w")!.setAttribute("task", ""));
    await expect(widget(page).locator(".note")).toHaveText("No task is named.");
    expect(await height(page), "no task").toBe(first);
  });
}

test("texts are read in their own direction on a page that is read from right to left", async ({
  page,
  server,
  shop,
}) => {
  const { id } = await started(page, "demo_steps", { steps: 200, step_ms: 200 }, "Make the invoice?");
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  await page.goto(shop.origin);
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  await isRunning(page);
  await expect(widget(page).locator(".more")).toHaveText(/\d \/ 200 steps · \d+ s · about/, { timeout: 15_000 });
  for (const part of ["label", "percent", "more", "message"]) {
    expect(await readsLeftToRight(page, `#w .${part}`), part).toBe(true);
  }
  // What there is begins on the right.
  const side = await widget(page).evaluate((node) => {
    const right = (part: string) => node.shadowRoot!.querySelector(part)!.getBoundingClientRect().right;
    return [right(".label") > right(".badge"), right(".percent") > right(".more")];
  });
  expect(side).toEqual([true, true]);
});

test("the bar is seen in forced colours", async ({ page, server, shop }) => {
  const { id } = await started(page, "demo_steps", { steps: 2, step_ms: 60_000 });
  await expect
    .poll(async () => (await (await page.request.get(`/api/tasks/${id}`)).json()).progress.fraction)
    .toBeGreaterThanOrEqual(0);
  shop.body = element("w", { task: id, token: await tokenOf(page, id) }) + scripts(server.url);
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await page.goto(shop.origin);
  await isRunning(page);
  // The same bar with a value of its own, so that it has two ends.
  await widget(page).evaluate((node) => node.shadowRoot!.querySelector("progress")!.setAttribute("value", "0.5"));
  const [start, end] = await ends(page, "#w progress");
  expect(start).not.toBe(end);
});

test("a page may have a question asked before it is told, and say when the widget is shown", async ({
  page,
  server,
  shop,
}) => {
  const { id } = await started(page, "demo_question", { question: "Go on?" });
  const confirm = JSON.stringify({
    completed: { text: "Load the rows?", confirm_text: "Load them", cancel_text: "Not now" },
    finish: { text: "Leave the page?" },
  });
  const attributes = { task: id, token: await tokenOf(page, id), confirm, "hide-if": "completed" };
  shop.body = element("w", attributes) + scripts(server.url);
  await page.goto(shop.origin);
  await expect(widget(page).locator(".note")).toHaveText("It waits for an answer.");
  await page.request.post(`/api/tasks/${id}/confirm`, { data: { approved: true } });
  const ask = widget(page).getByRole("alertdialog", { name: "Load the rows?" });
  await expect(ask).toBeVisible({ timeout: 15_000 });
  await expect(ask.getByRole("button", { name: "Load them" }), "nobody else has the keyboard").toBeFocused();
  await expect(widget(page).locator(".card"), "hidden, and it asks all the same").toBeHidden();
  expect(await names(page)).not.toContain("completed");
  await ask.getByRole("button", { name: "Load them" }).click();
  await expect.poll(() => names(page)).toContain("completed");
  await widget(page).getByRole("alertdialog", { name: "Leave the page?" }).press("Escape");
  await expect(widget(page).getByRole("alertdialog")).toHaveCount(0);
  expect(await names(page), "declined, so not told").not.toContain("finish");
});

test.describe("where sockets are switched off", () => {
  test.use({
    settings: async ({ shop }, use) => use({ TASK_EMBED_ORIGINS: shop.origin, TASK_WEBSOCKET_ENABLED: "false" }),
  });

  test("a token is renewed by asking, for as long as the task runs", async ({ page, server, shop, complaints }) => {
    complaints.expect(/WebSocket connection to/);
    const { id } = await started(page, "demo_steps", { steps: 30, step_ms: 250 });
    // Longer than the time between two polls, and over well before the task is.
    const token = await tokenOf(page, id, 7_000);
    shop.body = element("w", { task: id, token }) + scripts(server.url);
    await page.goto(shop.origin);
    await isRunning(page);
    await isOver(page, id, token);
    await expect(widget(page).locator(".badge")).toHaveText("Completed", { timeout: 25_000 });
    await expect.poll(() => names(page)).toEqual(["completed", "finish"]);
    expect((await heard(page))[0]!.detail.result).toEqual({ processed: 30 });
  });
});

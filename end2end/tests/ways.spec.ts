// A task on its way: why it does not run, how it failed and goes on, what it wrote, and what is taken away from its page.
import { readFile, writeFile } from "node:fs/promises";
import type { Locator, Page } from "@playwright/test";
import { ON_POSTGRES } from "./database";
import { expect, live, startTask, status, test, valueOf } from "./fixtures";

const quick = { steps: 1, step_ms: 0 };

async function ended(page: Page, params: object, label: string): Promise<string> {
  const id = await startTask(page, "demo_steps", params, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  return id;
}

test("a task says why it does not run: a pause, a limit, its time", async ({ page }) => {
  const say = (text: string | RegExp) => expect(page.getByText(text).first()).toBeVisible();
  await page.request.post("/api/queues/default/pause", { data: { reason: "moving house" } });
  const paused = await startTask(page, "demo_steps", quick, "Held by a pause");
  await page.goto(`/tasks/${paused}`);
  await live(page);
  await say(/Why is this not running\? *The queue default is paused by local/);
  await page.request.post("/api/queues/default/resume");
  await expect(status(page, "Completed")).toBeVisible();
  await expect(page.getByText("Why is this not running?")).toHaveCount(0);

  await page.request.put("/api/kinds/demo_steps/limits", { data: { concurrency: 1 } });
  await startTask(page, "demo_steps", { steps: 100, step_ms: 1_000 }, "Takes the only place");
  const limited = await startTask(page, "demo_steps", quick, "Held by a limit");
  await page.goto(`/tasks/${limited}`);
  await say(/Why is this not running\?.*demo_steps/);

  const later = await page.request.post("/api/kinds/demo_steps/start", { data: { params: quick, delay: 3_600_000 } });
  await page.goto(`/tasks/${((await later.json()) as { id: string }).id}`);
  await say(/Why is this not running\? *It is scheduled for later/);
});

test("each attempt shows how it ended and where", async ({ page }) => {
  const id = await ended(page, { ...quick, ending: "panic" }, "It panics");
  await page.goto(`/tasks/${id}`);
  await live(page);
  await page.getByRole("main").getByRole("button", { name: "Retry", exact: true }).click();
  const attempts = page.getByRole("region", { name: "Attempts" });
  await expect(attempts.getByRole("listitem")).toHaveText([/^Attempt 2 *failed/, /^Attempt 1 *failed/]);
  const first = attempts.getByRole("listitem").last();
  await expect(first).toContainText("The task panicked: The demo panicked after step 1");
  await expect(first.locator("pre")).toBeHidden();
  await first.getByText("Detail").click();
  await expect(first.locator("pre")).toContainText(/panicked at app\/src\/tasks\/demo_steps\.rs:\d+/);
});

test.describe("with backtraces", () => {
  test.use({ settings: { RUST_BACKTRACE: "1" } });
  test.skip(ON_POSTGRES, "the data database is a file");

  test("an error shows what caused it, and its backtrace", async ({ page, server }) => {
    await writeFile(server.data, "This is no database, but a text that is long enough to be read as one. ".repeat(20));
    await page.goto("/start/import_csv");
    await live(page);
    await page.getByLabel(/^File/).setInputFiles({ name: "a.csv", mimeType: "text/csv", buffer: Buffer.from("a\n1\n") });
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.waitForURL(/\/tasks\/[0-9a-f-]{36}$/);
    const task = async () => (await (await page.request.get(`/api${new URL(page.url()).pathname}`)).json()) as { error: object | null };
    await expect.poll(async () => (await task()).error, { intervals: [50] }).not.toBeNull();
    // It is not tried to its last attempt while somebody reads.
    await page.request.post("/api/queues/imports/pause");
    await expect(page.getByText("the data database answered: file is not a database").first()).toBeVisible();
    await page.getByRole("main").getByRole("button", { name: "Cancel", exact: true }).click();
    await page.getByRole("dialog", { name: "Cancel" }).getByRole("button", { name: "Cancel the task" }).click();
    const error = page.getByRole("region", { name: "The last error before it was cancelled" });
    await error.getByText("Detail").click();
    await expect(error.locator("pre")).toContainText(/caused by: /);
    await expect(error.locator("pre")).toContainText(/\d+: taskdeck_app::tasks::import_csv/);
  });
});

test("what its server's death interrupted is resumed where it was", async ({ page, server, complaints }) => {
  test.skip(ON_POSTGRES, "other nodes may live there: what ran is rescued after the lease");
  complaints.expect(/WebSocket connection to '\S+' failed/);
  complaints.expect(/Failed to load resource: net::ERR_/);
  const id = await startTask(page, "demo_steps", { steps: 30, step_ms: 100 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(page.getByText("Processing step 3/30").first()).toBeVisible();
  await server.kill();
  await server.restart();
  await expect(status(page, "Interrupted")).toBeVisible({ timeout: 20_000 });
  const lost = page.locator(".dash-timeline").getByText("noticed after");
  await expect(lost, "how long it ran is not known, and so not said").toBeVisible();
  await page.getByRole("main").getByRole("button", { name: "Resume", exact: true }).click();
  await expect(status(page, "Completed")).toBeVisible({ timeout: 15_000 });
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText(/^Goes on after step \d+ of 30\.$/)).toBeVisible();
});

/** How far a list is scrolled from its end, in pixels. */
const fromEnd = (list: Locator) => list.evaluate((it) => Math.round(it.scrollHeight - it.scrollTop - it.clientHeight));

test("a log that is left by a key stays where the reader is, and is followed again from its end", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 200, step_ms: 500, log_lines: 40 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  const log = page.getByRole("region", { name: "Log" });
  const lines = log.getByRole("log");
  const follow = log.getByLabel("Follow");
  await expect(log.getByText("Step 3, line 40 of 40")).toBeAttached();
  for (const key of ["ArrowUp", "PageUp"]) {
    await expect.poll(() => fromEnd(lines)).toBeLessThan(5);
    await lines.click();
    await page.keyboard.press(key);
    await expect(follow).not.toBeChecked();
    const known = await fromEnd(lines);
    await expect.poll(() => fromEnd(lines), "two more steps go on below").toBeGreaterThan(known + 1000);
    await expect(follow).not.toBeChecked();
    // A line may come on the way there.
    await expect(async () => {
      await page.keyboard.press("End");
      await expect(follow).toBeChecked({ timeout: 400 });
    }).toPass();
  }
  await page.request.post(`/api/tasks/${id}/cancel`);
});

test("a log is followed, left and followed again, wrapped, and shows colours", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 600, step_ms: 50, log_lines: 3 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  const log = page.getByRole("region", { name: "Log" });
  const lines = log.getByRole("log");
  const follow = log.getByLabel("Follow");
  await expect(log.getByText("Step 20, line 3 of 3")).toBeVisible();
  await expect.poll(() => fromEnd(lines)).toBeLessThan(5);
  await expect(follow).toBeChecked();
  await lines.hover();
  await page.mouse.wheel(0, -300);
  await expect(follow).not.toBeChecked();
  // It is left with the wheel's first turn, before the list has moved.
  await expect.poll(() => fromEnd(lines)).toBeGreaterThan(290);
  const before = await lines.evaluate((it) => it.scrollTop);
  const known = await fromEnd(lines);
  await expect.poll(() => fromEnd(lines), "it goes on below").toBeGreaterThan(known + 60);
  expect(await lines.evaluate((it) => it.scrollTop)).toBe(before);
  await follow.check();
  await expect.poll(() => fromEnd(lines)).toBeLessThan(5);
  await page.request.post(`/api/tasks/${id}/cancel`);

  const name = "\u001b[31mred\u001b[0m and plain";
  const form = await startTask(page, "demo_form", { name, key: "correct-horse-battery", hosts: Array(20).fill("a-host-with-a-name.example"), fails: false });
  await page.request.get(`/api/tasks/${form}/result?timeout=10`);
  await page.goto(`/tasks/${form}`);
  await live(page);
  await expect(log.locator(".td-ansi-red", { hasText: /^red$/ }).first()).toBeVisible();
  await expect(log).not.toContainText("[31m");
  const sticksOut = () => lines.evaluate((it) => it.scrollWidth > it.clientWidth);
  expect(await sticksOut()).toBe(false);
  await log.getByLabel("Wrap").uncheck();
  await expect.poll(sticksOut).toBe(true);
});

test("a result is taken away as JSON", async ({ page }) => {
  const id = await ended(page, { ...quick, steps: 2 }, "Two steps");
  await page.goto(`/tasks/${id}`);
  await live(page);
  const downloads = page.waitForEvent("download");
  await page.getByRole("region", { name: "Result" }).getByRole("link", { name: "JSON" }).click();
  const download = await downloads;
  expect(download.suggestedFilename()).toBe(`task-${id}.json`);
  expect(JSON.parse(await readFile(await download.path(), "utf8"))).toEqual({ processed: 2 });
});

test("what is copied is in the clipboard, also where the page came over plain HTTP", async ({ page, server, complaints }) => {
  complaints.expect(/WebSocket connection to '\S+' failed|ERR_/);
  complaints.expect(/Cross-Origin-Opener-Policy header has been ignored/);
  const id = await ended(page, quick, "To be copied");
  // Browsers trust this machine's own pages; those of another host they do not.
  const elsewhere = "http://deck.example";
  await page.routeWebSocket(/deck\.example/, (socket) => socket.close());
  await page.route(`${elsewhere}/**`, async (route) => {
    const request = route.request();
    const url = request.url().replace(elsewhere, server.url);
    const headers = { ...(await request.allHeaders()), host: new URL(server.url).host, origin: server.url };
    await route.fulfill({ response: await route.fetch({ url, headers, maxRedirects: 0 }) });
  });
  await page.goto(`${elsewhere}/tasks/${id}`);
  await expect(page.locator("[data-connection=polling]")).toBeVisible({ timeout: 15_000 });
  expect(await page.evaluate(() => window.isSecureContext)).toBe(false);
  await page.evaluate(() => {
    const field = document.createElement("textarea");
    field.ariaLabel = "Elsewhere";
    document.querySelector("main")!.append(field);
  });
  const pasted = page.getByRole("textbox", { name: "Elsewhere" });
  for (const [button, text] of [
    [page.getByRole("main").getByRole("button", { name: "Copy the id" }), id],
    [page.getByRole("region", { name: "Result" }).getByRole("button", { name: "Copy the result as JSON" }), '"processed": 1'],
    [page.getByRole("region", { name: "Log" }).getByRole("button", { name: "Copy" }), "Processing step 1/1"],
  ] as const) {
    await button.click();
    await expect(page.getByText(/^Copied$/).first()).toBeAttached();
    // It may be the one before that says so still.
    await expect(async () => {
      await pasted.fill("");
      await pasted.press("Control+v");
      expect(await pasted.inputValue()).toContain(text);
    }).toPass({ timeout: 5_000 });
  }
});

test("chosen tasks are cancelled together, and what is new waits until nothing is chosen", async ({ page }) => {
  for (const label of ["First", "Second", "Third"]) await startTask(page, "demo_steps", { steps: 100, step_ms: 1_000 }, label);
  await page.goto("/tasks");
  await live(page);
  const fresh = page.getByRole("link", { name: "1 new", exact: true });
  await page.getByRole("checkbox", { name: "Select First" }).check();
  await startTask(page, "demo_steps", quick, "New");
  // Announced to the page by the same message that counts it.
  await expect(page.getByRole("link", { name: /^Completed/ }).getByText("1", { exact: true })).toBeVisible();
  await expect(fresh).toHaveCount(0);
  await page.keyboard.press("Escape");
  await expect(fresh).toBeVisible();

  await page.getByRole("checkbox", { name: "Select First" }).check();
  await page.getByRole("checkbox", { name: "Select Third" }).check();
  await page.getByRole("form", { name: "Selected tasks" }).getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { name: "Cancel 2 tasks?" })).toBeVisible();
  await page.getByRole("button", { name: "Cancel 2 tasks" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "done")).toHaveText("2");
  await page.goto("/tasks?status=running");
  await expect(page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem")).toHaveText([/Second/]);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("all that match a filter are retried by plain forms", async ({ page, complaints }) => {
    complaints.expect(/was preloaded using link preload but not used/);
    for (const label of ["First", "Second"]) await ended(page, { ...quick, ending: "fail" }, label);
    await ended(page, quick, "It is done");
    await page.goto("/tasks?q=status:failed");
    const bar = page.getByRole("form", { name: "Selected tasks" });
    await page.getByRole("checkbox", { name: "Select First" }).check();
    await bar.getByRole("checkbox", { name: "all that match the filter" }).check();
    await bar.getByRole("button", { name: "Retry" }).click();
    await page.getByRole("button", { name: "Retry 2 tasks" }).click();
    await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
    await expect(async () => {
      await page.reload();
      await expect(valueOf(page, "Result", "done")).toHaveText("2", { timeout: 500 });
    }).toPass();
  });
});

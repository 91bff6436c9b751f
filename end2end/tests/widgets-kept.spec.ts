// The widgets of the gallery when things go wrong around them: lines, requests, tasks that go, other directions of reading.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { wrong } from "./axe";
import { Line, ends, readsLeftToRight } from "./elsewhere";
import { expect, hydrated, live, startTask, test } from "./fixtures";

const THERE_IS = "A task that there is";

function example(page: Page, title: string) {
  return page.getByRole("region", { name: title });
}

function heard(page: Page, title: string) {
  return example(page, title).locator(".gallery-heard li");
}

function height(page: Page, selector: string): Promise<number> {
  return page.locator(selector).first().evaluate((node) => node.getBoundingClientRect().height);
}

async function statusOf(page: Page, id: string): Promise<string> {
  return ((await (await page.request.get(`/api/tasks/${id}`)).json()) as { status: string }).status;
}

test("card and bar have one height from the start to the end, and say how it stands", async ({ page }) => {
  const id = await startTask(page, "demo_question", { question: "Go on?" });
  await expect.poll(() => statusOf(page, id)).toBe("waiting_confirmation");
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  const shown = example(page, THERE_IS);
  const bar = shown.locator(".td-progress-compact");
  await expect(bar.getByText("Waiting for confirmation", { exact: true }).first()).toBeVisible();
  await expect(bar.getByRole("progressbar")).toBeVisible();
  const before = [await height(page, "#TaskProgress .td-progress"), await height(page, ".td-progress-compact")];
  expect(before[1]).toBeGreaterThan(30);
  await page.request.post(`/api/tasks/${id}/cancel`, { data: { reason: "changed my mind" } });
  await expect(bar.locator(".td-badge")).toHaveText("Cancelled");
  await expect(bar.getByText("Cancelled by local, because: changed my mind")).toBeVisible();
  const after = [await height(page, "#TaskProgress .td-progress"), await height(page, ".td-progress-compact")];
  expect(after).toEqual(before);
});

test("a question whose request was lost is shown when the server is there", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource/);
  await page.goto("/widgets");
  await hydrated(page);
  let lost = 0;
  await page.route("**/_taskdeck/task", (route) => {
    lost += 1;
    return lost <= 2 ? route.abort() : route.continue();
  });
  const questions = example(page, "A question and its answer");
  await questions.getByRole("button", { name: "Start one that asks" }).click();
  await expect(questions.getByText("Shall the demo go on?")).toBeVisible({ timeout: 15_000 });
  expect(lost).toBeGreaterThan(2);
});

test("a typed output whose request was lost is there when the server is", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource/);
  await page.goto("/widgets");
  await hydrated(page);
  let lost = 0;
  await page.route("**/_taskdeck/task", (route) => {
    lost += 1;
    return lost <= 1 ? route.abort() : route.continue();
  });
  const typed = example(page, "Without a widget");
  await typed.getByRole("button", { name: "Count some steps" }).click();
  await expect(typed.getByText("It returned 3 steps.")).toBeVisible({ timeout: 15_000 });
  expect(lost).toBeGreaterThan(1);
});

test("a task that was deleted while the page was away is told to have ended", async ({ page, server, complaints }) => {
  complaints.expect(/Failed to load resource|404/);
  const id = await startTask(page, "demo_steps", { steps: 300, step_ms: 100 });
  const line = await Line.of(page, server.url);
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  const card = example(page, THERE_IS).locator(".td-progress").first();
  await expect(card.locator(".td-badge")).toHaveText("Running");
  await line.loses();
  await expect(page.locator("[data-connection=offline]")).toBeVisible({ timeout: 15_000 });
  await page.request.post(`/api/tasks/${id}/cancel`);
  await expect.poll(() => statusOf(page, id), { timeout: 15_000 }).toBe("cancelled");
  await page.request.delete(`/api/tasks/${id}`);
  line.isBack();
  await expect(card.locator(".td-badge")).toHaveText("Deleted", { timeout: 20_000 });
  await expect(card.getByText("This task was deleted.")).toBeVisible();
  await expect(card.locator(".td-progress-eta")).toHaveText("");
  await expect(card.locator(".td-progress-elapsed")).toHaveText("");
  await expect(heard(page, THERE_IS)).toHaveText(["update", "finish"]);
});

test("a hidden widget asks before it calls back", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const hidden = example(page, "When it is shown");
  await hidden.getByRole("button", { name: "Start one to hide" }).click();
  const card = hidden.locator(".td-progress");
  await expect(card).toBeVisible();
  await hidden.getByLabel("Shown").uncheck();
  await expect(card).toHaveCount(0);
  const ask = hidden.getByRole("alertdialog", { name: "It ended. Note it?" });
  await expect(ask).toBeVisible({ timeout: 15_000 });
  await ask.getByRole("button", { name: "Note it" }).click();
  await expect(heard(page, "When it is shown")).toHaveText([/^finish/]);
});

test("a button's question has the keyboard, and gives it back", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const buttons = example(page, "A button that starts");
  const opener = buttons.getByRole("button", { name: "Fail after 2 steps" });
  const ask = buttons.getByRole("alertdialog", { name: "Start a task that fails?" });
  await opener.press("Enter");
  await expect(ask.getByRole("button", { name: "Start it" })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(ask).toHaveCount(0);
  await expect(opener).toBeFocused();
  await opener.press("Enter");
  await ask.getByRole("button", { name: "Leave it" }).press("Enter");
  await expect(opener).toBeFocused();

  // A kind that is a danger asks without being told to.
  await buttons.getByRole("button", { name: "Start what is a danger" }).press("Enter");
  const danger = buttons.getByRole("alertdialog", { name: /Nothing is at stake/ });
  await danger.getByRole("button", { name: "Start what is a danger" }).press("Enter");
  await expect(danger).toHaveCount(0);
  await expect(buttons.locator(".td-badge")).toHaveText("Completed", { timeout: 15_000 });
});

test("what is asked of the server in vain is said where it was asked", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource/);
  await page.goto("/widgets");
  await hydrated(page);
  await page.route("**/_taskdeck/start_task", (route) => route.abort());
  const log = example(page, "The log of a task");
  await log.getByRole("button", { name: "Start one that talks" }).click();
  await expect(log.getByRole("alert")).toHaveText(/cannot be reached/);
});

test("a task that is gone is said to be, and another can be started in its place", async ({ page }) => {
  await page.goto("/widgets?task=01890000-0000-7000-8000-000000000000");
  await hydrated(page);
  const shown = example(page, THERE_IS);
  await expect(shown.getByText("There is no such task (any more).")).toBeVisible();
  await shown.getByRole("button", { name: "Start one" }).click();
  await expect(shown.locator(".td-progress")).toHaveCount(1);
  await expect(shown.getByText(/^on_progress: \d+ %$/)).toBeVisible({ timeout: 15_000 });
});

test("the element shows a task on the gallery too", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const any = example(page, "On any page");
  await any.getByRole("button", { name: "Start one for the element" }).click();
  await expect(any.locator("task-progress .badge").first()).toHaveText("Completed", { timeout: 20_000 });
  await expect(any.locator("task-progress .badge").last()).toHaveText("Completed");
});

test("texts are read in their own direction on a page that is read from right to left", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 200, step_ms: 200 }, "Make the invoice?");
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  await page.evaluate(() => (document.documentElement.dir = "rtl"));
  const card = "#TaskProgress .td-progress";
  await expect(page.locator(`${card} .td-progress-eta`)).toHaveText(/about \d+ s left/, { timeout: 15_000 });
  for (const part of ["label", "percent", "done", "elapsed", "eta", "message"]) {
    expect(await readsLeftToRight(page, `${card} .td-progress-${part}`), part).toBe(true);
  }
  for (const part of ["percent", "message"]) {
    expect(await readsLeftToRight(page, `.td-progress-compact .td-progress-${part}`), part).toBe(true);
  }
});

/** What `taskdeck_ui::STYLE` is: the sheets that its source names. */
function componentStyle(): string {
  const root = join(import.meta.dirname, "../..");
  const source = readFileSync(join(root, "crates/ui/src/style.rs"), "utf8");
  const sheets = [...source.matchAll(/include_str!\("\.\.\/(style\/[^"{]+)"\)/g)];
  expect(sheets.length).toBeGreaterThan(5);
  return sheets.map(([, path]) => readFileSync(join(root, "crates/ui", path!), "utf8")).join("\n");
}

test("the components' style dresses them on a stranger's page, and leaves the rest as it was", async ({
  page,
  context,
}) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "Invoice");
  await page.request.get(`/api/tasks/${id}/result?timeout=20`);
  await page.goto(`/widgets?task=${id}`);
  const card = await page.locator("#TaskProgress .td-progress").first().evaluate((node) => node.outerHTML);
  const stranger = await context.newPage();
  await stranger.setContent(`<!doctype html><html><head><style>
    body { font: 18px/1.6 Georgia, serif; background: #fdf6e3 } p { margin: 2em 0 } button { background: gold; padding: 1em }
  </style></head><body><h1>Shop</h1><p id="own">Text <a href="/">and a link</a></p><ul><li>One</li></ul>
  <button>Buy</button><svg width="10" height="10"></svg><progress value="0.5"></progress>${card}</body></html>`);
  const looks = () =>
    stranger.evaluate(() =>
      [...document.querySelectorAll("html, body, h1, #own, #own a, ul, li, body > button, body > svg, body > progress")].map(
        (node) => {
          const style = getComputedStyle(node);
          // What its custom properties say is of no consequence for anything but the components.
          return [...style].filter((name) => !name.startsWith("--")).map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ");
        },
      ),
    );
  const before = await looks();
  await stranger.addStyleTag({ content: componentStyle() });
  const after = await looks();
  // What stands beside the card is as tall as it was; only the page's own height is another with it.
  const sized = /^(block-size|height|perspective-origin|transform-origin): /;
  const changed = after.flatMap((one, at) => {
    const was = before[at]!.split("; ");
    return one.split("; ").filter((look, place) => look !== was[place] && !sized.test(look));
  });
  expect(changed).toEqual([]);
  const dressed = await stranger.locator(".td-progress").evaluate((node) => {
    const style = getComputedStyle(node);
    const message = getComputedStyle(node.querySelector(".td-progress-note")!);
    const button = getComputedStyle(node.querySelector("button")!);
    return [style.borderTopWidth, style.borderTopLeftRadius, message.marginTop, button.backgroundColor];
  });
  expect(dressed.slice(0, 3)).toEqual(["1px", "11px", "0px"]);
  expect(dressed[3]).not.toBe("rgb(255, 215, 0)");
  await stranger.close();
});

test("the bar is seen in forced colours", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 2, step_ms: 60_000 });
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  const bar = "#TaskProgress .td-progress progress";
  await page.locator(bar).evaluate((node) => node.setAttribute("value", "0.5"));
  const [start, end] = await ends(page, bar);
  expect(start).not.toBe(end);
});

test("axe finds nothing wrong with widgets at work, in either theme", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  await page.getByRole("button", { name: "Start one that asks" }).click();
  await page.getByRole("button", { name: "Start one that fails" }).click();
  await page.getByRole("button", { name: "Fail after 2 steps" }).click();
  await page.getByRole("button", { name: "Start one for the element" }).click();
  await expect(page.getByText("Shall the demo go on?")).toBeVisible();
  await expect(page.getByRole("alertdialog", { name: "The demo failed. Note it?" })).toBeVisible({ timeout: 15_000 });
  await expect(page.locator("task-progress .badge").first()).not.toHaveText("");
  expect(await wrong(page, "widgets")).toEqual([]);
});

test.describe("where sockets are switched off", () => {
  test.use({ settings: { TASK_WEBSOCKET_ENABLED: "false" } });

  test("who comes back sees that somebody else tried a task again", async ({ page }) => {
    const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" });
    await page.request.get(`/api/tasks/${id}/result?timeout=20`);
    await page.goto(`/widgets?task=${id}`);
    await hydrated(page);
    await expect(example(page, THERE_IS).locator(".td-badge").first()).toHaveText("Failed");
    await page.request.post(`/api/tasks/${id}/retry`);
    await page.request.get(`/api/tasks/${id}/result?timeout=20`);
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await expect(heard(page, THERE_IS)).toHaveText([/^started/, /^error/, /^finish/], { timeout: 10_000 });
  });
});

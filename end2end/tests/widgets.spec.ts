// The gallery of widgets: what a person does there, and what the widgets call back with.
import type { Page } from "@playwright/test";
import { expect, hydrated, live, startTask, test } from "./fixtures";

/** Returns when the page is hydrated. It has no task to hear of yet, so there is no socket. */
/** One example of the gallery. */
function example(page: Page, title: string) {
  return page.getByRole("region", { name: title });
}

/** What the widgets of an example called back with, in order. */
function heard(page: Page, title: string) {
  return example(page, title).locator(".gallery-heard li");
}

/** The status that the card of the first example shows. */
function badge(page: Page) {
  return example(page, THERE_IS).locator(".td-badge").first();
}

/** Waits until the task asks: else a page that is opened is told of it. */
async function asked(page: Page, id: string) {
  await expect
    .poll(async () => ((await (await page.request.get(`/api/tasks/${id}`)).json()) as { status: string }).status)
    .toBe("waiting_confirmation");
}

const THERE_IS = "A task that there is";
const CARDS = "Cards that a start adds to";

test("a card tells each transition once, in order, with the result", async ({ page }) => {
  // It waits for its answer, so it goes on only when the page hears of it, however slowly that was loaded.
  const id = await startTask(page, "demo_question", { question: "Go on?" });
  await asked(page, id);
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  await expect(badge(page)).toHaveText("Waiting for confirmation");
  // The card and the row: both lead to where it is answered.
  const asks = example(page, THERE_IS).locator(".td-progress-note", { hasText: "It waits for an answer." });
  await expect(asks.getByRole("link", { name: "Answer it" })).toHaveCount(2);
  await expect(asks.getByRole("link").first()).toHaveAttribute("href", `/tasks/${id}`);
  await page.request.post(`/api/tasks/${id}/confirm`, { data: { approved: true } });
  await expect(badge(page)).toHaveText("Completed", { timeout: 15_000 });
  // What was over when the page was made is not news.
  await expect(heard(page, THERE_IS)).toHaveText([
    "update",
    "started",
    "event_notification: The demo went on.",
    'completed: {"approved":true,"reason":null}',
    'finish: {"approved":true,"reason":null}',
  ]);
});

test("a socket that is cut while the task ends loses no callback and repeats none", async ({
  page,
  complaints,
}) => {
  complaints.expect(/Failed to load resource: net::ERR_FAILED .*_taskdeck/);
  const id = await startTask(page, "demo_question", { question: "Go on?" });
  await asked(page, id);
  let cut = false;
  let connections = 0;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    connections += 1;
    // While it is cut, nothing gets through: neither the socket nor, below, the polls.
    if (cut) {
      void socket.close();
      return;
    }
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      if (!cut) server.send(message);
    });
    server.onMessage((message) => {
      if (!cut) socket.send(message);
    });
    closers.push(() => socket.close());
  });
  const closers: (() => Promise<void>)[] = [];
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  await expect(badge(page)).toHaveText("Waiting for confirmation");
  await expect(heard(page, THERE_IS)).toHaveText([]);

  cut = true;
  await page.route("**/_taskdeck/**", (route) => (cut ? route.abort() : route.continue()));
  await Promise.all(closers.map((close) => close()));
  await expect(page.locator("[data-connection=offline]")).toBeVisible({ timeout: 15_000 });
  const answered = await page.request.post(`/api/tasks/${id}/confirm`, { data: { approved: true } });
  expect(answered.status()).toBe(200);
  await page.request.get(`/api/tasks/${id}/result?timeout=20`);
  await expect(heard(page, THERE_IS)).toHaveText([]);

  const before = connections;
  cut = false;
  await live(page);
  expect(connections).toBeGreaterThan(before);
  await expect(heard(page, THERE_IS)).toHaveText([
    "update",
    "started",
    "event_notification: The demo went on.",
    'completed: {"approved":true,"reason":null}',
    'finish: {"approved":true,"reason":null}',
  ]);
  // Nor does it come again with the next connection.
  await Promise.all(closers.map((close) => close()));
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  await page.getByRole("button", { name: "Start one that completes" }).click();
  await expect(heard(page, CARDS).last()).toContainText("finish", { timeout: 15_000 });
  await expect(heard(page, THERE_IS)).toHaveCount(5);
});

test("two widgets of one task share one subscription", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 200, step_ms: 100 });
  const said: string[] = [];
  page.on("websocket", (socket) => {
    socket.on("framesent", (frame) => said.push(String(frame.payload)));
  });
  await page.goto(`/widgets?task=${id}`);
  await live(page);
  await expect(example(page, THERE_IS).getByText(/Processing step/).first()).toBeVisible();
  await expect(example(page, THERE_IS).locator(".td-progress, .td-progress-compact")).toHaveCount(2);
  const subscriptions = said.filter((text) => text.includes('"subscribe"') && text.includes(id));
  expect(subscriptions).toHaveLength(1);
  expect(subscriptions[0]!.split(id)).toHaveLength(2);
});

test("a start adds a card at once, and a failure asks before it calls back", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const cards = example(page, CARDS);
  await expect(cards.getByText("Nothing was started yet.")).toBeVisible();
  await cards.getByRole("button", { name: "Start one that completes" }).click();
  await expect(cards.locator(".td-progress")).toHaveCount(1);
  await cards.getByRole("button", { name: "Start one that fails" }).click();
  await expect(cards.locator(".td-progress")).toHaveCount(2);
  await expect(cards.locator(".td-progress-label").nth(1)).toHaveText("A demo that fails");

  const ask = cards.getByRole("alertdialog", { name: "The demo failed. Note it?" });
  await expect(ask).toBeVisible({ timeout: 15_000 });
  await expect(heard(page, CARDS).filter({ hasText: "error" })).toHaveCount(0);
  await ask.getByRole("button", { name: "Note it" }).click();
  await expect(ask).toHaveCount(0);
  await expect(heard(page, CARDS).filter({ hasText: "error" })).toHaveCount(1);
  await expect(heard(page, CARDS).filter({ hasText: "completed" })).toHaveCount(1);
  await expect(heard(page, CARDS).filter({ hasText: "started" })).toHaveCount(2);
  await expect(heard(page, CARDS).filter({ hasText: "finish" })).toHaveCount(2);

  await cards.getByRole("button", { name: "Start one that fails" }).click();
  await expect(ask).toBeVisible({ timeout: 15_000 });
  await ask.getByRole("button", { name: "Leave it" }).click();
  await expect(heard(page, CARDS).filter({ hasText: "finish" })).toHaveCount(3);
  await expect(heard(page, CARDS).filter({ hasText: "error" }), "declined, so not called").toHaveCount(1);
});

test("a button starts one task a key, shows its bar, and asks where it is told to", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const buttons = example(page, "A button that starts");
  await buttons.getByRole("button", { name: "Process 8 steps" }).dblclick();
  await expect(buttons.getByRole("progressbar")).toBeVisible();
  await buttons.getByRole("button", { name: "Process 8 steps" }).click();
  await expect(buttons.getByText(/Processing step/)).toBeVisible();
  const list = await (await page.request.get("/api/tasks?kind=demo_steps")).json();
  expect((list as { tasks: unknown[] }).tasks).toHaveLength(1);

  await buttons.getByRole("button", { name: "Fail after 2 steps" }).click();
  const ask = buttons.getByRole("alertdialog", { name: "Start a task that fails?" });
  await ask.getByRole("button", { name: "Leave it" }).click();
  await expect(ask).toHaveCount(0);
  await buttons.getByRole("button", { name: "Fail after 2 steps" }).click();
  await ask.getByRole("button", { name: "Start it" }).click();
  await expect(buttons.locator(".td-progress-note", { hasText: "The demo failed after step 2" })).toBeVisible({ timeout: 15_000 });
});

test("a question is shown with its form, and its notice is called back", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const questions = example(page, "A question and its answer");
  await questions.getByRole("button", { name: "Start one that asks" }).click();
  await expect(questions.getByText("Shall the demo go on?")).toBeVisible();
  await expect(heard(page, "A question and its answer").filter({ hasText: "confirmation" })).toHaveCount(1);
  await expect(
    heard(page, "A question and its answer").filter({ hasText: "event_notification: Half of it is done" }),
  ).toHaveCount(1);
  // It is answered where it stands.
  await page.evaluate(() => ((window as { sameDocument?: boolean }).sameDocument = true));
  await questions.getByLabel("Reason").fill("why not");
  await questions.getByRole("button", { name: "Go on" }).click();
  await expect(questions.getByText(/Approved by local/)).toBeVisible();
  await expect(heard(page, "A question and its answer").filter({ hasText: "update" })).toHaveCount(1);
  expect(await page.evaluate(() => (window as { sameDocument?: boolean }).sameDocument)).toBe(true);
});

test("a form, a log and a typed output work on a page of one's own", async ({ page }) => {
  await page.goto("/widgets");
  await hydrated(page);
  const form = example(page, "A form from the params");
  await form.getByLabel("Steps", { exact: true }).fill("0");
  await form.getByLabel("Time for a step (ms)").fill("10");
  await form.getByRole("button", { name: "Start" }).click();
  await expect(form.getByRole("alert").getByText(/Enter at least 1/)).toBeVisible();
  await form.getByLabel("Steps", { exact: true }).fill("2");
  await form.getByRole("button", { name: "Start" }).click();
  await expect(form.locator(".td-progress")).toHaveCount(1);
  await expect(page).toHaveURL(/\/widgets$/);

  const log = example(page, "The log of a task");
  await log.getByRole("button", { name: "Start one that talks" }).click();
  await expect(log.getByText("Processing step 3/20")).toBeVisible({ timeout: 15_000 });

  const typed = example(page, "Without a widget");
  await typed.getByRole("button", { name: "Count some steps" }).click();
  await expect(typed.getByText("It returned 3 steps.")).toBeVisible({ timeout: 15_000 });
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("the card is in the page, and the button starts a task", async ({ page }) => {
    const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "Read without scripts");
    await page.request.get(`/api/tasks/${id}/result?timeout=20`);
    await page.goto(`/widgets?task=${id}`);
    const card = example(page, THERE_IS);
    await expect(card.getByText("Read without scripts")).toBeVisible();
    await expect(badge(page)).toHaveText("Completed");
    await page.getByRole("button", { name: "Process 8 steps" }).click();
    await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]+$/);
  });
});

// What a person does who looks after a deck: queues, schedules, workers, settings, the overview.
import { type Page } from "@playwright/test";
import { SLOTS } from "./server";
import { expect, live, startTask, test } from "./fixtures";

/** A queue, a kind or a schedule in its list. */
function item(page: Page, list: string, name: string) {
  return page
    .getByRole("main")
    .getByRole("list", { name: list })
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** The number beside a name in an item. */
function numberOf(page: Page, list: string, name: string, title: string) {
  return item(page, list, name).locator("dt", { hasText: title }).locator("xpath=following-sibling::dd[1]");
}

test("a queue is paused, shows what waits, and goes on", async ({ page }) => {
  await page.goto("/queues");
  await live(page);
  await item(page, "Queues", "default").getByRole("button", { name: "Pause: default" }).click();
  await expect(item(page, "Queues", "default").getByText("Paused", { exact: false })).toBeVisible();

  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It waits");
  await expect(numberOf(page, "Queues", "default", "Queued")).toHaveText("1");
  await expect(numberOf(page, "Queues", "default", "Oldest wait")).toHaveText(/\d+ s/);
  await numberOf(page, "Queues", "default", "Queued").getByRole("link").click();
  await expect(page).toHaveURL(/\/tasks\?q=status:queued\+queue:default$/);
  await expect(page.getByRole("list", { name: "Tasks" }).getByRole("link", { name: "It waits" })).toBeVisible();

  await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: "Queues" }).click();
  await item(page, "Queues", "default").getByRole("button", { name: "Resume: default" }).click();
  await expect(item(page, "Queues", "default").getByRole("button", { name: "Pause: default" })).toBeVisible();
  expect((await page.request.get(`/api/tasks/${id}/result?timeout=10`)).ok()).toBe(true);
});

test("a kind is limited, what is wrong is told at its field, and the program's limits come back", async ({
  page,
  complaints,
}) => {
  await page.goto("/queues");
  await live(page);
  const kind = item(page, "Kinds", "demo_steps");
  await kind.getByRole("button", { name: "Limits of demo_steps" }).click();
  const form = page.getByRole("dialog", { name: "Limits of demo_steps" });
  await form.getByLabel("At the same time").fill("2");
  await form.getByLabel("Rate").fill("often");
  complaints.expect(/status of 422/);
  await form.getByRole("button", { name: "Save" }).click();
  await expect(form.getByText("A rate is a number and a time")).toBeVisible();
  await form.getByLabel("Rate").fill("600/1m");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(kind.getByText("At most 2 at the same time · 600 a minute · set here")).toBeVisible();
  await expect(form).toBeHidden();

  await kind.getByRole("button", { name: "Limits of demo_steps" }).click();
  await form.getByRole("button", { name: "As the program says" }).click();
  await expect(kind.getByText("Not limited")).toBeVisible();
});

test("a schedule is made with its rule explained as it is typed, run, paused, changed and deleted", async ({ page }) => {
  await page.goto("/schedules");
  await live(page);
  await page.getByRole("link", { name: "Make the first schedule" }).click();
  await page.getByRole("list", { name: "Kinds" }).getByRole("link", { name: "Demo steps" }).click();
  await page.getByLabel("Name").fill("nightly");
  const when = page.getByLabel("When", { exact: false }).first();
  await when.fill("0 3 * *");
  await expect(when, "without a complaint in the console").toHaveAccessibleDescription(/Write five fields/);
  await expect(when).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await expect(when, "what is known to be wrong is not sent").toBeFocused();
  await page.getByLabel("When", { exact: false }).first().fill("30 9 * * 1-5");
  await expect(page.getByText("Monday to Friday at 09:30")).toBeVisible();
  await expect(when).not.toHaveAttribute("aria-invalid");
  const zone = page.getByLabel("Time zone");
  await zone.fill("Europe/Nowhere");
  await expect(zone).toHaveAttribute("aria-invalid", "true");
  await expect(when).not.toHaveAttribute("aria-invalid");
  await zone.fill("Europe/Berlin");
  const times = page.locator("#schedule-preview").getByRole("listitem");
  await expect(times).toHaveCount(5);
  await expect(times.first()).toContainText("09:30");
  await page.getByLabel("Steps", { exact: true }).fill("2");
  await page.getByLabel("Time for a step (ms)").fill("0");
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await expect(page).toHaveURL(/\/schedules\/nightly$/);
  await expect(page.getByRole("region", { name: "Next times" }).getByText("Monday to Friday at 09:30")).toBeVisible();

  await page.getByRole("button", { name: "Run now: nightly" }).click();
  await page.getByRole("status").getByRole("link", { name: "Open the task" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("main").getByText("Completed", { exact: true }).first()).toBeVisible();
  await page.goto("/schedules/nightly");
  await live(page);
  await expect(page.getByRole("region", { name: "About" }).getByRole("link", { name: "By hand" })).toBeVisible();
  const last = page.getByRole("region", { name: "Its last tasks" });
  await expect(last.getByRole("listitem")).toContainText("demo_steps");
  await expect(last.getByText("Completed in")).toBeVisible();
  await page.getByRole("button", { name: "Run now: nightly" }).click();
  await expect(last.getByRole("listitem")).toHaveCount(2);
  await expect(last.getByRole("link", { name: "All of them" })).toHaveAttribute("href", /\?q=tag:(%22)?schedule:nightly/);

  await page.getByLabel("When", { exact: false }).first().fill("@hourly");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  await page.goto("/schedules");
  await live(page);
  await expect(item(page, "Schedules", "nightly").getByText("Every hour")).toBeVisible();
  await expect(item(page, "Schedules", "nightly").getByRole("img", { name: "Completed" })).toBeVisible();
  await page.getByRole("button", { name: "Pause: nightly" }).click();
  await expect(item(page, "Schedules", "nightly").getByText("Paused", { exact: false })).toBeVisible();
  await page.getByRole("button", { name: "Resume: nightly" }).click();
  await expect(page.getByRole("button", { name: "Pause: nightly" })).toBeVisible();

  await page.getByRole("link", { name: "nightly", exact: true }).click();
  const preview = page.locator("#schedule-preview");
  await expect(preview, "its next times stand in the panel beside, and nowhere else").toContainText("Its rule is this one");
  await expect(page.getByRole("region", { name: "Next times" }).getByRole("listitem")).toHaveCount(5);
  await page.getByLabel("When", { exact: false }).first().fill("@weekly");
  await expect(preview.locator("time")).toHaveCount(5);
  await page.getByRole("button", { name: "Pause: nightly" }).click();
  await expect(preview).toContainText("It is paused");
  await expect(preview.locator("time"), "nothing will come so soon").toHaveCount(0);
  await page.getByRole("button", { name: "Delete: nightly" }).click();
  await page.getByRole("dialog", { name: "Delete" }).getByRole("button", { name: "Delete the schedule" }).click();
  await expect(page).toHaveURL(/\/schedules$/);
  await expect(page.getByRole("heading", { name: "No schedules yet" })).toBeVisible();
});

test("what is a danger is asked about before a schedule runs it, and before it is retried", async ({
  page,
  complaints,
}) => {
  const params = { name: "Ann", key: "correct-horse-battery", fails: true };
  const made = await page.request.put("/api/schedules/daily", { data: { kind: "demo_form", cron: "@yearly", params } });
  expect(made.ok(), await made.text()).toBe(true);
  await page.goto("/schedules/daily");
  await live(page);
  complaints.expect(/status of 422/);
  await page.getByRole("button", { name: "Run now: daily" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "This is what a warning looks like." })).toBeVisible();
  await page.getByRole("button", { name: "Yes, run now: daily" }).click();
  await page.getByRole("status").getByRole("link", { name: "Open the task" }).click();
  await expect(page.getByRole("main").getByText("Failed", { exact: true }).first()).toBeVisible();
  await live(page);

  const actions = page.locator(".dash-task-actions");
  await actions.getByRole("button", { name: "Retry", exact: true }).click();
  await expect(actions.getByRole("alert")).toContainText("This is what a warning looks like.");
  await actions.getByRole("button", { name: "Yes, retry" }).click();
  await expect.poll(async () => {
    const task = await (await page.request.get(`/api/tasks/${page.url().split("/").pop()}`)).json();
    return [(task as { status: string }).status, (task as { attempt: number }).attempt];
  }).toEqual(["failed", 2]);
});

test("a worker shows its slots and what it runs", async ({ page }) => {
  await page.goto("/workers");
  await live(page);
  const workers = page.getByRole("main").getByRole("list", { name: "Workers" });
  await expect(workers.getByText(`0 of ${SLOTS} slots`)).toBeVisible();
  const failed = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" });
  await page.request.get(`/api/tasks/${failed}/result?timeout=10`);
  const id = await startTask(page, "demo_steps", { steps: 1000, step_ms: 50 }, "A thousand steps");
  await expect(workers.getByText(`1 of ${SLOTS} slots`)).toBeVisible();
  const fact = (name: string) =>
    workers.locator("dt", { hasText: new RegExp(`^${name}$`) }).locator("xpath=following-sibling::dd[1]");
  await expect(fact("Attempts")).toHaveText("2");
  await expect(fact("Success")).toHaveText("0 %");
  await expect(fact("Wait")).toHaveText(/^\d+ ms$/);
  await workers.getByRole("link", { name: "A thousand steps" }).click();
  await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
});

test("what waits for its children takes no slot", async ({ page }) => {
  const id = await startTask(page, "demo_parts", { parts: 1, steps: 100, step_ms: 600 });
  await page.goto("/workers");
  await live(page);
  const said = `1 of ${SLOTS} slots, 1 waits for its children`;
  await expect(page.getByRole("main").getByRole("list", { name: "Workers" }).getByText(said)).toBeVisible();
  await page.goto("/");
  await expect(page.getByRole("region", { name: "Workers" }).getByText(said)).toBeVisible();
  await page.request.post(`/api/tasks/${id}/cancel`);
});

test("the overview shows what runs, what failed and how much was done", async ({ page }) => {
  const failed = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
  await page.request.get(`/api/tasks/${failed}/result?timeout=10`);
  await startTask(page, "demo_steps", { steps: 1000, step_ms: 50 }, "It runs");
  await page.goto("/");
  await live(page);
  await expect(page).toHaveTitle(/Overview/);
  await expect(page.getByRole("list", { name: "Running now" }).getByRole("link", { name: "It runs" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Failed lately" }).getByRole("link", { name: "It failed" })).toBeVisible();
  const tile = (name: string) =>
    page.locator("dl.dash-tiles dt", { hasText: name }).locator("xpath=following-sibling::dd[1]");
  await expect(tile("Running")).toHaveText("1");
  await expect(tile("Failed")).toHaveText("1");

  // A task that ends while one looks is counted without a click.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
  await expect(tile("Completed")).toHaveText("1");

  const throughput = page.getByRole("figure", { name: "Throughput" });
  await throughput.getByText("As a table").click();
  await expect(throughput.getByRole("row").nth(1)).toContainText("1");
  // They began at once: a wait of 0 ms is a wait.
  await expect(page.getByRole("figure", { name: "Wait" }).getByText("Nothing began in this span.")).toBeHidden();
  await page.getByRole("navigation", { name: "Span of time" }).getByRole("link", { name: "last 24 hours" }).click();
  await expect(page).toHaveURL(/\?range=24h$/);
  await expect(page.getByText("Each step is 15 minutes.")).toBeVisible();
  await page.getByRole("link", { name: "Charts" }).click();
  await expect(page).toHaveURL(/\?range=24h&charts=off$/);
  await expect(page.getByRole("figure", { name: "Throughput" })).toHaveCount(0);
  // Before the numbers of the other span are there, "Charts" already keeps to it.
  let arrive = () => {};
  const arrived = new Promise<void>((done) => (arrive = done));
  await page.route("**/_taskdeck/stats", async (route) => {
    await arrived;
    await route.continue();
  });
  await page.getByRole("navigation", { name: "Span of time" }).getByRole("link", { name: "last hour" }).click();
  await expect(page, "they stay put away").toHaveURL(/\?charts=off$/);
  await page.getByRole("link", { name: "Charts" }).click();
  await expect(page).not.toHaveURL(/\?/);
  arrive();
  await expect(page.getByRole("figure")).toHaveCount(3);

  // One alone, which is in the address too.
  const which = page.getByRole("navigation", { name: "Which chart" });
  await which.getByRole("link", { name: "Wait" }).click();
  await expect(page).toHaveURL(/\?charts=wait$/);
  await expect(page.getByRole("figure")).toHaveCount(1);
  await page.reload();
  await live(page);
  await expect(page.getByRole("figure", { name: "Wait" })).toBeVisible();
  await expect(page.getByRole("figure")).toHaveCount(1);
  await which.getByRole("link", { name: "All" }).click();
  await expect(page.getByRole("figure")).toHaveCount(3);
});

test("the settings say what the server runs with", async ({ page, server }) => {
  await page.goto("/settings");
  await live(page);
  const settings = page.getByRole("region", { name: "This server" });
  const value = (name: string) => settings.locator("dt", { hasText: name }).locator("xpath=following-sibling::dd[1]");
  await expect(value("TASK_BIND")).toContainText(new URL(server.url).host);
  await expect(value("TASK_GRACE")).toContainText("2 seconds");
  await expect(value("TASK_MAX_CONCURRENT")).toContainText(String(SLOTS));
  await expect(value("TASK_BASE")).toContainText("/");
  await expect(value("TASK_EMBED_ORIGINS")).toContainText("none");
  for (const name of ["TASK_WORKER", "TASK_FILES", "TASK_DATA"]) await expect(value(name)).toHaveCount(1);
  await expect(page.getByRole("region", { name: "About" })).toContainText(/SQLite 3\.|PostgreSQL \d/);
  await expect(page.getByRole("region", { name: "Keys" })).toContainText("Workers");
  await page.getByRole("main").getByRole("button", { name: "Dark" }).click();
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

test.describe("with JavaScript off", () => {
  test.use({ javaScriptEnabled: false });

  // The page announces its WASM to the browser, which has no use for it here.
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("a queue is paused and limited by plain forms", async ({ page }) => {
    await page.goto("/queues");
    await page.getByRole("button", { name: "Pause: default" }).click();
    await expect(page).toHaveURL(/\/queues$/);
    await expect(page.getByRole("button", { name: "Resume: default" })).toBeVisible();
    await page.getByRole("button", { name: "Limits of default" }).click();
    const form = page.getByRole("dialog", { name: "Limits of default" });
    await form.getByLabel("At the same time").fill("3");
    await form.getByRole("button", { name: "Save" }).click();
    await expect(item(page, "Queues", "default").getByText("At most 3 at the same time · set here")).toBeVisible();
  });

  test("the form of a schedule comes back with what was typed, and makes one", async ({ page }) => {
    await page.goto("/schedules/_new?kind=demo_steps");
    await page.getByLabel("Name").fill("hourly");
    await page.getByLabel("When", { exact: false }).first().fill("sometimes");
    await page.getByLabel("Steps", { exact: true }).fill("3");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Write five fields" })).toBeVisible();
    await expect(page.getByLabel("When", { exact: false }).first()).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByLabel("Name")).toHaveValue("hourly");
    await expect(page.getByLabel("Steps", { exact: true })).toHaveValue("3");
    await page.getByLabel("When", { exact: false }).first().fill("@hourly");
    await page.getByRole("button", { name: "Make the schedule" }).click();
    await expect(page).toHaveURL(/\/schedules\/hourly$/);
    await expect(page.getByRole("region", { name: "Next times" }).getByText("Every hour")).toBeVisible();
    await page.getByRole("button", { name: "Pause: hourly" }).click();
    await expect(page.getByRole("button", { name: "Resume: hourly" })).toBeVisible();
  });
});

// Two processes on one PostgreSQL database: pages come from one that runs nothing, and another runs the tasks.
import { Database, POSTGRES } from "./database";
import { Server, SLOTS } from "./server";
import { expect, live, press, startTask, status, test as base, valueOf } from "./fixtures";

const test = base.extend<{ database: Database; worker: Server }>({
  database: async ({}, use) => {
    const database = await Database.create();
    await use(database);
    await database.drop();
  },

  // The pages' server of every test, which here leaves the work to others.
  settings: async ({ database }, use) => {
    await use({ TASK_STORE: database.url, TASK_WORKER: "false" });
  },

  worker: [
    async ({ database }, use) => {
      const worker = await Server.start(process.env.TASKDECK_BIN!, { TASK_STORE: database.url }, "worker");
      await use(worker);
      await worker.stop();
    },
    { auto: true },
  ],
});

test.skip(!POSTGRES, "needs a PostgreSQL server: cargo xtask test");

test("a task that is started by the form runs on the other node, and the page shows it live", async ({
  page,
  worker,
}) => {
  await page.goto("/start/demo_steps");
  await live(page);
  await page.getByLabel("Steps", { exact: true }).fill("30");
  await page.getByLabel("Time for a step (ms)").fill("150");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Running")).toBeVisible();
  await page.evaluate(() => ((window as { sameDocument?: boolean }).sameDocument = true));
  // Each as it happens there: a bar that moves, and lines that come.
  await expect(page.getByText("Processing step 3/30").first()).toBeVisible();
  await expect(page.getByText("Processing step 12/30").first()).toBeVisible();
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("Processing step 12/30")).toBeVisible();
  await expect(status(page, "Completed")).toBeVisible({ timeout: 15_000 });
  await expect(valueOf(page, "Result", "processed")).toHaveText("30");
  expect(await page.evaluate(() => (window as { sameDocument?: boolean }).sameDocument)).toBe(true);
  const attempts = await (await page.request.get(`/api/tasks/${page.url().split("/").pop()}/attempts`)).json();
  expect(JSON.stringify(attempts), "it ran over there").toContain(`:${worker.pid}"`);
});

test("a task of the other node is cancelled from the page", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 300, step_ms: 100 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(page.getByText("Processing step 3/300").first()).toBeVisible();
  await press(page, "Cancel");
  await expect(status(page, "Cancelled")).toBeVisible();
});

test("a question that is asked over there is answered here", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "ask" });
  await page.goto(`/tasks/${id}`);
  await live(page);
  const asked = page.getByRole("region", { name: "Questions" });
  await asked.getByLabel("Why").fill("all is well");
  await asked.getByRole("button", { name: "Complete it" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("Answered: yes, because: all is well")).toBeVisible();
});

test("a queue that is paused here is claimed by nobody over there, until it goes on", async ({ page }) => {
  await page.goto("/queues");
  await live(page);
  const queue = page
    .getByRole("list", { name: "Queues" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name: "default", exact: true }) });
  await queue.getByRole("button", { name: "Pause: default" }).click();
  await expect(queue.getByText("Paused", { exact: false })).toBeVisible();
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It waits");
  // A wait that the server ends: nobody has begun it meanwhile.
  const early = await page.request.get(`/api/tasks/${id}/result?timeout=2`);
  expect(early.status()).toBe(425);
  await queue.getByRole("button", { name: "Resume: default" }).click();
  expect((await page.request.get(`/api/tasks/${id}/result?timeout=10`)).status()).toBe(200);
});

test("the workers of all nodes are shown, and who is gone leaves", async ({ page, worker, settings }) => {
  const another = await Server.start(process.env.TASKDECK_BIN!, { TASK_STORE: settings.TASK_STORE! }, "worker");
  await page.goto("/workers");
  await live(page);
  const workers = page.getByRole("list", { name: "Workers" }).getByRole("listitem");
  const ours = workers.filter({ hasText: `:${worker.pid}` });
  await expect(ours).toContainText(String(SLOTS));
  await expect(workers.filter({ hasText: `:${another.pid}` })).toHaveCount(1);
  await another.stop();
  await expect(workers.filter({ hasText: `:${another.pid}` })).toHaveCount(0, { timeout: 15_000 });
  await expect(ours).toHaveCount(1);
});

test("the page goes on by itself when every session of the database is ended", async ({ page, database }) => {
  const id = await startTask(page, "demo_steps", { steps: 40, step_ms: 150 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(page.getByText("Processing step 3/40").first()).toBeVisible();
  await database.endSessions();
  await expect(status(page, "Completed")).toBeVisible({ timeout: 20_000 });
  await expect(valueOf(page, "Result", "processed")).toHaveText("40");
});

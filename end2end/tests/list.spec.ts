import { expect, live, startTask, test } from "./fixtures";

test("a new task is announced in the list, and its bar moves there", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
  // Into an empty list it comes by itself: there is nothing that it would move.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "The first");
  await expect(page.getByRole("listitem").filter({ hasText: "The first" })).toBeVisible();
  await startTask(page, "demo_steps", { steps: 200, step_ms: 50 }, "Two hundred steps");
  await page.getByRole("link", { name: "1 new", exact: true }).click();
  const row = page.getByRole("list", { name: "Tasks" }).getByRole("listitem").filter({ hasText: "Two hundred steps" });
  const bar = row.getByRole("progressbar");
  await expect(bar).toBeVisible();
  const before = Number(await bar.getAttribute("value"));
  await expect.poll(async () => Number(await bar.getAttribute("value"))).toBeGreaterThan(before);
});

test("a list is turned round, page by page, by its address", async ({ page }) => {
  const task = (n: number) => ({ kind: "demo_steps", request: { params: { steps: 1, step_ms: 0 }, delay: 3_600_000, label: `Task ${n}` } });
  const tasks = [1, 2, 3].map(task);
  const started = await page.request.post("/api/tasks/batch", { data: { label: "some", tasks } });
  expect(started.ok(), await started.text()).toBe(true);
  const items = page.getByRole("list", { name: "Tasks", exact: true }).locator("> li");
  await page.goto("/tasks?rows=2");
  await live(page);
  await expect(items).toHaveText([/Task 3/, /Task 2/]);
  await expect(page.getByText("Newest first")).toBeVisible();
  await page.getByRole("link", { name: "Turn round" }).click();
  await expect(page).toHaveURL(/\/tasks\?order=oldest&rows=2$/);
  await expect(items).toHaveText([/Task 1/, /Task 2/]);
  await page.getByRole("link", { name: "Newer" }).click();
  await expect(items).toHaveText([/Task 3/]);
  await expect(page).toHaveURL(/order=oldest&rows=2&cursor=/);
  await page.getByRole("link", { name: "Oldest", exact: true }).click();
  await expect(items).toHaveText([/Task 1/, /Task 2/]);
  // What is new comes at the other end.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  await expect(page.getByRole("link", { name: "1 new", exact: true })).toHaveCount(0);
  const answer = (await (await page.request.get("/api/tasks?order=oldest&limit=1")).json()) as { tasks: { label: string }[] };
  expect(answer.tasks.map((task) => task.label)).toEqual(["Task 1"]);
});

test("a task that starts before the page is live is announced too", async ({ page }) => {
  // Into an empty list it would come by itself.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  let started = () => {};
  const start = new Promise<void>((resolve) => (started = resolve));
  // The page is there, and its code is not: a socket that is held back would be open for the page all the same.
  await page.route(/\/pkg\/taskdeck\.\w+\.wasm$/, async (route) => {
    await start;
    await route.continue();
  });
  await page.goto("/tasks", { waitUntil: "domcontentloaded" });
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  started();
  await live(page);
  await expect(page.getByRole("link", { name: "1 new", exact: true })).toBeVisible();
});

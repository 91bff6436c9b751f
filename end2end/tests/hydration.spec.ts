import { expect, live, startTask, test } from "./fixtures";

// The console is watched by the fixture: an error or a warning of hydration fails these tests.
for (const [path, heading] of [
  ["/", "Overview"],
  ["/?range=7d", "Overview"],
  ["/queues", "Queues"],
  ["/schedules", "Schedules"],
  ["/schedules/_new", "New schedule"],
  ["/schedules/_new?kind=demo_steps&cron=0+3+*+*+*", "New schedule"],
  ["/workers", "Workers"],
  ["/settings", "Settings"],
  ["/tasks", "Tasks"],
  ["/tasks?status=failed", "Tasks"],
  ["/start", "Start a task"],
  ["/start/import_csv", "Import CSV"],
  ["/start/demo_steps", "Demo steps"],
  ["/start/demo_form?name=Ann&days=friday&at=2026-01-31T08:30", "Demo form"],
  ["/schedules/_new?kind=demo_form", "New schedule"],
  ["/inbox", "Notifications"],
] as const) {
  test(`${path} is hydrated without a complaint`, async ({ page }) => {
    await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
    const answer = await page.goto(path);
    expect(await answer!.text(), "what the server sent").toContain(heading);
    await live(page);
    await expect(page.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
  });
}

for (const ending of ["complete", "fail", "panic"]) {
  test(`the page of a task that ends with "${ending}" is hydrated without a complaint`, async ({ page }) => {
    const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 0, ending }, "A demo");
    const result = await page.request.get(`/api/tasks/${id}/result?timeout=10`);
    expect(result.status()).toBe(ending === "complete" ? 200 : 500);
    const answer = await page.goto(`/tasks/${id}`);
    expect(await answer!.text(), "what the server sent").toContain("Processing step 3/3");
    await live(page);
    await expect(page.getByRole("heading", { name: "A demo", level: 1 })).toBeVisible();
  });
}

test("the page of a running task is hydrated without a complaint, and its list too", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 1000, step_ms: 30 });
  for (const path of [`/tasks/${id}`, "/tasks", "/tasks?status=running"]) {
    await page.goto(path);
    await live(page);
    await expect(page.getByRole("progressbar").first()).toBeVisible();
  }
});

test("there is a page that says there is no such page", async ({ page, complaints }) => {
  complaints.expect(/status of 404/);
  const answer = await page.goto("/nowhere");
  expect(answer!.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "There is no such page" })).toBeVisible();
  await live(page);
});

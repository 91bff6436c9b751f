import { expect, live, startTask, test } from "./fixtures";

/** The pages with their headings, once there are these tasks. */
const pages = (tasks: string[]): [string, string][] => [
  ["/", "Overview"],
  ["/?range=7d", "Overview"],
  ["/queues", "Queues"],
  ["/schedules", "Schedules"],
  ["/schedules/_new", "New schedule"],
  ["/schedules/_new?kind=demo_steps&cron=0+3+*+*+*", "New schedule"],
  ["/schedules/_new?kind=demo_form", "New schedule"],
  ["/workers", "Workers"],
  ["/settings", "Settings"],
  ["/tasks", "Tasks"],
  ["/tasks?status=failed", "Tasks"],
  ["/start", "Start a task"],
  ["/start/import_csv", "Import CSV"],
  ["/start/demo_steps", "Demo steps"],
  ["/start/demo_form?name=Ann&days=friday&at=2026-01-31T08:30", "Demo form"],
  ["/inbox", "Notifications"],
  ...tasks.map((id): [string, string] => [`/tasks/${id}`, "A demo"]),
];

// The console is watched by the fixture: an error or a warning of hydration fails these tests.
for (const [width, height] of [[1280, 800], [360, 740]] as const) {
  test(`every page is hydrated without a complaint, and nothing moves, ${width} px wide`, async ({ page, complaints }) => {
    test.setTimeout(60_000);
    await page.setViewportSize({ width, height });
    await page.addInitScript(() => {
      const shifts: number[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
      }).observe({ type: "layout-shift", buffered: true });
    });
    const tasks: string[] = [];
    for (const ending of ["complete", "fail", "panic"]) {
      const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 0, ending }, "A demo");
      const result = await page.request.get(`/api/tasks/${id}/result?timeout=10`);
      expect(result.status()).toBe(ending === "complete" ? 200 : 500);
      tasks.push(id);
    }
    await startTask(page, "demo_question", {}, "It asks");
    for (const [path, heading] of pages(tasks)) {
      const answer = await page.goto(path);
      const html = await answer!.text();
      expect(html, `what the server sent of ${path}`).toContain(heading);
      if (heading === "A demo") expect(html, path).toContain("Processing step 3/3");
      await live(page);
      await expect(page.getByRole("heading", { name: heading, level: 1 })).toBeVisible();
      // All that there was to do is done, and painted.
      const moved = await page.evaluate(async () => {
        for (let n = 0; n < 3; n += 1) await new Promise((done) => requestIdleCallback(done));
        for (let n = 0; n < 3; n += 1) await new Promise((done) => requestAnimationFrame(done));
        return (window as unknown as { shifts: number[] }).shifts.reduce((a, b) => a + b, 0);
      });
      expect(moved, `the layout shift of ${path}`).toBeLessThan(0.02);
      expect(complaints.heard, path).toEqual([]);
    }
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

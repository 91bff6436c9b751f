import { expect, live, startTask, test } from "./fixtures";

test("a new task is announced in the list, and its bar moves there", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
  await startTask(page, "demo_steps", { steps: 200, step_ms: 50 }, "Two hundred steps");
  await page.getByRole("link", { name: "1 new" }).click();
  const row = page.getByRole("list", { name: "Tasks" }).getByRole("listitem").filter({ hasText: "Two hundred steps" });
  const bar = row.getByRole("progressbar");
  await expect(bar).toBeVisible();
  const before = Number(await bar.getAttribute("value"));
  await expect.poll(async () => Number(await bar.getAttribute("value"))).toBeGreaterThan(before);
});

test("a task that starts before the page is live is announced too", async ({ page }) => {
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
  await expect(page.getByRole("link", { name: "1 new" })).toBeVisible();
});

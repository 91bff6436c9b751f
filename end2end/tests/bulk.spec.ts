// Many tasks at once.
import { expect, live, startTask, status, test, valueOf } from "./fixtures";
import type { Page } from "@playwright/test";

async function failed(page: Page, label: string): Promise<string> {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  return id;
}

const bar = (page: Page) => page.getByRole("form", { name: "Selected tasks" });

test("chosen tasks are deleted after a look at what will go", async ({ page }) => {
  for (const label of ["First", "Second", "Third"]) await failed(page, label);
  await page.goto("/tasks");
  await live(page);
  await expect(bar(page)).toBeHidden();
  await page.getByRole("checkbox", { name: "Select First" }).check();
  await page.getByRole("checkbox", { name: "Select Third" }).check();
  await expect(bar(page)).toContainText("2 selected");
  await bar(page).getByRole("button", { name: "Delete" }).click();

  await expect(page.getByRole("heading", { name: "Delete 2 tasks?" })).toBeVisible();
  await expect(page.getByRole("list", { name: "The newest of them" }).getByRole("listitem")).toHaveText([/Third/, /First/]);
  const third = page.getByRole("list", { name: "The newest of them" }).getByRole("listitem").first();
  await expect(third, "what it was started with").toContainText("ending=fail");
  await expect(third, "how it stands, and which it is").toContainText(/Failed.*…[0-9a-f]{12}/);
  await expect(page.getByRole("navigation", { name: "Where this is" })).toContainText("Many at once");
  await page.getByRole("button", { name: "Delete 2 tasks" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Delete 2 tasks");
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "done")).toHaveText("2");
  await page.goto("/tasks?q=kind:demo_steps");
  await expect(page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem")).toHaveText([/Second/]);
});

test("all that match a filter are retried, and what is passed over says why", async ({ page }) => {
  for (let n = 0; n < 4; n++) await failed(page, `Failed ${n}`);
  const held = { params: { steps: 1000, step_ms: 50 }, label: "Holds the key", key: "the-key" };
  const keyed = { params: { steps: 1, step_ms: 0, ending: "fail" }, label: "Had the key", key: "the-key" };
  const first = await page.request.post("/api/kinds/demo_steps/start", { data: keyed });
  await page.request.get(`/api/tasks/${(await first.json()).id}/result?timeout=10`);
  await page.request.post("/api/kinds/demo_steps/start", { data: held });
  await page.goto("/tasks?q=status:failed");
  await live(page);
  await page.getByRole("checkbox", { name: "Select Failed 0" }).check();
  await page.getByRole("checkbox", { name: "all that match the filter" }).check();
  await bar(page).getByRole("button", { name: "Retry" }).click();
  await page.getByRole("button", { name: "Retry 5 tasks" }).click();
  await expect(status(page, "Completed in part")).toBeVisible();
  await expect(valueOf(page, "Result", "done")).toHaveText("4");
  await expect(page.getByRole("region", { name: "1 part was left out" })).toContainText("the-key");
});

test("a list is cleaned up after a look at what will go, by a task of its own", async ({ page }) => {
  for (const label of ["First", "Second"]) await failed(page, label);
  const running = await startTask(page, "demo_steps", { steps: 1000, step_ms: 50 }, "It runs");
  await page.goto("/tasks?q=status:running");
  await live(page);
  await expect(page.getByRole("link", { name: "Clean up…" }), "nothing of it has ended").toHaveCount(0);
  await page.goto("/tasks");
  await live(page);
  await page.getByRole("link", { name: "Clean up…" }).click();
  await expect(page.getByRole("heading", { name: "Delete 2 tasks?" })).toBeVisible();
  await page.getByRole("button", { name: "Delete 2 tasks" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "done")).toHaveText("2");
  await page.goto("/tasks?q=kind:demo_steps");
  await expect(page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem")).toHaveText([/It runs/]);
  await page.request.post(`/api/tasks/${running}/cancel`);
});

test("more tasks than an address can name are posted to the page that asks", async ({ page }) => {
  // At a time that is far away, so that they stay as they are.
  const task = { kind: "demo_steps", request: { params: { steps: 1, step_ms: 0 }, delay: 3_600_000 } };
  const started = await page.request.post("/api/tasks/batch", { data: { label: "many", tasks: Array(60).fill(task) } });
  expect(started.status(), await started.text()).toBe(202);
  await page.goto("/tasks?rows=200");
  await live(page);
  await page.getByRole("checkbox", { name: "Select all 60 on this page" }).check();
  await expect(bar(page)).toContainText("60 selected");
  await bar(page).getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("heading", { name: "Cancel 60 tasks?" })).toBeVisible();
  await expect(page, "none of them is in the address").toHaveURL(/\/tasks\/bulk$/);
  await page.getByRole("button", { name: "Cancel 60 tasks" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "done")).toHaveText("60");
});

test("the rows stand still while something is chosen", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 400, step_ms: 50 }, "It moves");
  await page.goto("/tasks");
  await live(page);
  const progress = page.getByRole("progressbar", { name: "It moves" });
  const value = async () => Number(await progress.getAttribute("value"));
  const before = await value();
  await expect.poll(value).toBeGreaterThan(before);
  await page.getByRole("checkbox", { name: "Select It moves" }).check();
  await expect(bar(page)).toContainText("Updates are paused");
  // What was under way when the box was checked may still come; after it nothing does, though the task goes on.
  const shown = await value();
  await expect
    .poll(async () => ((await (await page.request.get(`/api/tasks/${id}`)).json()) as { progress: { fraction: number } }).progress.fraction)
    .toBeGreaterThan(shown + 0.02);
  expect(await value()).toBeLessThanOrEqual(shown + 0.01);
  await page.keyboard.press("Escape");
  await expect(bar(page)).toBeHidden();
  await expect.poll(value).toBeGreaterThan(shown + 0.02);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("boxes and buttons are plain forms", async ({ page }) => {
    for (const label of ["First", "Second"]) await failed(page, label);
    await page.goto("/tasks");
    await page.getByRole("checkbox", { name: "Select First" }).check();
    await bar(page).getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("heading", { name: "Delete 1 task?" })).toBeVisible();
    await page.getByRole("button", { name: "Delete 1 task" }).click();
    await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
    await expect(async () => {
      await page.reload();
      await expect(status(page, "Completed")).toBeVisible({ timeout: 500 });
    }).toPass();
    await page.goto("/tasks?q=kind:demo_steps");
    await expect(page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem")).toHaveText([/Second/]);
  });

  test("all that match a filter are chosen without a box, by a bar that is seen at once", async ({ page }) => {
    for (let n = 0; n < 20; n++) await failed(page, `Failed ${n}`);
    await page.goto("/tasks?q=status:failed");
    await expect(bar(page)).toBeInViewport({ ratio: 1 });
    await bar(page).getByRole("checkbox", { name: "All that match the filter" }).check();
    await bar(page).getByRole("button", { name: "Delete" }).click();
    await expect(page.getByRole("heading", { name: "Delete 20 tasks?" })).toBeVisible();
  });
});

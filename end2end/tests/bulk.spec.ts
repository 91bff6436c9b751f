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
});

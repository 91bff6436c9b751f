// The list narrowed by what is typed.
import { expect, live, startTask, test } from "./fixtures";
import type { Page } from "@playwright/test";

const rows = (page: Page) => page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem");

async function ended(page: Page, kind: string, params: object, label: string): Promise<string> {
  const id = await startTask(page, kind, params, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  return id;
}

test("the search box suggests, narrows the list, and is the URL", async ({ page }) => {
  await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
  await page.goto("/tasks");
  await live(page);
  const box = page.getByRole("combobox", { name: "Search tasks" });
  await page.keyboard.press("/");
  await expect(box).toBeFocused();
  await box.pressSequentially("status:fa");
  const offers = page.getByRole("listbox", { name: "Suggestions" });
  await expect(offers.getByRole("option")).toHaveText([/status:failed/]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/tasks\?q=status:failed$/);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("It failed");

  await box.fill("demo done");
  await page.keyboard.press("Enter");
  await expect(rows(page)).toContainText(["It is done"]);
  await page.goBack();
  await expect(box).toHaveValue("status:failed");
  await expect(rows(page)).toContainText(["It failed"]);
});

test("an id, a part of it, and a key find the task", async ({ page }) => {
  const id = await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "The one");
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "Another");
  const keyed = { params: { steps: 1, step_ms: 0 }, label: "With a key", key: "report-2026-11" };
  await page.request.post("/api/kinds/demo_steps/start", { data: keyed });
  await page.goto("/tasks");
  await live(page);
  const box = page.getByRole("combobox", { name: "Search tasks" });
  for (const [typed, label] of [[id, "The one"], [id.slice(-8), "The one"], ["report-2026", "With a key"]]) {
    await box.fill(typed!);
    await page.keyboard.press("Enter");
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page)).toContainText([label!]);
  }
});

test("a search that cannot be read is told kindly", async ({ page }) => {
  await page.goto("/tasks?q=stauts:failed");
  await expect(page.getByRole("alert")).toContainText("did you mean “status:”?");
  await expect(page.getByRole("heading", { name: "This search cannot be read" })).toBeVisible();
  await page.getByRole("link", { name: "Show all tasks" }).click();
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("the search box is a plain form", async ({ page }) => {
    await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
    await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
    await page.goto("/tasks");
    const box = page.getByRole("combobox", { name: "Search tasks" });
    await box.fill("status:failed demo since:1h");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/tasks\?q=/);
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page)).toContainText(["It failed"]);
    await expect(box).toHaveValue("status:failed since:1h demo");
  });
});

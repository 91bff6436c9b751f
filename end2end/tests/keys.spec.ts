// What is done by keys alone.
import { expect, live, startTask, status, test } from "./fixtures";

test("rows are walked, chosen and opened", async ({ page }) => {
  for (const label of ["First", "Second", "Third"]) {
    const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, label);
    await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  }
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("j");
  await expect(page.getByRole("link", { name: "Third" })).toBeFocused();
  await page.keyboard.press("j");
  await page.keyboard.press("x");
  await expect(page.getByRole("checkbox", { name: "Select Second" })).toBeChecked();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("checkbox", { name: "Select Second" })).not.toBeChecked();
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  await expect(page.getByRole("link", { name: "Second" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Second" })).toBeVisible();
  await page.keyboard.press("r");
  await expect(page.getByText("Attempt 2 (try 1 of 1)").or(page.getByText("Attempt 2 started")).first()).toBeVisible();
});

test("keys go to pages, and none while one types", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("g");
  await page.keyboard.press("n");
  await expect(page).toHaveURL(/\/start$/);
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page).toHaveURL(/\/tasks$/);
  // The address is there before the page is.
  await expect(page.getByRole("combobox", { name: "Search tasks" })).toBeVisible();
  await page.keyboard.press("/");
  await page.keyboard.type("g n?");
  await expect(page).toHaveURL(/\/tasks$/);
  await expect(page.getByRole("combobox", { name: "Search tasks" })).toHaveValue("g n?");
});

test("the help shows the keys and closes", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await expect(help).toContainText("Select the row");
  await page.keyboard.press("Escape");
  await expect(help).toBeHidden();
});

test("the palette leads to pages, kinds and tasks", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "By its id");
  await page.goto("/tasks");
  await live(page);
  const palette = page.getByRole("dialog", { name: "Go to" });
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox", { name: "Go to" }).fill("import");
  await expect(palette.getByRole("option").first()).toContainText("Start: Import CSV");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/start\/import_csv$/);
  await expect(palette).toBeHidden();

  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox", { name: "Go to" }).fill(id);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "By its id" })).toBeVisible();
  await expect(status(page, "Completed")).toBeVisible();
});

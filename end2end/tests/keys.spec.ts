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
  await expect(page.getByText("attempt 2").first()).toBeVisible();
});

test("keys go to pages, and none while one types", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("g");
  await page.keyboard.press("n");
  await expect(page).toHaveURL(/\/start$/);
  // The address is there before the page is.
  await expect(page.getByRole("heading", { name: "Start a task" })).toBeVisible();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page).toHaveURL(/\/tasks$/);
  const search = page.getByRole("combobox", { name: "Search tasks" });
  await expect(search).toBeVisible();
  await page.keyboard.press("/");
  await expect(search).toBeFocused();
  await page.keyboard.type("g n?");
  await expect(page).toHaveURL(/\/tasks$/);
  await expect(search).toHaveValue("g n?");
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

test("a key that follows the end of a dialog at once does what it does", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog", { name: "Go to" })).toBeVisible();
  // Its field has the focus until the next frame, which a person is rarely faster than.
  await page.evaluate(() => {
    document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "?", bubbles: true }));
  });
  await expect(page.getByRole("dialog", { name: "Keys" })).toBeVisible();
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

  // A part of an id that one task alone has is as good, also before the palette knows which that is.
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox", { name: "Go to" }).fill(id.slice(-12));
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
});

test("the palette finds tasks by their names and does what the page can", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "The nightly one");
  await page.goto("/settings");
  await live(page);
  const palette = page.getByRole("dialog", { name: "Go to" });
  // Where a page has no search of its own, the key opens the palette.
  await page.keyboard.press("/");
  const box = palette.getByRole("combobox", { name: "Go to" });
  await box.fill("nightly");
  await palette.getByRole("option", { name: /The nightly one/ }).click();
  await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
  await expect(status(page, "Failed")).toBeVisible();

  await page.keyboard.press("Control+k");
  await box.fill("dark");
  await page.keyboard.press("Enter");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(palette).toBeHidden();
  await page.keyboard.press("c");
  await expect(page.getByText("This task cannot be cancelled as it stands.")).toBeVisible();
});

test("with the shift key all between are chosen, and a key acts on all of them", async ({ page }) => {
  for (let n = 1; n <= 4; n += 1) await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, `Task ${n}`);
  await page.goto("/tasks");
  await live(page);
  await page.getByRole("checkbox", { name: "Select Task 4" }).check();
  await page.getByRole("checkbox", { name: "Select Task 2" }).click({ modifiers: ["Shift"] });
  await expect(page.getByText("3 selected")).toBeVisible();
  await expect(page.getByRole("checkbox", { name: "Select Task 1" })).not.toBeChecked();
  await page.keyboard.press("r");
  await expect(page).toHaveURL(/\/tasks\/bulk\?.*verb=retry/);
});

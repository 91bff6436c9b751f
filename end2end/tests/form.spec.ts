import { expect, live, status, test } from "./fixtures";

test("what is wrong with a form is told at once, and taken back as it is mended", async ({ page }) => {
  await page.goto("/start/demo_steps");
  await live(page);
  const steps = page.getByLabel("Steps", { exact: true });
  const time = page.getByLabel("Time for a step (ms)");
  const summary = page.getByRole("alert").filter({ hasText: "Not started" });
  await steps.fill("0");
  // The press itself leaves this field, whose fault is told only then: the button must not move away from under it.
  await time.fill("long");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(summary).toContainText("2 fields need another look");
  await expect(summary).toBeFocused();

  await steps.fill("2");
  await expect(summary).toContainText("one field needs another look");
  await expect(summary).not.toContainText("Steps");
  await time.fill("0");
  await expect(summary).toBeHidden();
  await page.keyboard.press("Enter");
  await expect(status(page, "Completed")).toBeVisible();
});

test.describe("with a limit of 1 MB", () => {
  test.use({ settings: { TASK_MAX_UPLOAD: "1MB" } });

  for (const [size, says] of [
    [2_000_000, "The file is too large: at most 1.0 MB are taken."],
    [6_000_000, "The form with its files is larger than 1.0 MB."],
  ] as const) {
    test(`a file of ${size} bytes is refused in words`, async ({ page, complaints }) => {
      complaints.expect(/status of 4(13|22)/);
      await page.goto("/start/import_csv");
      await live(page);
      const file = { name: "large.csv", mimeType: "text/csv", buffer: Buffer.alloc(size, "a,b\n") };
      await page.getByLabel(/^File/).setInputFiles(file);
      await page.getByRole("button", { name: "Start" }).click();
      await expect(page.getByRole("alert").filter({ hasText: says }).first()).toBeVisible();
    });
  }
});

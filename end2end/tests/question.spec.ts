// A task that asks a person.
import { expect, live, startTask, status, test } from "./fixtures";
import type { Page } from "@playwright/test";

async function asking(page: Page): Promise<string> {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "ask" });
  await expect
    .poll(async () => ((await (await page.request.get(`/api/tasks/${id}`)).json()) as { status: string }).status)
    .toBe("waiting_confirmation");
  return id;
}

test("a question is answered on the task's page, without loading it anew", async ({ page }) => {
  const id = await asking(page);
  await page.goto(`/tasks/${id}`);
  await live(page);
  await page.evaluate(() => ((window as { sameDocument?: boolean }).sameDocument = true));
  const asked = page.getByRole("region", { name: "Questions" });
  await expect(page.getByText("It has asked a question, and goes on when somebody answers it.")).toBeVisible();
  // What is missing or wrong is said before anything is sent.
  await asked.getByRole("button", { name: "Complete it" }).click();
  await expect(asked.getByRole("alert").filter({ hasText: "Not answered" })).toBeVisible();
  await asked.getByLabel("Why").fill("no");
  await asked.getByRole("button", { name: "Complete it" }).click();
  await expect(asked.getByRole("alert").filter({ hasText: "Not answered" })).toBeVisible();
  await expect(asked.getByLabel("Why"), "what was typed is kept").toHaveValue("no");
  await asked.getByLabel("Why").fill("all is well");
  await asked.getByRole("button", { name: "Complete it" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(asked).toContainText("Approved by local");
  await expect(page.getByRole("region", { name: "Log" }).getByText("Answered: yes, because: all is well")).toBeVisible();
  expect(await page.evaluate(() => (window as { sameDocument?: boolean }).sameDocument)).toBe(true);
});

test("a question is declined, and the params of the failed task are changed", async ({ page, complaints }) => {
  complaints.expect(/status of 422/);
  const id = await asking(page);
  await page.goto(`/tasks/${id}`);
  await live(page);
  const asked = page.getByRole("region", { name: "Questions" });
  // Who declines need say nothing, but what is said has to be right: it is kept.
  await asked.getByLabel("Why").fill("no");
  await asked.getByRole("button", { name: "Let it fail" }).click();
  await expect(asked.getByRole("alert").filter({ hasText: "Not answered" })).toBeVisible();
  await asked.getByLabel("Why").fill("the wrong month");
  await asked.getByRole("button", { name: "Let it fail" }).click();
  await expect(status(page, "Failed")).toBeVisible();
  await expect(asked).toContainText("Declined by local");
  await expect(asked).toContainText("the wrong month");
  await expect(page.getByRole("region", { name: "Log" }).getByText("Answered: no, because: the wrong month")).toBeVisible();
  await page.getByRole("link", { name: "Edit the params and retry…" }).click();
  const steps = page.getByLabel("Steps", { exact: true });
  await steps.fill("0");
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Steps: Enter at least 1." })).toBeVisible();
  await steps.fill("2");
  await page.getByLabel("Time for a step (ms)").fill("0");
  await page.getByRole("radio", { name: "It completes" }).check();
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
  await expect(status(page, "Completed")).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("an answer that is not right comes back with what was typed", async ({ page, complaints }) => {
    const id = await asking(page);
    await page.goto(`/tasks/${id}`);
    const asked = page.getByRole("region", { name: "Questions" });
    // The browser itself holds back what is too short: only the server's answer is of interest here.
    await asked.getByLabel("Why").evaluate((input) => input.removeAttribute("minlength"));
    await asked.getByLabel("Why").fill("no");
    complaints.expect(/status of 422/);
    await asked.getByRole("button", { name: "Complete it" }).click();
    await expect(asked.getByRole("alert").filter({ hasText: "Not answered" })).toBeVisible();
    await expect(asked.getByLabel("Why"), "what was typed is kept").toHaveValue("no");
    await asked.getByLabel("Why").fill("all is well");
    await asked.getByRole("button", { name: "Complete it" }).click();
    await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
    await expect(async () => {
      await page.reload();
      await expect(status(page, "Completed")).toBeVisible({ timeout: 500 });
    }).toPass();
  });
});

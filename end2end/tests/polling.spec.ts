import { expect, startTask, status, test, valueOf } from "./fixtures";

test.use({ settings: { TASK_WEBSOCKET_ENABLED: "false" } });

test("without WebSockets the page says that it is not live, and follows the task all the same", async ({
  page,
}) => {
  // The fixture hears of a socket that is tried in vain: none may be.
  const id = await startTask(page, "demo_steps", { steps: 30, step_ms: 100 });
  await page.goto(`/tasks/${id}`);
  await expect(page.getByRole("status").filter({ hasText: "Not live: updates come every few seconds" })).toBeVisible();
  await expect(status(page, "Running")).toBeVisible();
  await expect(status(page, "Completed")).toBeVisible({ timeout: 20_000 });
  await expect(valueOf(page, "Result", "processed")).toHaveText("30");
  await expect(page.getByRole("region", { name: "Log" }).getByText("Processing step 30/30")).toBeVisible();
});

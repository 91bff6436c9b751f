// A log of 100,000 lines.
import { expect, live, startTask, status, test } from "./fixtures";

test("a long log is scrolled, searched and taken away", async ({ page }) => {
  test.setTimeout(150_000);
  const id = await startTask(page, "demo_steps", { steps: 100, step_ms: 0, log_lines: 1000 });
  await page.request.get(`/api/tasks/${id}/result?timeout=60`);
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(status(page, "Completed")).toBeVisible();
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("100,000 lines")).toBeVisible();
  const lines = page.getByRole("log");
  await lines.evaluate((list) => list.scrollIntoView({ block: "center" }));
  await expect(log.getByText("Step 100, line 1000 of 1000")).toBeInViewport();

  // To the first line and through the middle: never more than some hundred rows in the page, and no frame is late.
  await lines.focus();
  await page.keyboard.press("Home");
  await expect(log.getByText("Processing step 1/100")).toBeInViewport();
  expect(await lines.getByRole("listitem").count()).toBeLessThan(600);
  const longest = await lines.evaluate(async (list) => {
    let last = performance.now();
    let longest = 0;
    for (let n = 0; n < 120; n++) {
      list.scrollTop += n % 40 === 0 ? 100_000 : 300;
      await new Promise((frame) => requestAnimationFrame(frame));
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }
    return longest;
  });
  test.info().annotations.push({ type: "longest frame while scrolling, ms", description: longest.toFixed(1) });
  expect(longest).toBeLessThan(500);
  await expect(lines.locator(".td-log-unloaded")).toHaveCount(0);

  const find = log.getByRole("searchbox", { name: "Find in the log" });
  await find.fill("step 42, line 7 of");
  await expect(log.getByText("1 of 1", { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(log.getByText("Step 42, line 7 of 1000")).toBeInViewport();
  await find.fill("no such line");
  await expect(log.getByText("Not found")).toBeVisible();

  const download = page.waitForEvent("download");
  await log.getByRole("button", { name: "Download" }).click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString().trimEnd().split("\n")).toHaveLength(100_000);
});

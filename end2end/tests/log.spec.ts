// A log of 100,000 lines.
import { expect, live, startTask, status, test } from "./fixtures";

test("a long log is scrolled, searched and taken away", async ({ page, complaints }) => {
  test.setTimeout(240_000);
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

  // Somebody comes to it. Wherever it is put then, also by a script, there are rows.
  await lines.hover();
  await expect(lines).not.toHaveAttribute("data-still");
  await lines.evaluate((list) => void (list.scrollTop = list.scrollHeight / 2));
  await expect(log.getByLabel("Follow")).not.toBeChecked();
  const drawn = () =>
    lines.evaluate((list) => {
      const frame = list.getBoundingClientRect();
      const rows = [...list.querySelectorAll("li:not(.td-log-unloaded)")].map((row) => row.getBoundingClientRect());
      return rows.filter((row) => row.bottom > frame.top && row.top < frame.bottom).length;
    });
  await expect.poll(drawn).toBeGreaterThan(5);

  // To the first line and through the middle: never more than some hundred rows in the page. How long a frame takes is
  // told by `cargo xtask bench ui`.
  await lines.focus();
  await page.keyboard.press("Home");
  await expect(log.getByText("Processing step 1/100")).toBeInViewport();
  expect(await lines.getByRole("listitem").count()).toBeLessThan(600);
  const most = await lines.evaluate(async (list) => {
    let most = 0;
    for (let n = 0; n < 120; n++) {
      list.scrollTop += n % 40 === 0 ? 100_000 : 300;
      await new Promise((frame) => requestAnimationFrame(frame));
      most = Math.max(most, list.querySelectorAll("li").length);
    }
    return most;
  });
  expect(most, "rows in the page while it is scrolled").toBeLessThan(600);
  await expect(lines.locator(".td-log-unloaded")).toHaveCount(0);

  // What fails is tried again: by a button, or when the reader scrolls on.
  let fails = true;
  await page.route("**/_taskdeck/task_log", async (route) => {
    if (fails) await route.fulfill({ status: 503, contentType: "application/json", body: "{}" });
    else await route.continue();
  });
  complaints.expect(/status of 503/);
  await lines.focus();
  await lines.evaluate((list) => {
    list.dispatchEvent(new WheelEvent("wheel"));
    list.scrollTop = list.scrollHeight * 0.35;
  });
  await expect(log.getByRole("button", { name: "Try again" })).toBeVisible();
  await expect(lines.locator(".td-log-unloaded").first()).toBeAttached();
  fails = false;
  await log.getByRole("button", { name: "Try again" }).click();
  await expect(lines.locator(".td-log-unloaded")).toHaveCount(0);
  await expect(log.getByRole("button", { name: "Try again" })).toBeHidden();

  const find = log.getByRole("searchbox", { name: "Find in the log" });
  const place = await find.boundingBox();
  await find.fill("step 42, line 7 of");
  await expect(log.getByText("1 of 1", { exact: true })).toBeVisible({ timeout: 60_000 });
  expect(await find.boundingBox(), "it does not jump when its hits are counted").toEqual(place);
  await expect(log.getByText("Step 42, line 7 of 1000")).toBeInViewport();
  await find.fill("no such line");
  await expect(log.getByText("Not found")).toBeVisible();

  // All of it is copied, however little of it was looked at.
  await page.evaluate(() => {
    const kept = window as { copied?: string };
    Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text: string) => void (kept.copied = text) } });
  });
  await log.getByRole("button", { name: "Copy" }).click();
  await expect(log.getByText("Copied", { exact: true })).toBeVisible();
  expect(await page.evaluate(() => (window as { copied?: string }).copied!.trimEnd().split("\n").length)).toBe(100_000);

  const download = page.waitForEvent("download");
  await log.getByRole("link", { name: "Download" }).click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
  expect(Buffer.concat(chunks).toString().trimEnd().split("\n")).toHaveLength(100_000);
});

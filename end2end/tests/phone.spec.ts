import { expect, live, startTask, test } from "./fixtures";

test.use({ viewport: { width: 360, height: 740 } });

test("no page scrolls sideways on a phone", async ({ page }) => {
  const label = "A demo with a name that is much longer than a phone is wide, and-one-word-that-does-not-break";
  const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 0, ending: "fail" }, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  for (const path of ["/tasks", `/tasks/${id}`, "/start", "/start/import_csv", "/start/demo_steps"]) {
    await page.goto(path);
    await live(page);
    const [content, screen] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth] as const;
    });
    expect(content, path).toBeLessThanOrEqual(screen);
  }
});

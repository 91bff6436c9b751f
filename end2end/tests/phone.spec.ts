import { expect, live, startTask, test } from "./fixtures";

test.use({ viewport: { width: 360, height: 740 } });

test("no page scrolls sideways on a phone", async ({ page }) => {
  const label = "A demo with a name that is much longer than a phone is wide, and-one-word-that-does-not-break";
  const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 0, ending: "fail" }, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  const schedule = { kind: "demo_steps", cron: "*/5 9-17 * * 1-5", time_zone: "America/Argentina/Buenos_Aires", params: {} };
  await page.request.put("/api/schedules/one-with-a-name-that-is-much-longer-than-a-phone-is-wide", { data: schedule });
  const paths = ["/", "/tasks", `/tasks/${id}`, "/start", "/start/import_csv", "/start/demo_steps", "/queues", "/schedules"];
  paths.push("/schedules/one-with-a-name-that-is-much-longer-than-a-phone-is-wide", "/schedules/_new?kind=demo_steps");
  paths.push("/workers", "/settings", "/inbox", "/start/demo_form", "/schedules/_new?kind=demo_form");
  for (const path of paths) {
    await page.goto(path);
    await live(page);
    const [content, screen] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth] as const;
    });
    expect(content, path).toBeLessThanOrEqual(screen);
  }
});

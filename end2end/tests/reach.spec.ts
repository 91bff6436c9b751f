// Every page for everybody: axe-core in both themes, narrow, zoomed, right to left, without motion.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { expect, live, startTask, test } from "./fixtures";

/** The pages, each with something on it. */
async function pages(page: Page): Promise<string[]> {
  const completed = await startTask(page, "demo_steps", { steps: 2, step_ms: 1 }, "Short demo");
  const failed = await startTask(page, "demo_steps", { steps: 1, step_ms: 1, ending: "fail" });
  for (const id of [completed, failed]) await page.request.get(`/api/tasks/${id}/result?timeout=10000`);
  const running = await startTask(page, "demo_steps", { steps: 600, step_ms: 1_000 }, "Long demo");
  return [
    "/",
    "/tasks",
    "/tasks?status=failed",
    "/tasks?kind=import_csv",
    `/tasks/${completed}`,
    `/tasks/${failed}`,
    `/tasks/${running}`,
    "/start",
    "/start/import_csv",
    "/start/demo_steps",
    "/start/demo_form",
    "/schedules/_new?kind=demo_form",
    "/inbox",
    "/queues",
    "/schedules",
    "/workers",
    "/settings",
    "/widgets",
    "/nowhere",
  ];
}

/** How far what is on the page sticks out of the window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe finds nothing wrong with any page in ${colorScheme}`, async ({ page, complaints }) => {
    test.setTimeout(120_000);
    complaints.expect(/404/);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const path of await pages(page)) {
      await page.goto(path);
      await live(page);
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
      expect(found, path).toEqual([]);
    }
  });
}

for (const [name, viewport] of [
  ["in a window of 360 px", { width: 360, height: 740 }],
  ["zoomed to 200 %", { width: 640, height: 450 }],
] as const) {
  test(`no page sticks out ${name}, in either direction of reading`, async ({ page, complaints }) => {
    test.setTimeout(60_000);
    complaints.expect(/404/);
    await page.setViewportSize(viewport);
    for (const path of await pages(page)) {
      await page.goto(path);
      expect(await overflow(page), path).toBeLessThanOrEqual(0);
      await page.evaluate(() => document.documentElement.setAttribute("dir", "rtl"));
      expect(await overflow(page), `${path} right to left`).toBeLessThanOrEqual(0);
    }
  });
}

test("nothing moves for those who asked for less motion", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await startTask(page, "demo_steps", { steps: 600, step_ms: 1_000 });
  await page.goto("/tasks");
  await live(page);
  const moving = await page.evaluate(() =>
    document.getAnimations().filter((animation) => animation.playState === "running").length,
  );
  expect(moving).toBe(0);
});

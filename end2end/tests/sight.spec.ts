// Many running tasks in a list: what nobody sees stands still, and is right when it is seen.
import type { Locator } from "@playwright/test";
import { expect, live, test } from "./fixtures";

test.use({ settings: { TASK_MAX_CONCURRENT: "80" } });

/** How often the task of a row has told how far it is, as the row shows it. */
async function updates(row: Locator): Promise<number> {
  const text = await row.locator(".td-progress-message").textContent({ timeout: 1_000 }).catch(() => null);
  return Number(/\d+/.exec(text ?? "")?.[0] ?? 0);
}

test("a row out of sight stands still, and shows how things stand when it comes into sight", async ({ page }) => {
  const tasks = Array.from({ length: 60 }, () => ({
    kind: "demo_ticks",
    request: { params: { updates_per_second: 20, seconds: 120 } },
  }));
  const started = await page.request.post("/api/tasks/batch", { data: { label: "many", tasks } });
  expect(started.ok(), await started.text()).toBe(true);
  await page.goto("/tasks?rows=100");
  await live(page);
  const rows = page.getByRole("list", { name: "Tasks", exact: true }).locator("> li");
  await expect(rows).toHaveCount(60);
  const [first, last] = [rows.first(), rows.last()];

  const before = await updates(last);
  const begun = await updates(first);
  await expect.poll(() => updates(first), { timeout: 20_000 }).toBeGreaterThan(begun + 40);
  expect(await updates(last)).toBe(before);

  await last.scrollIntoViewIfNeeded();
  await expect.poll(() => updates(last)).toBeGreaterThan(before + 40);
  const shown = await updates(last);
  await expect.poll(() => updates(last)).toBeGreaterThan(shown);
});

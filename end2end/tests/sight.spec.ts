// Many running tasks in a list: what nobody sees stands still, and is right when it is seen.
import type { Locator, Page } from "@playwright/test";
import { expect, live, test } from "./fixtures";

test.use({ settings: { TASK_MAX_CONCURRENT: "150" } });

/** Starts so many tasks that tell how far they are; their ids, the first of them the one that was started first. */
async function startMany(page: Page, count: number, updates_per_second: number, seconds: number): Promise<string[]> {
  const tasks = Array.from({ length: count }, () => ({
    kind: "demo_ticks",
    request: { params: { updates_per_second, seconds } },
  }));
  const started = await page.request.post("/api/tasks/batch", { data: { label: "many", tasks } });
  expect(started.ok(), await started.text()).toBe(true);
  const listed = await page.request.get(`/api/tasks?limit=${count}`);
  const ids = ((await listed.json()) as { tasks: { id: string }[] }).tasks.map((task) => task.id);
  expect(ids).toHaveLength(count);
  return ids.reverse();
}

/** The row of a task. */
function rowOf(page: Page, id: string): Locator {
  return page.locator(`[data-task="${id}"]`);
}

/** How often the task of a row has told how far it is, as the row shows it. */
async function updates(row: Locator): Promise<number> {
  const text = await row.locator(".td-progress-message").textContent({ timeout: 1_000 }).catch(() => null);
  return Number(/\d+/.exec(text ?? "")?.[0] ?? 0);
}

test("a row out of sight stands still, and shows how things stand when it comes into sight", async ({ page }) => {
  await startMany(page, 60, 20, 120);
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
  await expect.poll(() => updates(last), { timeout: 20_000 }).toBeGreaterThan(before + 40);
  const shown = await updates(last);
  await expect.poll(() => updates(last), { timeout: 20_000 }).toBeGreaterThan(shown);
});

test("in a long list what ended out of sight is shown as ended, and what is scrolled to goes on", async ({ page }) => {
  const ids = await startMany(page, 120, 10, 120);
  await page.goto("/tasks?rows=200");
  await live(page);
  const rows = page.getByRole("group", { name: "Tasks", exact: true }).getByRole("listitem");
  await expect(rows).toHaveCount(120);
  await expect(page.getByRole("list", { name: "Tasks 111 to 120" }).getByRole("listitem")).toHaveCount(10);
  // The newest is the first of the list.
  const [last, before] = [rowOf(page, ids[0]), rowOf(page, ids[1])];
  await expect(last).toContainText("Running");

  // It is cancelled elsewhere while nobody sees its row: the row knows at once, since only progress may be late.
  const cancelled = await page.request.post(`/api/tasks/${ids[0]}/cancel`);
  expect(cancelled.ok(), await cancelled.text()).toBe(true);
  await expect(last.locator('[data-status="cancelled"]').first()).toBeAttached();
  await last.scrollIntoViewIfNeeded();
  await expect(last).toContainText("Cancelled after");

  const seen = await updates(before);
  await expect.poll(() => updates(before), { timeout: 20_000 }).toBeGreaterThan(seen + 20);
  // Back at the top, the first rows are where their tasks are.
  const first = rowOf(page, ids[119]);
  await first.scrollIntoViewIfNeeded();
  await expect.poll(async () => {
    const task = await (await page.request.get(`/api/tasks/${ids[119]}`)).json() as { progress: { done: number } };
    return Math.abs((await updates(first)) - task.progress.done);
  }).toBeLessThan(10);
});

test("in a long list a row asks before it cancels, and says so only when it is pressed", async ({ page }) => {
  const ids = await startMany(page, 101, 1, 120);
  await page.goto("/tasks?rows=200");
  await live(page);
  const row = rowOf(page, ids[100]);
  await expect(row.getByRole("dialog", { includeHidden: true })).toHaveCount(0);
  await row.getByRole("button", { name: "Cancel" }).click();
  const question = page.getByRole("dialog", { name: "Cancel" });
  await expect(question).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(question).toBeHidden();
  await expect(row.getByRole("button", { name: "Cancel" })).toBeFocused();
  await page.keyboard.press("Enter");
  await question.getByRole("button", { name: "Cancel the task" }).click();
  await expect(row).toContainText("Cancelled after");
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("in a long list the button to cancel leads to the task, where it can be cancelled", async ({ page }) => {
    const ids = await startMany(page, 101, 1, 120);
    await page.goto("/tasks?rows=200");
    await rowOf(page, ids[100]).getByRole("button", { name: "Cancel" }).click();
    await expect(page).toHaveURL(new RegExp(`/tasks/${ids[100]}`));
    await expect(page.getByRole("main").getByRole("button", { name: "Cancel", exact: true })).toBeVisible();
  });
});

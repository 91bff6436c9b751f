// Starting tasks: the catalog is searched, a form starts one task however often it is sent, an upload is stopped.
import type { Page, Route } from "@playwright/test";
import { expect, hydrated, live, test } from "./fixtures";

/** How many tasks of the kind there are. */
async function count(page: Page, kind: string): Promise<number> {
  return ((await (await page.request.get(`/api/tasks?kind=${kind}`)).json()) as { tasks: unknown[] }).tasks.length;
}

test("the catalog is searched as one types, and says when nothing matches", async ({ page }) => {
  await page.goto("/start");
  await live(page);
  const cards = page.getByRole("main").getByRole("listitem");
  const all = await cards.count();
  const box = page.getByRole("searchbox", { name: "Search the catalog" });
  await box.fill("csv");
  await expect(page).toHaveURL(/\/start\?q=csv$/);
  await expect(page.getByRole("link", { name: "Import CSV" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Demo form" })).toHaveCount(0);
  await box.fill("no such kind");
  await expect(page.getByRole("heading", { name: "Nothing matches “no such kind”" })).toBeVisible();
  await page.getByRole("link", { name: "Show all" }).click();
  await expect(box).toHaveValue("");
  await expect(cards).toHaveCount(all);
});

test("a form whose answer is lost, and one that is sent twice, start one task", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource: net::ERR_FAILED/);
  await page.goto("/start/demo_steps");
  await live(page);
  await page.getByLabel("Steps", { exact: true }).fill("1");
  await page.getByLabel("Time for a step (ms)").fill("0");
  // The server gets the form, and its answer gets lost.
  let lost = 0;
  const loseAnswer = async (route: Route) => {
    await route.fetch();
    lost += 1;
    await route.abort();
  };
  await page.route("**/_taskdeck/start_task", loseAnswer);
  const start = page.getByRole("button", { name: "Start", exact: true });
  await start.click();
  await expect(page.getByRole("alert").filter({ hasText: "Not started" })).toBeVisible();
  await page.unroute("**/_taskdeck/start_task", loseAnswer);
  await start.dblclick();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  expect(lost).toBe(1);
  expect(await count(page, "demo_steps")).toBe(1);
});

test("an upload shows how far it is, and is stopped", async ({ page }) => {
  await page.goto("/start/import_csv");
  await live(page);
  // A line of 500 kB a second, so that the upload is still under way when it is stopped.
  const line = await page.context().newCDPSession(page);
  const slow = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 500_000 };
  await line.send("Network.emulateNetworkConditions", slow);
  const file = { name: "large.csv", mimeType: "text/csv", buffer: Buffer.alloc(8_000_000, "a,b\n") };
  await page.getByLabel(/^File/).setInputFiles(file);
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page.getByRole("progressbar", { name: "Upload" })).toBeVisible();
  await expect(page.getByText(/^Sending [\d.]+ [kM]B of 8\.0 MB$/)).toBeVisible();
  await page.getByRole("button", { name: "Stop the upload" }).click();
  await expect(page.getByRole("progressbar", { name: "Upload" })).toBeHidden();
  await expect(page.getByRole("button", { name: "Start", exact: true })).toBeVisible();
  await expect(page).toHaveURL(/\/start\/import_csv$/);
  expect(await count(page, "import_csv")).toBe(0);
});

test("a start whose page stays is told in passing, with the way to its task", async ({ page }) => {
  await page.goto("/widgets");
  const form = page.getByRole("region", { name: "A form from the params" });
  await hydrated(page);
  await form.getByLabel("Steps", { exact: true }).fill("1");
  await form.getByLabel("Time for a step (ms)").fill("0");
  await form.getByRole("button", { name: "Start" }).click();
  const toast = page.getByRole("status", { name: "What was just done" });
  await expect(toast).toContainText("Started: Demo steps");
  await toast.getByRole("link", { name: "Open the task" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
});

test.describe("in Berlin", () => {
  test.use({ timezoneId: "Europe/Berlin" });

  test("a time is typed by the reader's own clock, and sent exactly", async ({ page }) => {
    // At a time that its own clock shows twice, with milliseconds: what nobody touches goes back as it came.
    await page.goto("/start/demo_form?name=Ann&at=2026-10-25T01:30:00.250Z");
    await live(page);
    const at = page.getByLabel("Not before");
    await expect(at).toHaveValue(/^2026-10-25T02:30:00\.250?$/);
    await expect(page.getByText("Your time (Europe/Berlin): 2026-10-25 01:30:00 UTC")).toBeVisible();
    await page.getByLabel("Access key").fill("correct-horse-battery");
    await page.getByLabel("I know, and want it.").check();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    const params = page.getByRole("region", { name: "Params" });
    await expect(params).toContainText("2026-10-25T01:30:00.250Z");

    await page.getByRole("link", { name: "Run again…" }).click();
    await expect(at).toHaveValue(/^2026-10-25T02:30:00\.250?$/);
    await at.fill("2026-07-01T12:00");
    await expect(page.getByText("Your time (Europe/Berlin): 2026-07-01 10:00:00 UTC")).toBeVisible();
    await page.getByLabel("Access key").fill("correct-horse-battery");
    await page.getByLabel("I know, and want it.").check();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(params).toContainText("2026-07-01T10:00:00.000Z");
  });

  test("a new schedule begins with the reader's own time zone", async ({ page }) => {
    await page.goto("/schedules/_new?kind=demo_steps&cron=30+9+*+*+*");
    await live(page);
    await expect(page.getByLabel("Time zone")).toHaveValue("Europe/Berlin");
    await expect(page.locator("#schedule-preview").getByRole("listitem").first()).toContainText("09:30");
    // What an address says holds.
    await page.goto("/schedules/_new?kind=demo_steps&time_zone=Asia/Tokyo");
    await live(page);
    await expect(page.getByLabel("Time zone")).toHaveValue("Asia/Tokyo");
  });
});

// Pages that nobody looks at, that cannot load, or that have nothing more to hear.
import { expect, live, startTask, test } from "./fixtures";
import type { Page } from "@playwright/test";

/** Makes a page that can be put behind another tab, as `look` says. */
async function tab(page: Page): Promise<(hidden: boolean) => Promise<void>> {
  await page.addInitScript(() => {
    Object.assign(window, { away: false });
    Object.defineProperty(document, "hidden", { get: () => (window as unknown as { away: boolean }).away });
  });
  return (hidden) =>
    page.evaluate((away) => {
      Object.assign(window, { away });
      document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
    }, hidden);
}

const queued = (page: Page) =>
  page
    .getByRole("main")
    .getByRole("list", { name: "Queues" })
    .getByRole("listitem")
    .filter({ has: page.getByRole("link", { name: "default", exact: true }) })
    .locator("dt", { hasText: "Queued" })
    .locator("xpath=following-sibling::dd[1]");

test("a tab that nobody looks at asks for nothing, and shows what is new when it is looked at", async ({
  page,
  context,
}) => {
  await page.request.post("/api/queues/default/pause");
  const look = await tab(page);
  const other = await context.newPage();
  for (const one of [page, other]) {
    await one.goto("/queues");
    await live(one);
  }
  await look(true);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  // The other tab has seen it, so there was time for this one too.
  await expect(queued(other)).toHaveText("1");
  expect(asked.filter((path) => path.startsWith("/_taskdeck/"))).toEqual([]);
  await expect(queued(page)).not.toHaveText("1");
  await look(false);
  await expect(queued(page)).toHaveText("1");
});

test("what cannot be loaded says so, and comes when it is tried again", async ({ page, complaints }) => {
  complaints.expect(/status of 503/);
  await page.goto("/tasks");
  await live(page);
  const problem = { type: "about:blank", title: "Unavailable", status: 503, code: "unavailable", detail: "The store is busy." };
  await page.route("**/_taskdeck/lanes*", (route) =>
    route.fulfill({ status: 503, contentType: "application/problem+json", json: problem }),
  );
  await page.getByRole("navigation", { name: "Pages", exact: true }).getByRole("link", { name: "Queues" }).click();
  const alert = page.getByRole("alert").filter({ hasText: "Cannot load" });
  await expect(alert).toBeVisible();
  await page.unrouteAll();
  await alert.getByRole("link", { name: "Try again" }).click();
  await expect(page.getByRole("main").getByRole("list", { name: "Queues" })).toBeVisible();
  await expect(alert).toHaveCount(0);
});

test.describe("without WebSockets", () => {
  test.use({ settings: { TASK_WEBSOCKET_ENABLED: "false" } });

  test("a widget asks until its task has ended, and then no more", async ({ page }) => {
    await page.clock.install();
    const id = await startTask(page, "demo_steps", { steps: 2, step_ms: 300 });
    await page.goto(`/widgets?task=${id}`);
    const badge = page.getByRole("region", { name: "A task that there is" }).locator(".td-badge").first();
    await expect(badge).toHaveText("Completed", { timeout: 15_000 });
    await expect(page.locator(".dash-later[inert]")).toHaveCount(0);
    await page.waitForLoadState("networkidle");
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    // Ten minutes go by at once.
    await page.clock.runFor(600_000);
    await page.evaluate(() => fetch("/health"));
    expect(asked.map((url) => new URL(url).pathname)).toEqual(["/health"]);
  });
});

import { type Page } from "@playwright/test";
import { ON_POSTGRES } from "./database";
import { data, expect, live, startTask, status, test, valueOf } from "./fixtures";
import { SLOTS } from "./server";
import * as sql from "./sql";

const FLIGHTS = 336_776;

/** From the catalog to the form of the import, and from there to the page of its task. */
async function startImport(page: Page, file: string): Promise<void> {
  await live(page);
  await page.getByRole("link", { name: "Import CSV" }).click();
  await page.getByLabel(/^File/).setInputFiles(file);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/, { timeout: 20_000 });
}

/** Writes down every value that the bar of the page shows, from now on. */
async function watchBar(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: number[] = [];
    Object.assign(window, { seen });
    const look = () => {
      const bar = document.querySelector("main progress[value]");
      const value = Number(bar?.getAttribute("value"));
      if (bar && location.pathname.startsWith("/tasks/") && value !== seen.at(-1)) seen.push(value);
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, attributes: true });
  });
  return () => page.evaluate(() => (window as unknown as { seen: number[] }).seen);
}

/** Returns when the bar of the page stands beyond this fraction. */
async function barBeyond(page: Page, fraction: number): Promise<void> {
  await page.waitForFunction((fraction) => {
    const bar = document.querySelector("main progress[value]");
    return location.pathname.startsWith("/tasks/") && Number(bar?.getAttribute("value")) > fraction;
  }, fraction);
}

async function expectFlights(page: Page): Promise<void> {
  await expect(status(page, "Completed")).toBeVisible({ timeout: 60_000 });
  await expect(valueOf(page, "Result", "rows")).toHaveText("336,776");
  await expect(valueOf(page, "Result", "columns")).toHaveText("19");
  await expect(valueOf(page, "Result", "skipped")).toHaveText("0");
  await expect(valueOf(page, "Result", "dep_time")).toHaveText("8,255");
  await expect(valueOf(page, "Result", "arr_time")).toHaveText("8,713");
  await expect(valueOf(page, "Result", "arr_delay")).toHaveText("9,430");
}

test("an import is started through the form, its bar moves, and the numbers are right", async ({ page, server }) => {
  test.setTimeout(90_000);
  await page.goto("/start");
  const bar = await watchBar(page);
  await startImport(page, data("flights.csv"));
  await expectFlights(page);
  await expect(page.getByRole("main").getByText("336,776 rows in the table flights").first()).toBeVisible();

  const shown = (await bar()).filter((value) => value > 0 && value < 1);
  expect(shown.length, `the bar stood at ${shown.join(", ")}`).toBeGreaterThanOrEqual(2);
  expect(shown).toEqual(shown.toSorted((a, b) => a - b));
  const rows = await sql.number(server.data, "SELECT count(*) FROM flights");
  expect(rows ?? FLIGHTS).toBe(FLIGHTS);
});

test("an import whose server is killed is told of, goes on by itself and loses no row", async ({
  page,
  server,
  complaints,
}) => {
  test.skip(ON_POSTGRES, "other nodes may live there: what ran is rescued after the lease");
  test.setTimeout(120_000);
  // All slots are taken, so that the import begins only when its page is there to see it, on the fastest machine too.
  const others = await Promise.all(
    Array.from({ length: SLOTS }, () => startTask(page, "demo_steps", { steps: 1000, step_ms: 1000 })),
  );
  await page.goto("/start");
  await startImport(page, data("flights.csv"));
  await expect(status(page, "Queued")).toBeVisible();
  await live(page);
  await page.request.post(`/api/tasks/${others[0]}/cancel`);
  await barBeyond(page, 0.05);
  // The socket breaks, and what is asked of the dead server fails.
  complaints.expect(/WebSocket connection to '\S+' failed/);
  complaints.expect(/Failed to load resource: net::ERR_/);
  // The code of a page whose link the pointer happens to be over, in this very moment.
  complaints.expect(/TypeError: Failed to fetch/);
  await server.kill();
  const notice = page.getByRole("status").filter({ hasText: "Not live" });
  await expect(notice).toBeVisible({ timeout: 15_000 });
  const before = await sql.number(server.data, "SELECT count(*) FROM flights");
  expect(before ?? 1).toBeGreaterThan(0);
  expect(before ?? 1).toBeLessThan(FLIGHTS);

  await server.restart();
  await expect(notice).toBeHidden({ timeout: 30_000 });
  await live(page);
  await expectFlights(page);
  await expect(page.getByRole("region", { name: "Log" }).getByText(/Goes on at line [\d,]+/)).toBeVisible();
  const rows = await sql.number(server.data, "SELECT count(*) FROM flights");
  expect(rows ?? FLIGHTS).toBe(FLIGHTS);
});

test("rows that do not fit are listed with their lines, and the rest is there", async ({ page }) => {
  const file = {
    name: "mixed.csv",
    mimeType: "text/csv",
    buffer: Buffer.from('id,name\n1,"a, b"\n2\n3,c\n4,d,e\n'),
  };
  await page.goto("/start/import_csv");
  await live(page);
  await page.getByLabel(/^File/).setInputFiles(file);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Completed in part")).toBeVisible();
  await expect(valueOf(page, "Result", "rows")).toHaveText("2");
  await expect(valueOf(page, "Result", "skipped")).toHaveText("2");
  const left = page.getByRole("region", { name: "2 parts were left out" });
  await expect(left.getByRole("row", { name: "line 3 1 field instead of 2" })).toBeVisible();
  await expect(left.getByRole("row", { name: "line 5 3 fields instead of 2" })).toBeVisible();
});

test("a file with another delimiter fails with what to do about it", async ({ page }) => {
  const file = { name: "semicolons.csv", mimeType: "text/csv", buffer: Buffer.from("id;name\n1;a\n2;b\n") };
  await page.goto("/start/import_csv");
  await live(page);
  await page.getByLabel(/^File/).setInputFiles(file);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Failed")).toBeVisible();
  await expect(page.getByRole("region", { name: "Failed" })).toContainText("Choose Semicolon and import it again.");
});

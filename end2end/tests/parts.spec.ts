// Parts of a page whose code comes when they are used: what is begun before it is there goes on.
import { type Page } from "@playwright/test";
import { expect, live, startTask, test } from "./fixtures";

/** Holds back all code that is asked for from now on; what it returns lets it go on. */
async function holdCode(page: Page): Promise<{ asked: () => number; release: () => void }> {
  let release = () => undefined as void;
  const released = new Promise<void>((resolve) => (release = resolve));
  let asked = 0;
  await page.route("**/*.wasm", async (route) => {
    asked += 1;
    await released;
    await route.continue();
  });
  return { asked: () => asked, release };
}

/** Starts a task and returns when it has ended, so that nothing changes any more. */
async function ended(page: Page): Promise<string> {
  const id = await startTask(page, "demo_steps", { steps: 2, step_ms: 0 });
  await expect.poll(async () => (await (await page.request.get(`/api/tasks/${id}`)).json()).status).toBe("completed");
  return id;
}

test("a search that is typed before its code is there is kept, and the code is asked for by that", async ({ page }) => {
  await ended(page);
  await page.goto("/tasks");
  await live(page);
  const code = await holdCode(page);
  await page.keyboard.press("/");
  const search = page.getByRole("combobox", { name: "Search tasks" });
  await expect(search).toBeFocused();
  await page.keyboard.type("stat");
  await expect.poll(code.asked).toBeGreaterThan(0);
  await expect(page.getByRole("listbox", { name: "Suggestions" })).toHaveCount(0);
  code.release();
  // What is typed is taken up: it is suggested to.
  await expect(page.getByRole("listbox", { name: "Suggestions" })).toBeVisible();
  await expect(search).toBeFocused();
  await expect(search).toHaveValue("stat");
  await page.keyboard.type("us:comp");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/tasks\?q=status/);
});

test("what is selected in a search stays so when its code comes, and the next letter takes its place", async ({ page }) => {
  await ended(page);
  await page.goto("/tasks");
  await live(page);
  const code = await holdCode(page);
  const search = page.getByRole("combobox", { name: "Search tasks" });
  await search.fill("status:f");
  await search.selectText();
  await expect.poll(code.asked).toBeGreaterThan(0);
  code.release();
  await expect(page.getByRole("listbox", { name: "Suggestions" })).toBeVisible();
  await page.keyboard.type("kind:");
  await expect(search).toHaveValue("kind:");
});

test("a menu that was opened before its code is there stays open, and follows the address from then on", async ({ page }) => {
  await ended(page);
  await page.goto("/tasks");
  await live(page);
  const code = await holdCode(page);
  await page.getByRole("button", { name: "Status" }).click();
  const failed = page.getByRole("link", { name: "Failed", exact: true }).locator("visible=true");
  await expect(failed).toBeVisible();
  await expect.poll(code.asked).toBeGreaterThan(0);
  const menu = page.locator("#status-menu");
  const place = await menu.boundingBox();
  const came = page.waitForResponse(/\/used_tasks\./);
  code.release();
  await came;
  await expect(menu).toBeVisible();
  await expect.poll(() => menu.boundingBox(), "it stays below its button").toEqual(place);
  await failed.click();
  await expect(page).toHaveURL(/status=failed|status%3Afailed|status:failed/);
  await expect(page.getByRole("button", { name: "Status: Failed" })).toBeVisible();
});

test("a menu opens whose button was held down while its code came", async ({ page }) => {
  await ended(page);
  await page.goto("/tasks");
  await live(page);
  const came = page.waitForResponse(/\/used_tasks\./);
  await page.getByRole("button", { name: "Status" }).hover();
  await page.mouse.down();
  await (await came).finished();
  // The code is there, and waits for the button to be let go.
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 200)));
  await page.mouse.up();
  await expect(page.locator("#status-menu")).toBeVisible();
  await page.locator("#status-menu").getByRole("link", { name: "Failed" }).click();
  await expect(page.getByRole("button", { name: "Status: Failed" })).toBeVisible();
});

test("a button that was pressed before its code is there is pressed once it is", async ({ page, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const id = await ended(page);
  await page.goto(`/tasks/${id}`);
  await live(page);
  const code = await holdCode(page);
  await page.getByRole("button", { name: "Copy the params as JSON" }).click();
  await expect.poll(code.asked).toBeGreaterThan(0);
  code.release();
  await expect(page.getByText("Copied", { exact: true })).toBeAttached();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(JSON.parse(copied)).toMatchObject({ steps: 2 });
  expect(copied, "indented").toContain('\n  "steps": 2');
});

test("a form of a part keeps what was typed into it before its code is there", async ({ page }) => {
  await page.goto("/schedules/_new?kind=demo_steps");
  await live(page);
  const code = await holdCode(page);
  const name = page.getByRole("textbox", { name: /Name/ }).first();
  await name.fill("every-night");
  await page.getByRole("button", { name: "Every night" }).click();
  const steps = page.getByLabel(/^Steps/);
  await steps.fill("7");
  await expect.poll(code.asked).toBeGreaterThan(0);
  code.release();
  // The rule is taken up: it is explained.
  await expect(page.locator("#schedule-preview").getByRole("listitem").first()).toContainText("03:00");
  await expect(name).toHaveValue("every-night");
  await expect(steps).toHaveValue("7");
});

test("the content is there before any WASM", async ({ page }) => {
  const id = await ended(page);
  const code = await holdCode(page);
  for (const [path, content] of [
    ["/tasks", page.getByRole("list", { name: "Tasks", exact: true }).getByText("Demo steps")],
    [`/tasks/${id}`, page.getByRole("region", { name: "Timeline" }).getByText("Completed")],
    ["/start/demo_steps", page.getByLabel("Steps", { exact: true })],
  ] as const) {
    await page.goto(path, { waitUntil: "commit" });
    await expect(content).toBeVisible();
    // What is there is painted with the next frame; the code is held back all the while.
    await expect.poll(() => page.evaluate(() => performance.getEntriesByName("first-contentful-paint").length)).toBe(1);
    await expect(page.locator('.td-connection[data-connection="live"]')).toHaveCount(0);
  }
  expect(code.asked()).toBeGreaterThan(0);
  code.release();
});

test("code that cannot be loaded is told of, and comes when it can be", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource|net::ERR_FAILED|Failed to fetch/);
  await ended(page);
  await page.goto("/tasks");
  await live(page);
  const said = page.getByRole("status", { name: "What was just done" });
  // Of a dialog, and of a part.
  await page.route("**/*.wasm", (route) => route.abort());
  await page.keyboard.press("Control+k");
  await expect(said).toContainText("could not be loaded. It is tried again.");
  await page.getByRole("button", { name: "Status" }).hover();
  await page.unroute("**/*.wasm");
  await expect(page.getByRole("dialog", { name: /Go to/ })).toBeVisible({ timeout: 15_000 });
  await page.keyboard.press("Escape");
  const search = page.getByRole("combobox", { name: "Search tasks" });
  await expect(async () => {
    await search.fill("");
    await search.pressSequentially("stat");
    await expect(page.getByRole("listbox", { name: "Suggestions" })).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 15_000 });
});

/** The bounds of a first load, in compressed bytes. */
const WASM_MOST = 250_000;
const ALL_MOST = 300_000;

test("a page at rest has brought no more than a first load may", async ({ browser, page, server }) => {
  test.slow();
  const id = await ended(page);
  const made = await page.request.put("/api/schedules/nightly", { data: { kind: "demo_steps", cron: "0 3 * * *", params: {} } });
  expect(made.ok(), await made.text()).toBe(true);
  const paths = [
    "/", "/tasks", `/tasks/${id}`, "/start", "/start/demo_form", "/start/demo_steps", "/queues", "/schedules",
    "/schedules/nightly", "/schedules/_new?kind=demo_steps", "/workers", "/inbox", "/settings", "/widgets",
  ];
  for (const path of paths) {
    // A browser that has nothing yet.
    const context = await browser.newContext({ baseURL: server.url });
    const fresh = await context.newPage();
    const cdp = await context.newCDPSession(fresh);
    await cdp.send("Network.enable");
    // Of the WASM the file counts, of all the head of the answer too.
    const heads = new Map<string, number>();
    const bytes = { wasm: 0, all: 0 };
    cdp.on("Network.responseReceived", ({ requestId, response }) => {
      if (response.mimeType === "application/wasm") heads.set(requestId, response.encodedDataLength);
    });
    cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      bytes.all += encodedDataLength;
      const head = heads.get(requestId);
      if (head !== undefined) bytes.wasm += encodedDataLength - head;
    });
    await fresh.goto(path);
    await live(fresh);
    await fresh.waitForLoadState("networkidle");
    expect(bytes.wasm, `WASM of ${path}`).toBeGreaterThan(100_000);
    expect(bytes.wasm, `WASM of ${path}`).toBeLessThanOrEqual(WASM_MOST);
    expect(bytes.all, `all of ${path}`).toBeLessThanOrEqual(ALL_MOST);
    await context.close();
  }
});

test.describe("without WebSockets", () => {
  test.use({ settings: { TASK_WEBSOCKET_ENABLED: "false" } });

  test("the times of a part that nobody comes to are told right, without its code", async ({ page }) => {
    await page.clock.install();
    const id = await ended(page);
    const code: string[] = [];
    page.on("request", (request) => code.push(new URL(request.url()).pathname));
    await page.goto(`/tasks/${id}`);
    const timeline = page.getByRole("region", { name: "Timeline" });
    await expect(timeline).toContainText("Completed");
    await page.waitForLoadState("networkidle");
    await page.clock.runFor(200_000);
    await expect(timeline.getByRole("listitem").first()).toContainText("3 min ago");
    expect(code.filter((path) => path.includes("/used_"))).toEqual([]);
  });
});

test("a selection that is cleared before the code of its bar is there is cleared, and the page goes on", async ({ page }) => {
  const id = await ended(page);
  await page.goto("/tasks");
  await live(page);
  const code = await holdCode(page);
  await page.getByRole("checkbox", { name: /^Select / }).last().check();
  await expect(page.getByRole("form", { name: "Selected tasks" })).toBeVisible();
  await expect.poll(code.asked).toBeGreaterThan(0);
  await page.keyboard.press("Escape");
  await expect(page.locator(`[data-task="${id}"]`).getByRole("checkbox")).not.toBeChecked();
  code.release();
  await startTask(page, "demo_steps", { steps: 2, step_ms: 0 });
  // What is new would take away what is chosen: it is told of where nothing is.
  await expect(page.getByRole("link", { name: "1 new", exact: true })).toBeVisible();
  await expect(page.getByRole("form", { name: "Selected tasks" })).toBeHidden();
});

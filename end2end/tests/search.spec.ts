// The list narrowed by what is typed.
import { expect, live, startTask, test } from "./fixtures";
import type { Page } from "@playwright/test";

const rows = (page: Page) => page.getByRole("list", { name: "Tasks", exact: true }).getByRole("listitem");

async function ended(page: Page, kind: string, params: object, label: string): Promise<string> {
  const id = await startTask(page, kind, params, label);
  await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  return id;
}

test("the search box suggests, narrows the list, and is the URL", async ({ page }) => {
  await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
  await page.goto("/tasks");
  await live(page);
  const box = page.getByRole("combobox", { name: "Search tasks" });
  await page.keyboard.press("/");
  await expect(box).toBeFocused();
  await box.pressSequentially("status:fa");
  const offers = page.getByRole("listbox", { name: "Suggestions" });
  await expect(offers.getByRole("option")).toHaveText([/status:failed/]);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/tasks\?q=status:failed$/);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page)).toContainText("It failed");

  await box.fill("demo done");
  await page.keyboard.press("Enter");
  await expect(rows(page)).toContainText(["It is done"]);
  await page.goBack();
  await expect(box).toHaveValue("status:failed");
  await expect(rows(page)).toContainText(["It failed"]);
});

test("an id, a part of it, and a key find the task", async ({ page }) => {
  const id = await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "The one");
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "Another");
  const keyed = { params: { steps: 1, step_ms: 0 }, label: "With a key", key: "report-2026-11" };
  await page.request.post("/api/kinds/demo_steps/start", { data: keyed });
  for (const more of [{ key: "import:2026-01", label: "A key with a colon" }, { label: 'Of 12" discs' }]) {
    await page.request.post("/api/kinds/demo_steps/start", { data: { params: { steps: 1, step_ms: 0 }, ...more } });
  }
  await page.goto("/tasks");
  await live(page);
  const box = page.getByRole("combobox", { name: "Search tasks" });
  const address = `http://elsewhere.example/deck/tasks/${id}?tab=log`;
  for (const [typed, label] of [
    [id, "The one"],
    [id.slice(-8), "The one"],
    [address, "The one"],
    ["report-2026", "With a key"],
    // As it is shown shortened.
    [`…${id.slice(-12)}`, "The one"],
    ["import:2026-01", "A key with a colon"],
    ['12"', "Of 12\" discs"],
  ]) {
    await box.fill(typed!);
    await page.keyboard.press("Enter");
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page)).toContainText([label!]);
  }
});

test("a search that cannot be read is told kindly", async ({ page }) => {
  await page.goto("/tasks?q=stauts:failed");
  await expect(page.getByRole("alert")).toContainText("did you mean “status:”?");
  await expect(page.getByRole("heading", { name: "This search cannot be read" })).toBeVisible();
  await page.getByRole("link", { name: "Show all tasks" }).click();
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("the search box is a plain form", async ({ page }) => {
    await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
    await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
    await page.goto("/tasks");
    const box = page.getByRole("combobox", { name: "Search tasks" });
    await box.fill("status:failed demo since:1h");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/\/tasks\?q=/);
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page)).toContainText(["It failed"]);
    await expect(box).toHaveValue("status:failed since:1h demo");
  });
});

test("the buttons of the menus say what is chosen in them", async ({ page }) => {
  await page.goto("/tasks");
  await live(page);
  await page.getByRole("button", { name: "Status", exact: true }).click();
  await page.locator("#status-menu").getByRole("link", { name: "Failed" }).click();
  await expect(page.getByRole("button", { name: "Status: Failed", exact: true })).toBeVisible();
  await page.locator("#status-menu").getByRole("link", { name: "Queued" }).click();
  await expect(page.getByRole("button", { name: "Status: 2 chosen", exact: true })).toBeVisible();
  await page.goto("/tasks?q=kind:demo_steps");
  await expect(page.getByRole("button", { name: "Kind: demo_steps", exact: true })).toBeVisible();
  await expect(page.getByRole("button", { name: "Status", exact: true })).toBeVisible();
});

test("the values of the tasks that are listed are offered", async ({ page }) => {
  const tagged = { params: { steps: 1, step_ms: 0 }, label: "Tagged", tags: ["last week"], queue: "slow" };
  await page.request.post("/api/kinds/demo_steps/start", { data: tagged });
  await page.goto("/tasks");
  await live(page);
  const box = page.getByRole("combobox", { name: "Search tasks" });
  const offers = page.getByRole("listbox", { name: "Suggestions" });
  await box.pressSequentially("queue:s");
  await expect(offers.getByRole("option")).toHaveText([/queue:slow/]);
  await box.fill("");
  await box.pressSequentially("tag:");
  await offers.getByRole("option", { name: /last week/ }).click();
  await expect(page).toHaveURL(/q=tag:/);
  await expect(rows(page)).toContainText(["Tagged"]);
});

test("older pages tell of nothing new, and a task that was started does", async ({ page }) => {
  for (let n = 0; n < 3; n += 1) await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, `Old ${n}`);
  await page.goto("/tasks?rows=2");
  await live(page);
  await page.getByRole("link", { name: "Older" }).click();
  await expect(rows(page)).toContainText(["Old 0"]);
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "New");
  await page.getByRole("link", { name: "Newest" }).click();
  await expect(rows(page).first()).toContainText("New");
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "Newer");
  await expect(page.getByRole("link", { name: "1 new", exact: true })).toBeVisible();
});

test("what is started before the server heard which list is shown is told of too", async ({ page }) => {
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "Old");
  let told = () => undefined as void;
  const isTold = new Promise<void>((resolve) => (told = resolve));
  let release = () => undefined as void;
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.routeWebSocket(/\/ws/, (line) => {
    const server = line.connectToServer();
    line.onMessage(async (message) => {
      if (String(message).includes('"type":"list"')) {
        told();
        await released;
      }
      server.send(message);
    });
  });
  await page.goto("/tasks");
  // The code of what tells of new tasks comes when there may be some.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "First");
  await isTold;
  // The list as it is now comes the other way, long before.
  await page.waitForLoadState("networkidle");
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "Second");
  release();
  await expect(page.getByRole("link", { name: "2 new", exact: true })).toBeVisible();
});

test("a task that fails is new in the list of its error, whatever its status was before", async ({ page }) => {
  await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "The first");
  await page.goto("/tasks?q=error:demo_failed");
  await live(page);
  await expect(rows(page)).toHaveCount(1);
  await ended(page, "demo_steps", { steps: 1, step_ms: 0 }, "It completes");
  await ended(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "The second");
  await page.getByRole("link", { name: "1 new", exact: true }).click();
  await expect(rows(page)).toContainText(["The second", "The first"]);
});

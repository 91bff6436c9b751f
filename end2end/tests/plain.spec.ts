// With JavaScript off: the pages read, and the forms work.
import type { Page } from "@playwright/test";
import { expect, press, startTask, status, test, valueOf } from "./fixtures";

test.use({ javaScriptEnabled: false });

// The page announces its WASM to the browser, which has no use for it here.
test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

/** Loads the page again, as a person does who waits, until it shows the status. */
async function reloadUntil(page: Page, name: string): Promise<void> {
  await expect(async () => {
    await page.reload();
    await expect(status(page, name)).toBeVisible({ timeout: 500 });
  }).toPass();
}

test("the list and the page of a task read", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 2, step_ms: 0 }, "Two steps");
  const answer = await page.request.get(`/api/tasks/${id}/result?timeout=10`);
  expect(answer.ok()).toBe(true);

  const list = await page.goto("/tasks");
  // Not looked for on the page: Chromium shows a <noscript> or not when scripts are switched off by its debugger.
  expect(await list!.text()).toContain("JavaScript is off");
  await page.getByRole("list", { name: "Tasks" }).getByRole("link", { name: "Two steps" }).click();
  await expect(page.getByRole("heading", { name: "Two steps" })).toBeVisible();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "processed")).toHaveText("2");
  await expect(page.getByRole("region", { name: "Log" }).getByText("Processing step 2/2")).toBeVisible();
});

test("the whole log of a task is a link", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 0, log_lines: 1000 });
  await page.request.get(`/api/tasks/${id}/result?timeout=30`);
  await page.goto(`/tasks/${id}`);
  const link = page.getByRole("region", { name: "Log" }).getByRole("link", { name: "Download" });
  const log = await page.request.get((await link.getAttribute("href"))!);
  expect(log.headers()["content-disposition"]).toContain(`task-${id}.log`);
  expect((await log.text()).match(/line \d+ of 1000$/gm)).toHaveLength(2997);
});

test("the list is narrowed by its links", async ({ page }) => {
  const failed = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It failed");
  await page.request.get(`/api/tasks/${failed}/result?timeout=10`);
  const done = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
  await page.request.get(`/api/tasks/${done}/result?timeout=10`);
  await page.goto("/tasks");
  await page.getByRole("navigation", { name: "By status" }).getByRole("link", { name: /^Failed/ }).click();
  const list = page.getByRole("list", { name: "Tasks" });
  await expect(list.getByRole("link", { name: "It failed" })).toBeVisible();
  await expect(list.getByRole("link", { name: "It is done" })).toHaveCount(0);
});

test("a task is started, cancelled and deleted through plain forms", async ({ page }) => {
  await page.goto("/start");
  await page.getByRole("link", { name: "Demo steps" }).click();
  await page.getByLabel("Steps", { exact: true }).fill("1000");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await reloadUntil(page, "Running");

  await press(page, "Cancel");
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await reloadUntil(page, "Cancelled");

  await press(page, "Delete");
  await expect(page).toHaveURL(/\/tasks$/);
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();
});

test("a file is imported through a plain form", async ({ page }) => {
  await page.goto("/start/import_csv");
  await page.getByLabel(/^File/).setInputFiles({
    name: "two rows.csv",
    mimeType: "text/csv",
    buffer: Buffer.from("a,b\n1,2\n3,4\n"),
  });
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await reloadUntil(page, "Completed");
  await expect(valueOf(page, "Result", "rows")).toHaveText("2");
  await expect(valueOf(page, "Result", "table")).toHaveText("two_rows");
  // So that ten imports can be told apart.
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Import CSV: two rows.csv");
});

test("a form that is not right comes back with what was typed and what is wrong", async ({ page, complaints }) => {
  await page.goto("/start/demo_steps");
  await page.getByLabel("Steps", { exact: true }).fill("0");
  await page.getByLabel("Time for a step (ms)").fill("12");
  await page.getByRole("radio", { name: "It fails" }).check();
  complaints.expect(/status of 422/);
  const answer = page.waitForResponse((response) => response.request().method() === "POST");
  await page.getByRole("button", { name: "Start" }).click();
  expect((await answer).status()).toBe(422);
  await expect(page.getByRole("alert").filter({ hasText: "Enter at least 1." }).first()).toBeVisible();
  await expect(page.getByLabel("Steps", { exact: true })).toHaveValue("0");
  await expect(page.getByLabel("Time for a step (ms)")).toHaveValue("12");
  await expect(page.getByRole("radio", { name: "It fails" })).toBeChecked();

  await page.getByLabel("Steps", { exact: true }).fill("1");
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  await reloadUntil(page, "Failed");
});

test("the params of a failed task are changed by a plain form, which keeps what was typed and the file", async ({
  page,
  complaints,
}) => {
  await page.goto("/start/demo_form");
  await page.getByLabel("I know, and want it.").check();
  await page.getByRole("textbox", { name: "Name" }).fill("Ann");
  await page.getByLabel("Access key").fill("correct-horse-battery");
  await page.getByLabel(/^File/).setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await page.getByLabel("Fail", { exact: true }).check();
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
  const task = page.url();
  await reloadUntil(page, "Failed");

  await page.getByRole("link", { name: "Edit the params and retry…" }).click();
  await expect(page.getByText("Takes a.txt (1 B) again", { exact: false })).toBeVisible();
  await page.getByLabel("I know, and want it.").check();
  await page.getByRole("textbox", { name: "Name" }).fill("Zoe");
  await page.getByRole("textbox", { name: "Region" }).fill("nowhere");
  await page.getByLabel("Fail", { exact: true }).uncheck();
  complaints.expect(/status of 422/);
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Enter a region such as eu-west-1." }).first()).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" }), "what was typed is kept").toHaveValue("Zoe");
  await expect(page.getByText("Takes a.txt (1 B) again", { exact: false })).toBeVisible();
  await page.getByRole("textbox", { name: "Region" }).fill("us-east-2");
  await page.getByLabel("I know, and want it.").check();
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page).toHaveURL(task);
  await reloadUntil(page, "Completed");
  await expect(valueOf(page, "Result", "name")).toHaveText("Zoe");
  await expect(valueOf(page, "Result", "key_length")).toHaveText("21");
  await expect(valueOf(page, "Result", "file")).toHaveText("a.txt");
});

test("the theme is switched by a plain form, and stays", async ({ page }) => {
  await page.goto("/tasks?status=failed");
  await page.getByRole("button", { name: "Dark" }).click();
  await expect(page).toHaveURL(/\/tasks\?status=failed$/);
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await page.goto("/start");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
});

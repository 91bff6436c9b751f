// A field of every type: in the browser, without JavaScript, in schedules, by address, and what is never shown.
import { expect, live, startTask, status, test, valueOf } from "./fixtures";
import type { Page } from "@playwright/test";

const KEY = "correct-horse-battery";

/** Fills in what has no default. */
async function fillIn(page: Page): Promise<void> {
  await page.getByLabel("I know, and want it.").check();
  await page.getByRole("textbox", { name: "Name" }).fill("Ann");
  await page.getByLabel("Access key").fill(KEY);
}

test("a form with every type of field is checked as one types, sent, and read back", async ({ page }) => {
  await page.goto("/start/demo_form");
  await live(page);
  await page.getByRole("button", { name: "Start" }).click();
  const summary = page.getByRole("alert").filter({ hasText: "Not started" });
  await expect(summary).toContainText("3 fields need another look");
  await fillIn(page);
  await expect(summary).toBeHidden();

  const region = page.getByRole("textbox", { name: "Region" });
  await region.fill("nowhere");
  await expect(page.getByText("Enter a region such as eu-west-1.")).toBeVisible();
  await region.fill("us-east-2");
  await expect(page.getByText("Enter a region such as eu-west-1.")).toBeHidden();
  // Without leaving the field, as soon as one pauses.
  const copies = page.getByRole("textbox", { name: "Copies" });
  await expect(page.getByText("1 to 10.")).toBeVisible();
  await copies.fill("");
  await copies.pressSequentially("99");
  await expect(page.getByText("Enter at most 10.")).toBeVisible();
  await expect(copies).toBeFocused();
  await copies.fill("2");
  await expect(page.getByText("Enter at most 10.")).toBeHidden();
  const days = page.getByRole("group", { name: "Days" });
  await expect(days.getByLabel("Monday")).toBeChecked();
  for (const day of ["Monday", "Thursday"]) await days.getByLabel(day).uncheck();
  await expect(page.getByText("Choose at least 1.")).toBeVisible();
  for (const day of ["Tuesday", "Sunday"]) await days.getByLabel(day).check();
  await expect(page.getByText("Choose at least 1.")).toBeHidden();
  const ports = page.getByRole("textbox", { name: "Ports" });
  await ports.fill("80\nhttps");
  await ports.blur();
  await expect(page.getByText("Entry 2: Enter a whole number.")).toBeVisible();
  await ports.fill("80\n8443");
  await page.getByRole("textbox", { name: "Hosts" }).fill("a.example\nb.example\n");
  await page.getByLabel("Not before").fill("2026-01-31T08:30");
  await expect(page.getByText("Your time (UTC): 2026-01-31 08:30:00 UTC")).toBeVisible();
  await page.getByRole("textbox", { name: "Settings" }).fill('{"depth": [1, 2]}');
  await page.getByLabel(/^File/).setInputFiles({ name: "a.exe", mimeType: "", buffer: Buffer.from("x") });
  await expect(page.getByText("Choose a file of type .txt, .csv, image/*.")).toBeVisible();
  await page.getByLabel(/^File/).setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("x") });
  await page.getByRole("button", { name: "Start" }).click();

  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "key_length")).toHaveText(String(KEY.length));
  const params = page.getByRole("region", { name: "Params" });
  for (const text of ["us-east-2", "Sunday", "8,443", "b.example", "2026-01-31T08:30:00.000Z", "••••••••"]) {
    await expect(params).toContainText(text);
  }
  await expect(page.getByRole("region", { name: "Log" })).toContainText("key: Secret(••••••••)");
});

test("a secret is on no page, in no answer and in no log, and stays when other params are changed", async ({
  page,
  server,
}) => {
  const params = { name: "Ann", key: KEY, fails: true };
  const id = await startTask(page, "demo_form", params);
  expect((await page.request.get(`/api/tasks/${id}/result?timeout=10`)).status()).toBe(500);
  await page.request.put("/api/schedules/nightly", { data: { kind: "demo_form", cron: "@yearly", params } });
  const addresses = [`/tasks/${id}`, "/tasks", "/", "/inbox", `/start/demo_form?from=${id}`, "/schedules/nightly"];
  const answers = ["", "/attempts", "/log", "/notices"].map((rest) => `/api/tasks/${id}${rest}`);
  for (const address of [...addresses, ...answers, "/api/tasks", "/api/schedules", "/api/schedules/nightly"]) {
    const answer = await page.request.get(address);
    expect(answer.ok(), address).toBe(true);
    expect(await answer.text(), address).not.toContain(KEY);
  }
  expect(server.log).not.toContain(KEY);

  await page.goto(`/tasks/${id}`);
  await live(page);
  await page.getByRole("link", { name: "Edit the params and retry…" }).click();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Ann");
  const key = page.getByLabel("Access key");
  await expect(key).toHaveValue("");
  await expect(page.getByText("Stays as it is unless you enter another.")).toBeVisible();
  await expect(page.getByLabel("Fail", { exact: true })).toBeChecked();
  await page.getByLabel("Fail", { exact: true }).uncheck();
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page.getByText("Confirm that you want this.").first()).toBeVisible();
  await page.getByLabel("I know, and want it.").check();
  await page.getByRole("button", { name: "Save and retry" }).click();
  await expect(page).toHaveURL(new RegExp(`/tasks/${id}$`));
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "key_length")).toHaveText(String(KEY.length));

  await page.getByRole("link", { name: "Run again…" }).click();
  await expect(page.getByText("Filled in from an earlier task, but for its secrets.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Ann");
  await expect(page.getByLabel("Access key")).toHaveValue("");
  // What was uploaded as a result is without it too.
  const json = await (await page.request.get(`/api/tasks/${id}/result.json`)).text();
  expect(json).not.toContain(KEY);
});

test("a link fills in the form, but no secret and no file", async ({ page }) => {
  const query = "name=Zoe&days=friday&days=sunday&hosts=a.example&tell=false&key=leaked&at=2026-01-31T08:30:00Z&file=x";
  await page.goto(`/start/demo_form?${query}`);
  await live(page);
  await expect(page.getByText("Filled in by the link that led here.")).toBeVisible();
  await expect(page.getByRole("textbox", { name: "Name" })).toHaveValue("Zoe");
  await expect(page.getByRole("group", { name: "Days" }).getByRole("checkbox", { checked: true })).toHaveCount(2);
  await expect(page.getByRole("textbox", { name: "Hosts" })).toHaveValue("a.example");
  await expect(page.getByLabel("Tell me when it is done")).not.toBeChecked();
  await expect(page.getByLabel("Not before")).toHaveValue("2026-01-31T08:30");
  await expect(page.getByLabel("Access key")).toHaveValue("");
});

test("a task is run and its result shown beside the form", async ({ page }) => {
  await page.goto("/start/demo_form");
  await live(page);
  await fillIn(page);
  await page.getByRole("button", { name: "Run here" }).click();
  const run = page.getByRole("region", { name: "This run" });
  await expect(run.getByText("Completed", { exact: true }).first()).toBeVisible();
  await expect(run.getByRole("link", { name: "Open the task" })).toBeVisible();
  await expect(page.getByRole("status", { name: "What was just done" })).toContainText("Started: Demo form");
  await expect(run.getByText("key_length")).toBeVisible();
  await expect(page).toHaveURL(/\/start\/demo_form$/);
  await expect(page.getByRole("textbox", { name: "Name" }), "the form stays as it is").toHaveValue("Ann");
});

test("a file is dropped onto its field", async ({ page }) => {
  await page.goto("/start/demo_form");
  await live(page);
  const drop = async (...names: string[]) => {
    const dataTransfer = await page.evaluateHandle((names) => {
      const data = new DataTransfer();
      for (const name of names) data.items.add(new File(["hello"], name, { type: "text/plain" }));
      return data;
    }, names);
    await page.locator(".td-drop").dispatchEvent("drop", { dataTransfer });
  };
  // Two of them are told before anything is sent.
  await drop("one.txt", "two.txt");
  await expect(page.getByText("Choose one file.")).toBeVisible();
  await drop("dropped.txt");
  await expect(page.getByText("Choose one file.")).toHaveCount(0);
  await expect(page.locator(".td-drop")).toContainText("5 B");
  await fillIn(page);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "file")).toContainText("dropped.txt");
});

test("a schedule has the same fields, and keeps its secret when it is changed", async ({ page, complaints }) => {
  await page.goto("/schedules/_new?kind=demo_form");
  await live(page);
  await page.getByRole("textbox", { name: "Name" }).first().fill("weekly-form");
  await page.getByLabel("When", { exact: false }).first().fill("0 6 * * 1");
  await page.locator("[name='params[name]']").fill("Ann");
  await page.getByLabel("Access key").fill(KEY);
  await page.getByRole("group", { name: "Days" }).getByLabel("Sunday").check();
  await page.getByRole("button", { name: "Make the schedule" }).click();
  await expect(page).toHaveURL(/\/schedules\/weekly-form$/);

  await page.reload();
  await live(page);
  await expect(page.getByLabel("Access key")).toHaveValue("");
  await expect(page.getByText("Stays as it is unless you enter another.")).toBeVisible();
  await expect(page.getByRole("group", { name: "Days" }).getByRole("checkbox", { checked: true })).toHaveCount(3);
  await page.locator("[name='params[name]']").fill("Bea");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Saved", { exact: true })).toBeVisible();
  // The kind is a danger, so the server asks.
  complaints.expect(/status of 422/);
  await page.getByRole("button", { name: "Run now: weekly-form" }).click();
  await page.getByRole("button", { name: "Yes, run now: weekly-form" }).click();
  await page.getByRole("status").getByRole("link", { name: "Open the task" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(valueOf(page, "Result", "name")).toContainText("Bea");
  await expect(valueOf(page, "Result", "key_length")).toHaveText(String(KEY.length));
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("the form comes back with all that was typed but the secret, and starts the task", async ({
    page,
    complaints,
  }) => {
    await page.goto("/start/demo_form");
    await fillIn(page);
    await page.getByRole("textbox", { name: "Region" }).fill("nowhere");
    const days = page.getByRole("group", { name: "Days" });
    await days.getByLabel("Monday").uncheck();
    await days.getByLabel("Sunday").check();
    await page.getByRole("textbox", { name: "Ports" }).fill("80\n8443");
    await page.getByLabel("Tell me when it is done").uncheck();
    complaints.expect(/status of 422/);
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByText("Enter a region such as eu-west-1.").first()).toBeVisible();
    expect(await page.content()).not.toContain(KEY);
    await expect(page.getByLabel("Access key")).toHaveValue("");
    await expect(days.getByLabel("Monday")).not.toBeChecked();
    await expect(days.getByLabel("Sunday")).toBeChecked();
    await expect(page.getByRole("textbox", { name: "Ports" })).toHaveValue("80\n8443");
    await expect(page.getByLabel("Tell me when it is done")).not.toBeChecked();

    await page.getByRole("textbox", { name: "Region" }).fill("eu-west-2");
    await page.getByLabel("Access key").fill(KEY);
    await page.getByLabel("I know, and want it.").check();
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page).toHaveURL(/\/tasks\/[0-9a-f-]{36}$/);
    await expect(async () => {
      await page.reload();
      await expect(status(page, "Completed")).toBeVisible({ timeout: 500 });
    }).toPass();
    await expect(valueOf(page, "Result", "key_length")).toHaveText(String(KEY.length));
    await expect(page.getByRole("region", { name: "Params" })).toContainText("Sunday");
  });
});

import { readFile } from "node:fs/promises";
import { ON_POSTGRES } from "./database";
import { expect, live, press, startTask, status, test, valueOf } from "./fixtures";

test("a running task is cancelled, and goes on where it was when it is retried", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 60, step_ms: 50 });
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(page.getByText("Processing step 3/60").first()).toBeVisible();
  await press(page, "Cancel");
  await expect(status(page, "Cancelled")).toBeVisible();
  await expect(page.getByRole("region", { name: "Result" })).toHaveCount(0);

  await page.getByRole("main").getByRole("button", { name: "Retry", exact: true }).click();
  await expect(status(page, "Completed")).toBeVisible({ timeout: 20_000 });
  await expect(valueOf(page, "Result", "processed")).toHaveText("60");
  const log = page.getByRole("region", { name: "Log" });
  await expect(log.getByText("Processing step 1/60")).toHaveCount(1);
  await expect(log.getByText(/^Goes on after step \d+ of 60\.$/)).toBeVisible();
});

test("a failed task shows its error and offers a retry", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 2, step_ms: 0, ending: "fail" });
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(status(page, "Failed")).toBeVisible();
  const error = page.getByRole("region", { name: "Failed" });
  await expect(error).toContainText("The demo failed after step 2, as it was asked to.");
  await expect(error).toContainText("demo_failed");
  await expect(page.getByRole("main").getByRole("button", { name: "Retry", exact: true })).toBeVisible();
});

test("a task that is to start later is started now, but not one that waits for others", async ({ page }) => {
  const request = { params: { steps: 1, step_ms: 0 }, label: "Much later", delay: 3_600_000 };
  const later = (await (await page.request.post("/api/kinds/demo_steps/start", { data: request })).json()) as { id: string };
  const behind = { params: { steps: 1, step_ms: 0 }, label: "Behind it", after: [later.id] };
  const after = (await (await page.request.post("/api/kinds/demo_steps/start", { data: behind })).json()) as { id: string };
  const refused = await page.request.post(`/api/tasks/${after.id}/retry`);
  expect(refused.status()).toBe(409);
  await page.goto("/tasks");
  await live(page);
  const row = page.getByRole("listitem").filter({ hasText: "Much later" });
  await expect(row.getByRole("button", { name: "Start now" })).toBeVisible();
  await expect(page.getByRole("listitem").filter({ hasText: "Behind it" }).getByRole("button", { name: "Start now" })).toHaveCount(0);
  await page.goto(`/tasks/${later.id}`);
  await live(page);
  await expect(status(page, "Scheduled")).toBeVisible();
  await page.getByRole("main").getByRole("button", { name: "Start now", exact: true }).click();
  await expect(status(page, "Completed")).toBeVisible();
  expect((await page.request.get(`/api/tasks/${after.id}/result?timeout=10`)).ok()).toBe(true);
});

test("a question about a task stays while the task begins", async ({ page }) => {
  const delayed = { params: { steps: 100, step_ms: 1_000 }, label: "Later", delay: 3_000 };
  for (const path of ["/tasks", "/tasks/"]) {
    const answer = await page.request.post("/api/kinds/demo_steps/start", { data: delayed });
    const { id } = (await answer.json()) as { id: string };
    await page.goto(path === "/tasks" ? path : path + id);
    await live(page);
    const task = path === "/tasks" ? page.locator(`[data-task="${id}"]`) : page.getByRole("main");
    await task.getByRole("button", { name: /^Cancel/ }).first().click();
    const asked = page.getByRole("dialog", { name: "Cancel" });
    await expect(asked).toBeVisible();
    await expect(task.getByText("Scheduled").first()).toBeVisible();
    await expect(task.getByText(/^Running/).first()).toBeVisible({ timeout: 10_000 });
    await asked.getByRole("button", { name: "Cancel the task" }).click();
    await expect(task.getByText(/^Cancelled/).first()).toBeVisible();
  }
});

test("a task that panics fails alone: the server goes on and the next task completes", async ({ page }) => {
  await page.goto("/start/demo_steps");
  await live(page);
  await page.getByLabel("Steps", { exact: true }).fill("1");
  await page.getByLabel("Time for a step (ms)").fill("0");
  await page.getByRole("radio", { name: "It panics" }).check();
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Failed")).toBeVisible();
  await expect(page.getByRole("region", { name: "Failed" })).toContainText("The demo panicked after step 1");

  const next = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  await page.goto(`/tasks/${next}`);
  await expect(status(page, "Completed")).toBeVisible();
});

test("a reload in the middle shows the task as it stands, and goes on live", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 300, step_ms: 100 }, "A long demo");
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(page.getByText("Processing step 5/300").first()).toBeVisible();

  const answer = await page.reload();
  const html = await answer!.text();
  const inHtml = [...html.matchAll(/Processing step (\d+)\/300/g)].map((found) => Number(found[1]));
  expect(Math.max(...inHtml), "the page that the server sent").toBeGreaterThanOrEqual(5);
  await expect(page.getByRole("heading", { name: "A long demo" })).toBeVisible();
  await expect(status(page, "Running")).toBeVisible();
  await live(page);
  const later = Math.max(...inHtml) + 5;
  await expect(page.getByText(`Processing step ${later}/300`).first()).toBeVisible();
  await press(page, "Cancel");
  await expect(status(page, "Cancelled")).toBeVisible();
});

test("a deleted task is gone from its page and from the list", async ({ page, complaints }) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "To be deleted");
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(status(page, "Completed")).toBeVisible();
  await press(page, "Delete");
  await expect(page).toHaveURL(/\/tasks$/);
  await expect(page.getByRole("heading", { name: "No tasks yet" })).toBeVisible();

  complaints.expect(/status of 404/);
  const answer = await page.goto(`/tasks/${id}`);
  expect(answer!.status()).toBe(404);
  await expect(page.getByRole("heading", { name: "There is no such task" })).toBeVisible();
});

test("a backup is a file to download", async ({ page }) => {
  test.skip(ON_POSTGRES, "PostgreSQL has tools of its own for this, and the task says so");
  await page.goto("/start/backup_database");
  await live(page);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(status(page, "Completed")).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: /^Download taskdeck-/ }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/^taskdeck-\d{8}-\d{6}\.sql$/);
  const chunks: Buffer[] = [];
  for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  expect(text).toContain("CREATE TABLE tasks");
  expect(text.trimEnd().endsWith("COMMIT;")).toBe(true);
});

test("what a task is called is text, never HTML", async ({ page }) => {
  const label = "<img src=x onerror=alert(1)> & <b>bold</b>";
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, label);
  for (const path of ["/tasks", `/tasks/${id}`]) {
    await page.goto(path);
    await live(page);
    await expect(page.getByRole("main").getByText(label).first()).toBeVisible();
    await expect(page.getByRole("main").locator("b, img[src=x]")).toHaveCount(0);
  }
});

test("a page that could not be loaded comes by itself when the server is back", async ({ page, server, complaints }) => {
  complaints.expect(/WebSocket connection to '\S+' failed/);
  complaints.expect(/Failed to load resource: net::ERR_/);
  // The code of the page is what cannot be loaded first.
  complaints.expect(/TypeError: Failed to fetch/);
  await page.goto("/tasks");
  await live(page);
  await server.kill();
  const notice = page.getByRole("status").filter({ hasText: "Not live" });
  await expect(notice).toBeVisible({ timeout: 15_000 });
  await expect(notice, "it tells for how long").toContainText(/for ([2-9]|\d\d) s/, { timeout: 15_000 });
  await page.getByRole("link", { name: "Start", exact: true }).click();
  await expect(page.getByRole("heading", { name: "This page could not be loaded" })).toBeVisible();
  await server.restart();
  await expect(page.getByRole("link", { name: "Import CSV" })).toBeVisible({ timeout: 20_000 });
});

test("a task shows the tasks that it started, and its table is taken away as CSV", async ({ page }) => {
  const id = await startTask(page, "demo_parts", { parts: 2, steps: 3, step_ms: 100 }, "In parts");
  await page.goto(`/tasks/${id}`);
  await live(page);
  const children = page.getByRole("region", { name: "Tasks that it started" });
  await expect(children.getByRole("link", { name: "Part 2 of 2" })).toBeVisible();
  await expect(status(page, "Completed")).toBeVisible();
  await expect(children.getByText("Completed in")).toHaveCount(2);
  const downloads = page.waitForEvent("download");
  await page.getByRole("region", { name: "Result" }).getByRole("link", { name: "CSV" }).click();
  const download = await downloads;
  expect(download.suggestedFilename()).toBe(`task-${id}.csv`);
  const lines = (await readFile(await download.path(), "utf8")).trim().split(/\r?\n/);
  expect(lines[0]).toBe("part,processed,task");
  expect(lines.slice(1).map((line) => line.split(",").slice(0, 2).join())).toEqual(["1,3", "2,3"]);

  await children.getByRole("link", { name: "Part 1 of 2" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Part 1 of 2" })).toBeVisible();
  await valueOf(page, "About", "Started by the task").getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1, name: "In parts" })).toBeVisible();
});

test("a task that says nothing for half a minute is told to be silent, until it says something", async ({ page }) => {
  const id = await startTask(page, "demo_steps", { steps: 3, step_ms: 6_000 }, "Silent");
  await page.goto("/tasks");
  await live(page);
  const row = page.getByRole("listitem").filter({ hasText: "Silent" });
  // What it says first on the line is its whole state, with a time by the server's clock; then only how far it is.
  await expect(row.getByText("Processing step 2/3")).toBeVisible({ timeout: 12_000 });
  await expect(page.getByText(/^No update for/)).toBeHidden();
  // Time goes by for the page; what it knows of the server's clock stays.
  await page.clock.setSystemTime(Date.now() + 32_000);
  await expect(row.getByText(/^No update for 3\d s/)).toBeVisible();
  await expect(row.getByText("Processing step 3/3")).toBeVisible({ timeout: 12_000 });
  await expect(page.getByText(/^No update for/)).toBeHidden();
  const state = (await (await page.request.get(`/api/tasks/${id}`)).json()) as { progress: { heard_at: string } };
  expect(Date.parse(state.progress.heard_at)).toBeLessThanOrEqual(Date.now());
});

test("a task names those that it runs after, and tells what was told", async ({ page }) => {
  const first = await startTask(page, "demo_question", {}, "First of all");
  const request = { params: { steps: 1, step_ms: 0 }, label: "After it", after: [first] };
  const started = (await (await page.request.post("/api/kinds/demo_steps/start", { data: request })).json()) as { id: string };
  await page.goto(`/tasks/${started.id}`);
  await live(page);
  await expect(page.getByText("It runs after 1 task that has not completed.")).toBeVisible();
  const after = page.getByRole("region", { name: "Tasks that it runs after" });
  await after.getByRole("link", { name: "First of all" }).click();
  await expect(page.getByRole("heading", { name: "First of all", level: 1 })).toBeVisible();
  const timeline = page.getByRole("region", { name: "Timeline" });
  await expect(timeline).toContainText("Half of it is done; the rest waits for your answer.");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(timeline, "also what is told while one looks").toContainText("The demo went on.");
});

test("the timeline of a delayed task tells what was a delay and what a wait", async ({ page }) => {
  const request = { params: { steps: 1, step_ms: 0 }, label: "Later", delay: 1200 };
  const { id } = (await (await page.request.post("/api/kinds/demo_steps/start", { data: request })).json()) as { id: string };
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(status(page, "Completed")).toBeVisible();
  const points = page.getByRole("region", { name: "Timeline" }).getByRole("listitem");
  await expect(points).toContainText([/Created.*scheduled 1\.\d s/s, /Due.*waited/s, "Started", "Completed"]);
});

test("what a task shares with others leads to those", async ({ page }) => {
  const request = { params: { steps: 1, step_ms: 0 }, label: "One of them", tags: ["nightly"], key: "the-key" };
  const one = (await (await page.request.post("/api/kinds/demo_steps/start", { data: request })).json()) as { id: string };
  await page.request.get(`/api/tasks/${one.id}/result?timeout=10`);
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "Another");
  const list = page.getByRole("list", { name: "Tasks", exact: true });
  for (const [fact, url] of [["Queue", /q=queue:default$/], ["Started by", /q=user:local$/], ["Key", /q=key:the-key$/], ["Tags", /q=tag:nightly$/]] as const) {
    await page.goto(`/tasks/${one.id}`);
    await live(page);
    await valueOf(page, "About", fact).getByRole("link").click();
    await expect(page).toHaveURL(url);
    await expect(list.getByRole("link", { name: "One of them" })).toBeVisible();
  }
  await expect(list.getByRole("link", { name: "Another" })).toHaveCount(0);
  await page.goto(`/tasks/${one.id}`);
  await live(page);
  await expect(valueOf(page, "About", "Worker").getByRole("link")).toHaveAttribute("href", "/workers");
  // A browser that copies nothing is told of.
  await page.evaluate(() => (document.execCommand = () => false));
  await page.getByRole("button", { name: "Copy the id" }).click();
  await expect(page.getByText("The browser did not copy it: select the text")).toBeVisible();
});

test("what is within a result is folded where it is much, and can be folded", async ({ page }) => {
  const id = await startTask(page, "demo_form", {
    name: "Ann",
    key: "correct-horse-battery",
    fails: false,
    settings: { few: { a: 1, b: 2 }, many: Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`n${n}`, n])) },
  });
  await page.goto(`/tasks/${id}`);
  await live(page);
  const params = page.getByRole("region", { name: "Params" });
  await expect(params.getByText("n29", { exact: true })).toBeHidden();
  await params.getByText("30 entries").click();
  await expect(params.getByText("n29", { exact: true })).toBeVisible();
});

test("the result appears although the server could not be reached at the end", async ({ page, complaints }) => {
  complaints.expect(/Failed to load resource: net::ERR_/);
  const id = await startTask(page, "demo_steps", { steps: 30, step_ms: 100 }, "Its end is asked for");
  await page.goto(`/tasks/${id}`);
  await live(page);
  // What the page asks for at the end does not reach the server at first.
  let refusals = 0;
  await page.route("**/_taskdeck/task_view", async (route) => {
    if (refusals++ < 2) await route.abort("connectionrefused");
    else await route.continue();
  });
  await expect(valueOf(page, "Result", "processed")).toHaveText("30", { timeout: 20_000 });
  expect(refusals).toBeGreaterThan(1);
});

test("params are called as in the form, and show what is in them", async ({ page }) => {
  const params = { name: "\u001b[31mred", key: "correct-horse-battery", days: ["friday"], fails: false };
  const id = await startTask(page, "demo_form", params);
  await page.goto(`/tasks/${id}`);
  await live(page);
  await expect(valueOf(page, "Params", "Name")).toHaveText("␛[31mred");
  const chosen = page.getByRole("region", { name: "Params" }).getByText("Friday", { exact: true });
  await expect(chosen, "a choice is called as in the form").toHaveAttribute("title", "friday");
  await expect(valueOf(page, "Params", "Hosts")).toHaveText("an empty list");
  await page.goto("/tasks");
  await expect(page.getByRole("list", { name: "Tasks", exact: true })).toContainText("␛[31mred");
});

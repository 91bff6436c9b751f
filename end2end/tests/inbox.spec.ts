// What happened while one looked elsewhere: the bell, its page, and the browser's own notifications.
import { expect, live, startTask, status, test } from "./fixtures";

test("what ended and what was asked while nobody looked is told once, over a restart of the server", async ({
  page,
  server,
}) => {
  const done = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
  await page.request.get(`/api/tasks/${done}/result?timeout=10`);
  await server.kill();
  await server.restart();
  const asks = await startTask(page, "demo_question", {}, "It asks");
  await expect
    .poll(async () => ((await (await page.request.get(`/api/tasks/${asks}`)).json()) as { status: string }).status)
    .toBe("waiting_confirmation");

  const html = await (await page.request.get("/tasks", { headers: { accept: "text/html" } })).text();
  expect(html, "it is right before a script runs").toContain('aria-label="Notifications: 3 new"');
  await page.goto("/tasks");
  await live(page);
  const bell = page.getByRole("link", { name: /^Notifications/ });
  await expect(bell, "an ending, a question, and what was told before it").toHaveAccessibleName("Notifications: 3 new");
  await bell.click();
  const asked = page.getByRole("region", { name: "Waits for your answer" });
  await expect(asked.getByRole("link", { name: "It asks" })).toBeVisible();
  const ended = page.getByRole("region", { name: "Since you last looked" });
  await expect(ended.getByRole("link", { name: "It is done" })).toBeVisible();
  const told = ended.getByRole("listitem").filter({ hasText: "Half of it is done; the rest waits for your answer." });
  await expect(told.getByRole("link", { name: "It asks" })).toBeVisible();
  await expect(bell, "what waits for an answer stays new").toHaveAccessibleName("Notifications: 1 new");

  await expect
    .poll(async () => ((await (await page.request.get("/api/inbox")).json()) as { looked_at: string | null }).looked_at)
    .not.toBeNull();
  await page.reload();
  await expect(page.getByRole("region", { name: "Earlier" }).getByRole("link", { name: "It is done" })).toBeVisible();
  await expect(ended).toBeHidden();

  // What ends while the page is open is told without loading it.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It came later");
  await expect(ended.getByRole("link", { name: "It came later" })).toBeVisible({ timeout: 15_000 });
});

test("the bell tells of what ends elsewhere, and not of what one sees end", async ({ page }) => {
  const watched = await startTask(page, "demo_steps", { steps: 2, step_ms: 400 }, "I see it end");
  await page.goto(`/tasks/${watched}`);
  await live(page);
  await expect(status(page, "Completed")).toBeVisible();
  const bell = page.getByRole("link", { name: /^Notifications/ });
  // Only when the other one is counted is it known that the first was not.
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "I do not see it end");
  await expect(bell).toHaveAccessibleName("Notifications: 1 new", { timeout: 15_000 });
  await page.reload();
  await expect(bell, "the server counts as the browser does").toHaveAccessibleName("Notifications: 1 new");
  await bell.click();
  const ended = page.getByRole("region", { name: "Since you last looked" });
  await expect(ended.getByRole("listitem")).toHaveCount(2);
});

test("a browser that may tells of what ends while its tab is hidden", async ({ page, context }) => {
  await context.grantPermissions(["notifications"]);
  await page.addInitScript(() => {
    const shown: string[] = [];
    Object.assign(window, { shown });
    const Told = function (title: string, options: NotificationOptions) {
      shown.push(`${title}: ${options.body}`);
    };
    Object.assign(Told, { permission: "granted" });
    Object.assign(window, { Notification: Told });
  });
  const inbox = page.waitForResponse(/\/_taskdeck\/inbox$/);
  await page.goto("/tasks");
  await live(page);
  await inbox;
  await page.evaluate(() => {
    Object.defineProperty(document, "hidden", { get: () => true });
    window.dispatchEvent(new Event("visibilitychange"));
  });
  await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" }, "It fails");
  const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
  await expect.poll(shown, { timeout: 15_000 }).toEqual([expect.stringContaining("Failed: It fails")]);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });
  test.beforeEach(({ complaints }) => complaints.expect(/was preloaded using link preload but not used/));

  test("the page reads, and a button says that it was read", async ({ page }) => {
    const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 }, "It is done");
    await page.request.get(`/api/tasks/${id}/result?timeout=10`);
    await page.goto("/tasks");
    await page.getByRole("link", { name: "Notifications" }).click();
    await expect(page.getByRole("region", { name: "Since you last looked" })).toContainText("It is done");
    await page.getByRole("button", { name: "Mark all as read" }).click();
    await expect(page).toHaveURL(/\/inbox$/);
    await expect(page.getByRole("region", { name: "Earlier" })).toContainText("It is done");
  });
});

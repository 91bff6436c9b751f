// Everything below a path, as behind a proxy that serves more than Taskdeck.
import { expect, live, status, test, valueOf } from "./fixtures";

test.use({ settings: { TASK_BASE: "/tools/deck/" } });

test("below a base path pages are walked and a task is started, and nothing is asked for above it", async ({
  page,
  server,
}) => {
  expect(server.url).toMatch(/\/tools\/deck$/);
  const above: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (!pathname.startsWith("/tools/deck/")) above.push(pathname);
  });
  page.on("websocket", (socket) => expect(new URL(socket.url()).pathname).toBe("/tools/deck/ws"));
  const root = new URL(server.url).origin;
  await page.goto(`${server.url}/`);
  await live(page);
  const nav = page.getByRole("navigation", { name: "Pages", exact: true });
  for (const [name, path] of [
    ["Tasks", "/tasks"],
    ["Queues", "/queues"],
    ["Schedules", "/schedules"],
    ["Workers", "/workers"],
    ["Settings", "/settings"],
    ["Overview", "/"],
    ["Start", "/start"],
  ]) {
    await nav.getByRole("link", { name, exact: true }).click();
    await expect(page).toHaveURL(`${server.url}${path}`);
    await expect(nav.getByRole("link", { name, exact: true })).toHaveAttribute("aria-current", "page");
  }
  await page.getByRole("link", { name: "Demo steps" }).click();
  await live(page);
  await page.getByLabel("Steps", { exact: true }).fill("2");
  await page.getByLabel("Time for a step (ms)").fill("0");
  await page.getByRole("button", { name: "Start", exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`^${server.url}/tasks/[0-9a-f-]{36}$`));
  await expect(status(page, "Completed")).toBeVisible();
  await page.reload();
  await live(page);
  await expect(valueOf(page, "Result", "processed")).toHaveText("2");
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to" }).fill("queues");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(`${server.url}/queues`);
  expect(above).toEqual([]);

  // Whoever comes without the path, or with a slash too many, is led on.
  await page.goto(`${root}/`);
  await expect(page).toHaveURL(`${server.url}/`);
  await page.goto(`${server.url}/tasks/`);
  await expect(page).toHaveURL(`${server.url}/tasks`);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("below a base path plain forms come back with what was typed, and lead to their tasks", async ({
    page,
    server,
    complaints,
  }) => {
    complaints.expect(/was preloaded using link preload but not used|status of 422/);
    await page.goto(`${server.url}/start/demo_steps`);
    await page.getByLabel("Steps", { exact: true }).fill("0");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(page.getByRole("alert").filter({ hasText: "Enter at least 1." }).first()).toBeVisible();
    await page.getByLabel("Steps", { exact: true }).fill("1");
    await page.getByLabel("Time for a step (ms)").fill("0");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`^${server.url}/tasks/[0-9a-f-]{36}$`));
    await page.goto(`${server.url}/settings`);
    await page.getByRole("button", { name: "Switch the keys off" }).click();
    await expect(page).toHaveURL(`${server.url}/settings`);
    await expect(page.getByRole("button", { name: "Switch the keys on" })).toBeVisible();
  });
});

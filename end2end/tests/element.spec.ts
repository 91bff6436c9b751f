// <task-progress> on the plain HTML example, from an origin of its own: two real ports, and Chromium's own rules.
import { createReadStream } from "node:fs";
import { type Server as HttpServer, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, startTask, test as base } from "./fixtures";

const EXAMPLE = join(import.meta.dirname, "../../examples/plain-html/index.html");

interface Fixtures {
  /** The origin that the example comes from: a port of its own. */
  shop: string;
  /** Another one, that the server does not list. */
  foreign: string;
}

async function serveExample(use: (origin: string) => Promise<void>): Promise<void> {
  const server: HttpServer = createServer((_, response) => {
    response.setHeader("content-type", "text/html; charset=utf-8");
    createReadStream(EXAMPLE).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

const test = base.extend<Fixtures>({
  shop: async ({}, use) => serveExample(use),
  foreign: async ({}, use) => serveExample(use),
  settings: async ({ shop }, use) => use({ TASK_EMBED_ORIGINS: shop }),
});

/** A token for a task, as the shop's own server gets it. */
async function token(page: Page, deck: string, id: string, ttl?: number): Promise<string> {
  const answer = await page.request.post(`${deck}/api/tasks/${id}/embed`, { data: { ttl } });
  expect(answer.status(), await answer.text()).toBe(200);
  return ((await answer.json()) as { token: string }).token;
}

function address(shop: string, deck: string, task: string, token: string): string {
  return `${shop}/?${new URLSearchParams({ deck, task, token })}`;
}

/** Playwright looks into open shadow roots by itself. */
function card(page: Page) {
  return page.locator("#card");
}

function heard(page: Page) {
  return page.locator("#heard li");
}

test("a page of another origin shows a task to its end, and hears of it", async ({ page, server, shop }) => {
  const id = await startTask(page, "demo_steps", { steps: 8, step_ms: 300 }, "Make the invoice");
  await page.goto(address(shop, server.url, id, await token(page, server.url, id)));
  await expect(card(page).getByText("Make the invoice")).toBeVisible();
  await expect(card(page).getByText(/Processing step \d\/8/)).toBeVisible();
  await expect(card(page).getByText("Running", { exact: true }).first()).toBeVisible();
  await expect(page.locator("#row").getByRole("progressbar")).toBeVisible();

  await expect(card(page).getByText("Completed").first()).toBeVisible({ timeout: 15_000 });
  await expect(card(page).getByText("100 %")).toBeVisible();
  const ends = heard(page).filter({ hasNotText: "progress:" });
  await expect(ends).toHaveText(['completed: {"processed":8}', 'finish: {"processed":8}']);
  expect(await heard(page).filter({ hasText: "progress:" }).count()).toBeGreaterThan(2);
});

test("the server's end in the middle loses no event: the token holds over its restart", async ({
  page,
  server,
  shop,
  complaints,
}) => {
  complaints.expect(/WebSocket connection to|ERR_CONNECTION_REFUSED|blocked by CORS|Failed to load resource/);
  const id = await startTask(page, "demo_question", { question: "Go on?" });
  await page.goto(address(shop, server.url, id, await token(page, server.url, id)));
  await expect(card(page).getByText("It waits for an answer.")).toBeVisible();
  await server.kill();
  await expect(card(page).getByText(/Not live: the server cannot be reached/)).toBeVisible({ timeout: 15_000 });
  await server.restart();
  const answered = await page.request.post(`${server.url}/api/tasks/${id}/confirm`, { data: { approved: true } });
  expect(answered.status()).toBe(200);
  await expect(heard(page).filter({ hasText: "finish" })).toHaveCount(1, { timeout: 20_000 });
  await expect(heard(page).filter({ hasText: "completed" })).toHaveCount(1);
  await expect(heard(page).filter({ hasText: 'event_notification: "The demo went on."' })).toHaveCount(1);
});

test("a task that has ended is followed again when somebody retries it", async ({ page, server, shop }) => {
  const id = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "fail" });
  await page.goto(address(shop, server.url, id, await token(page, server.url, id)));
  await expect(card(page).getByText("Failed", { exact: true }).first()).toBeVisible();
  // It was over when the page came: nobody can know what was new.
  await expect(heard(page)).toHaveCount(0);
  await page.request.post(`${server.url}/api/tasks/${id}/retry`);
  await expect(heard(page).filter({ hasText: "started:" })).toHaveCount(1);
  await expect(heard(page).filter({ hasText: "finish:" })).toHaveCount(1);
  await expect(card(page).getByText("Failed", { exact: true }).first()).toBeVisible();
});

test("a token is renewed over the socket for as long as the task runs", async ({ page, server, shop }) => {
  // Long enough for a browser on a busy machine to come with it, and over well before the task is.
  const id = await startTask(page, "demo_steps", { steps: 20, step_ms: 300 });
  const first = await token(page, server.url, id, 4_000);
  await page.goto(address(shop, server.url, id, first));
  await expect(card(page).getByText("Completed").first()).toBeVisible({ timeout: 20_000 });
  // The result was asked for with a token, at a time when the first was long over.
  await expect(heard(page).filter({ hasText: "completed" })).toHaveText(['completed: {"processed":20}']);
  const late = await page.request.get(`${server.url}/api/tasks/${id}`, {
    headers: { authorization: `Bearer ${first}` },
  });
  expect(late.status()).toBe(403);
});

test("a token shows no other task, and an origin that is not listed shows none", async ({
  page,
  server,
  shop,
  foreign,
  complaints,
}) => {
  complaints.expect(/WebSocket connection to|blocked by CORS|Failed to load resource/);
  const id = await startTask(page, "demo_steps", { steps: 300, step_ms: 100 }, "Not for everybody");
  const other = await startTask(page, "demo_steps", { steps: 1, step_ms: 0 });
  const own = await token(page, server.url, id);

  await page.goto(address(shop, server.url, other, own));
  await expect(card(page).getByText(/This page may not show this task/)).toBeVisible({ timeout: 15_000 });

  await page.goto(address(foreign, server.url, id, own));
  await expect(card(page).getByText(/Not live/)).toBeVisible({ timeout: 15_000 });
  await expect(page.getByText("Not for everybody")).toHaveCount(0);

  // No token, and what is none: the page is told, since it is the first mistake that one makes.
  for (const none of ["", "bogus"]) {
    await page.goto(address(shop, server.url, id, none));
    await expect(card(page).getByText(/This page may not show this task/)).toBeVisible({ timeout: 15_000 });
    await expect(page.getByText("Not for everybody")).toHaveCount(0);
  }

  // Where it is allowed it is shown, so the page itself is right.
  await page.goto(address(shop, server.url, id, own));
  await expect(card(page).getByText("Not for everybody")).toBeVisible();
});

test.describe("where sockets are switched off", () => {
  test.use({
    settings: async ({ shop }, use) => use({ TASK_EMBED_ORIGINS: shop, TASK_WEBSOCKET_ENABLED: "false" }),
  });

  test("the widget asks, and tells the same", async ({ page, server, shop, complaints }) => {
    complaints.expect(/WebSocket connection to/);
    const id = await startTask(page, "demo_steps", { steps: 4, step_ms: 500 });
    await page.goto(address(shop, server.url, id, await token(page, server.url, id)));
    await expect(card(page).getByText("Completed").first()).toBeVisible({ timeout: 20_000 });
    const ends = heard(page).filter({ hasNotText: "progress:" });
    await expect(ends).toHaveText(['completed: {"processed":4}', 'finish: {"processed":4}']);
  });
});

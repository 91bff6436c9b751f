// examples/leptos-app: Taskdeck in the pages of an app of its own, by plain Leptos.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Page } from "@playwright/test";
import { expect, test as base } from "./fixtures";

/** Where `cargo xtask test` puts the example: its server, and its site with the WASM. */
const folder = process.env.TASKDECK_LEPTOS_EXAMPLE;

/** The example's server, on a free port with an empty store. */
class Shop {
  private constructor(
    private readonly process: ChildProcess,
    private readonly data: string,
    readonly url: string,
  ) {}

  static async open(folder: string): Promise<Shop> {
    const data = await mkdtemp(join(tmpdir(), "taskdeck-shop-"));
    const child = spawn(join(folder, "server"), {
      cwd: data,
      env: {
        ...process.env,
        LEPTOS_OUTPUT_NAME: "example-leptos-app",
        LEPTOS_SITE_ROOT: join(folder, "site"),
        LEPTOS_SITE_ADDR: "127.0.0.1:0",
        SHOP_TASKS: join(data, "tasks.db"),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const url = await new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const open = /the shop is open at (http:\/\/\S+)/.exec(line);
        if (open) resolve(open[1]!);
      });
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        reject(new Error(`the shop ended before it was open (${code ?? signal})`));
      });
    });
    return new Shop(child, data, url);
  }

  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      const exited = once(this.process, "exit");
      this.process.kill("SIGINT");
      await exited;
    }
    await rm(this.data, { recursive: true, force: true });
  }
}

const test = base.extend<{ shop: Shop }>({
  shop: async ({}, use) => {
    const shop = await Shop.open(folder!);
    await use(shop);
    await shop.close();
  },
  baseURL: async ({ shop }, use) => {
    await use(shop.url);
  },
});

test.skip(!folder, "TASKDECK_LEPTOS_EXAMPLE names no folder with the example: `cargo xtask test` builds it");

/** The card of the page's first task. */
function card(page: Page) {
  return page.locator("section.td-progress").first();
}

/** Notes what the page says of how far its tasks are, until it is loaded anew. */
async function noted(page: Page): Promise<() => Promise<number[]>> {
  await page.evaluate(() => {
    const seen: string[] = [];
    const note = () => {
      const text = document.querySelector(".td-progress-percent")?.textContent ?? "";
      if (text !== "" && seen.at(-1) !== text) seen.push(text);
    };
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
    Object.assign(window, { seen });
  });
  return async () => {
    const seen = await page.evaluate(() => (window as unknown as { seen?: string[] }).seen);
    return (seen ?? []).map((text) => parseInt(text, 10));
  };
}

test("a task of an app's own page is started, seen to go on, and its typed output is there", async ({
  page,
  shop,
}) => {
  const asked: string[] = [];
  page.on("websocket", (socket) => asked.push(new URL(socket.url()).pathname));
  await page.goto("/");
  await expect(page.getByText("No thumbnails are being made.")).toBeVisible();
  // A start by an event handler. Until the page is hydrated a click does nothing, and one too many finds the same task.
  const cats = page.getByRole("listitem").filter({ hasText: "Cats" }).first();
  await expect(async () => {
    await cats.getByRole("button", { name: "Make thumbnails" }).click();
    await expect(card(page)).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 20_000 });
  await expect(card(page)).toContainText("Thumbnails of Cats");
  // The page has no style but the widgets' own.
  await expect(card(page).getByRole("button", { name: "Cancel" })).toHaveCSS("border-top-style", "solid");
  await expect(card(page).locator(".td-badge")).toHaveText("Completed", { timeout: 15_000 });

  // A start by a widget, on a page that the browser goes to by itself.
  const percents = await noted(page);
  await page.getByRole("link", { name: "Across the Alps" }).click();
  await expect(page).toHaveURL(`${shop.url}/albums/alps`);
  await expect(page.getByText("36 photos")).toBeVisible();
  const button = page.getByRole("button", { name: "Make thumbnails" });
  await expect(button).not.toHaveCSS("background-color", "rgba(0, 0, 0, 0)");
  await button.click();
  await expect(page.getByText("36 thumbnails, 396 kB")).toBeVisible({ timeout: 20_000 });
  await expect(card(page).locator(".td-badge")).toHaveText("Completed");
  await expect(page).toHaveURL(`${shop.url}/albums/alps`);
  const between = (await percents()).filter((percent) => percent > 0 && percent < 100);
  expect(between.length, "how often it was seen on its way").toBeGreaterThan(1);
  expect(new Set(asked), "all is asked below the deck's path").toEqual(new Set(["/deck/ws"]));

  // What the server renders of it is taken over as it is.
  await page.reload();
  await expect(card(page).locator(".td-badge")).toHaveText("Completed");
  await expect(page.getByText("36 thumbnails, 396 kB")).toBeVisible({ timeout: 15_000 });
});

test("without JavaScript the same button starts a task, and leads to a page of the app's own", async ({
  browser,
  shop,
}) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${shop.url}/albums/cats`);
  await page.getByRole("button", { name: "Make thumbnails" }).click();
  await expect(page).toHaveURL(new RegExp(`^${shop.url}/deck/tasks/[0-9a-f-]{36}$`));
  await expect(card(page)).toContainText("Make thumbnails");
  await context.close();
});

// What every test has: a server of its own, an eye on the console, and the ways of a person through the pages.
import { test as base, expect, type Page } from "@playwright/test";
import { Server } from "./server";

export { expect };

/** What a browser complains about. A test fails on any of it that it did not say it expects. */
export class Complaints {
  readonly heard: string[] = [];
  private readonly expected: RegExp[] = [];

  /** From now on, complaints like this one are expected. */
  expect(like: RegExp): void {
    this.expected.push(like);
  }

  hear(text: string): void {
    if (!this.expected.some((like) => like.test(text))) this.heard.push(text);
  }
}

interface Fixtures {
  /** Settings of the server, beside those that every server has: environment variables. */
  settings: Record<string, string>;
  /** The server that the pages come from. */
  server: Server;
  /** What the browser complains about. */
  complaints: Complaints;
}

export const test = base.extend<Fixtures>({
  settings: [{}, { option: true }],

  server: async ({ settings }, use, testInfo) => {
    const binary = process.env.TASKDECK_BIN;
    if (!binary) throw new Error("TASKDECK_BIN names no server: run `cargo xtask test`, or set it by hand");
    const server = await Server.start(binary, settings);
    await use(server);
    await server.stop();
    if (testInfo.status !== testInfo.expectedStatus) {
      await testInfo.attach("the server's log", { body: server.log, contentType: "text/plain" });
    }
  },

  baseURL: async ({ server }, use) => {
    await use(server.url);
  },

  complaints: [
    async ({ context }, use) => {
      const complaints = new Complaints();
      context.on("console", (message) => {
        if (message.type() === "error" || message.type() === "warning") {
          complaints.hear(`${message.type()}: ${message.text()} (${message.location().url})`);
        }
      });
      context.on("weberror", (error) => complaints.hear(`uncaught: ${error.error().stack ?? error.error()}`));
      await use(complaints);
      const heard = [...complaints.heard];
      // A page asks on until it is closed: what a test's route has in hand then is nobody's fault.
      for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
      expect(heard, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
});

/** Returns when the page is hydrated, with the parts that come after it, and hears of changes as they happen. */
export async function live(page: Page): Promise<void> {
  await expect(page.locator("[data-connection=live]")).toBeAttached({ timeout: 15_000 });
  await expect(page.locator(".dash-later[inert]")).toHaveCount(0);
}

/** Goes to the widgets below the first of the gallery, and returns when their code, which comes with that, is there. */
export async function hydrated(page: Page): Promise<void> {
  await page.getByRole("region", { name: "A button that starts" }).hover();
  await expect(page.locator("form.td-form[novalidate]")).toBeAttached({ timeout: 15_000 });
}

/** Starts a task as a program does, and answers its id. */
export async function startTask(page: Page, kind: string, params: object, label?: string): Promise<string> {
  const answer = await page.request.post(`/api/kinds/${kind}/start`, { data: { params, label } });
  expect(answer.status(), await answer.text()).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}

/** Presses a button that asks before something is lost, and says yes. */
export async function press(page: Page, name: string): Promise<void> {
  await page.getByRole("main").getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog", { name }).getByRole("button", { name }).click();
}

/** The status that the page of a task shows. */
export function status(page: Page, name: string) {
  return page.getByRole("main").getByText(name, { exact: true }).first();
}

/** The value beside a name in a list of names and values. */
export function valueOf(page: Page, panel: string, name: string) {
  const pairs = page.getByRole("region", { name: panel });
  return pairs.locator("dt", { hasText: new RegExp(`^${name}$`) }).locator("xpath=following-sibling::dd[1]");
}

/** Where the real data is. */
export function data(name: string): string {
  const folder = process.env.TASKDECK_DATA;
  if (!folder) throw new Error("TASKDECK_DATA names no folder: run `cargo xtask test`, or set it by hand");
  return `${folder}/${name}`;
}

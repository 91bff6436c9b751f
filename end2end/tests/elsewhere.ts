// Pages of another origin that show `<task-progress>`: two real ports, and Chromium's own rules.
import { type Server as HttpServer, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Page } from "@playwright/test";
import { expect, test as base } from "./fixtures";

/** Somebody else's site. */
export class Shop {
  /** What stands in its one page. */
  body = "";

  constructor(readonly origin: string) {}

  get html(): string {
    return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title></head>
<body style="font: 16px sans-serif">${this.body}<p id="below">Below</p></body></html>`;
  }
}

interface Fixtures {
  shop: Shop;
}

export const test = base.extend<Fixtures>({
  shop: async ({}, use) => {
    const server: HttpServer = createServer((_, response) => {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.end(shop.html);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const shop = new Shop(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await use(shop);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  },
  settings: async ({ shop }, use) => use({ TASK_EMBED_ORIGINS: shop.origin }),
});

/** A task as its start answered it. */
export interface Started {
  id: string;
  version: number;
}

/** Starts a task, and answers its first state. */
export async function started(page: Page, kind: string, params: object, label?: string): Promise<Started> {
  const answer = await page.request.post(`/api/kinds/${kind}/start`, { data: { params, label } });
  expect(answer.status(), await answer.text()).toBe(202);
  return (await answer.json()) as Started;
}

/** A token for a task, as the shop's own server gets it. */
export async function tokenOf(page: Page, id: string, ttl?: number): Promise<string> {
  const answer = await page.request.post(`/api/tasks/${id}/embed`, { data: { ttl } });
  expect(answer.status(), await answer.text()).toBe(200);
  return ((await answer.json()) as { token: string }).token;
}

/** Returns when the server no longer takes a token. */
export async function isOver(page: Page, id: string, token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  await expect
    .poll(async () => (await page.request.get(`/api/tasks/${id}`, { headers })).status(), { timeout: 15_000 })
    .toBe(403);
}

/** An element as the shop writes it. */
export function element(id: string, attributes: Record<string, string>): string {
  const quoted = (text: string) => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const written = Object.entries(attributes).map(([name, value]) => `${name}="${quoted(value)}"`);
  return `<task-progress id="${id}" ${written.join(" ")}></task-progress>`;
}

/** The script that a page needs, and one that notes what its elements tell. */
export function scripts(deck: string): string {
  return `<script>
  window.heard = [];
  const names = ["started", "progress", "confirmation", "update", "completed", "error", "finish",
    "event_notification", "token_over", "load_error"];
  for (const widget of document.querySelectorAll("task-progress"))
    for (const name of names)
      widget.addEventListener(name, ({ detail }) => window.heard.push({ id: widget.id, name, detail }));
</script><script type="module" src="${deck}/embed/task-progress.js"></script>`;
}

interface Heard {
  id: string;
  name: string;
  detail: Record<string, unknown>;
}

/** What the elements told, without how far they came. */
export async function heard(page: Page, id = "w"): Promise<Heard[]> {
  const all = await page.evaluate(() => (window as unknown as { heard: Heard[] }).heard);
  return all.filter((one) => one.id === id && one.name !== "progress");
}

/** The names of what an element told. */
export async function names(page: Page, id = "w"): Promise<string[]> {
  return (await heard(page, id)).map((one) => one.name);
}

/** A line to the server that can be cut and mended: sockets and requests. */
export class Line {
  private cut = false;
  private readonly close: (() => Promise<void>)[] = [];
  /** How often a socket was opened. */
  sockets = 0;
  /** The paths that were asked for. */
  readonly asked: string[] = [];

  private constructor() {}

  static async of(page: Page, deck: string): Promise<Line> {
    const line = new Line();
    await page.routeWebSocket(/\/ws/, (socket) => {
      line.sockets += 1;
      if (line.cut) {
        void socket.close();
        return;
      }
      const server = socket.connectToServer();
      socket.onMessage((message) => void (line.cut || server.send(message)));
      server.onMessage((message) => void (line.cut || socket.send(message)));
      line.close.push(() => socket.close());
    });
    await page.route(`${deck}/**`, (route) => {
      line.asked.push(new URL(route.request().url()).pathname);
      return line.cut ? route.abort() : route.continue();
    });
    return line;
  }

  async loses(): Promise<void> {
    this.cut = true;
    await Promise.all(this.close.map((close) => close()));
  }

  isBack(): void {
    this.cut = false;
  }
}

/** Whether a text stands as it is read from left to right: its first letter left of its last one. */
export async function readsLeftToRight(page: Page, selector: string): Promise<boolean> {
  return page.locator(selector).first().evaluate((node) => {
    const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    const places: number[] = [];
    while (walker.nextNode()) {
      const text = walker.currentNode as Text;
      for (let at = 0; at < text.length; at += 1) {
        if (/\s/.test(text.data[at]!)) continue;
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const { left, width } = range.getBoundingClientRect();
        if (width > 0) places.push(left);
      }
    }
    return places.length > 1 && places.every((place, at) => at === 0 || place > places[at - 1]!);
  });
}

/** The colours of a bar in a screenshot, near its beginning and near its end. */
export async function ends(page: Page, selector: string): Promise<[string, string]> {
  const png = (await page.locator(selector).first().screenshot()).toString("base64");
  return page.evaluate(async (png) => {
    const image = new Image();
    image.src = `data:image/png;base64,${png}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    const context = canvas.getContext("2d", { willReadFrequently: true })!;
    context.drawImage(image, 0, 0);
    const at = (part: number) =>
      context.getImageData(Math.round(image.width * part), Math.round(image.height / 2), 1, 1).data.join(" ");
    return [at(0.1), at(0.95)] as [string, string];
  }, png);
}

// What the pages cost a browser: bytes of a first load, frames while 1,000 tasks run, frames while a long log scrolls.
// `cargo xtask bench ui` builds the release and runs this with TASKDECK_BIN and CHROMIUM_PATH.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "@playwright/test";

const TASKS = 1_000;
const LINES = 100_000;
const MEASURE_MS = 10_000;
/** The bounds of a first load, in bytes. */
const WASM_MOST = 250_000;
const ALL_MOST = 300_000;

const folder = await mkdtemp(join(tmpdir(), "taskdeck-bench-"));
const server = await startServer(process.env.TASKDECK_BIN, folder);
const asRoot = process.getuid?.() === 0;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH,
  args: ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", ...(asRoot ? ["--no-sandbox"] : [])],
});
try {
  const seed = await start("demo_steps", { steps: 3, step_ms: 10 });
  await ended(seed);
  await request("/api/schedules/bench", { kind: "demo_steps", cron: "0 3 * * *", params: {} }, "PUT");
  const paths = ["/", "/tasks", `/tasks/${seed}`, "/tasks/bulk?verb=delete", "/start", "/start/import_csv", "/start/demo_form",
    "/queues", "/schedules", "/schedules/bench", "/schedules/_new?kind=demo_steps", "/workers", "/inbox", "/settings", "/widgets"];
  console.log("First load, compressed bytes (WASM, all): until the page is live, with what comes until it is at rest, and");
  console.log("with what comes once somebody has been everywhere on it;");
  console.log("content is painted, the WASM is there, and the page is live, after ms:");
  for (const path of paths) await tell(path, path.replace(seed, "{id}"));
  console.log("Where work goes on, and where a form begins with values, more comes by itself once the page is live:");
  const running = await start("demo_steps", { steps: 600, step_ms: 1_000 });
  const asking = await start("demo_question", {});
  await tell("/", "/");
  await tell(`/tasks/${running}`, "/tasks/{running}");
  await tell(`/tasks/${asking}`, "/tasks/{asking}");
  await tell("/start/demo_form?name=abc", "/start/demo_form?name=abc");
  for (const id of [running, asking]) await request(`/api/tasks/${id}/cancel`, {});
  console.log(`${TASKS} running tasks, 10 updates a second each, for ${MEASURE_MS / 1000} s:`);
  await many();
  console.log(`A log of ${LINES} lines, scrolled for ${MEASURE_MS / 1000} s:`);
  await longLog();
} finally {
  await browser.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Says what the first load of a page costs. */
async function tell(path, name) {
  const load = await firstLoad(path);
  if (load === null) return;
  const sizes = [load.first, load.rest, load.used].flatMap(({ wasm, all }) => [wasm, all]).map(kb).join(" ");
  const faults = [
    load.rest.wasm > WASM_MOST ? `WASM is over ${WASM_MOST / 1000} KB` : "",
    load.rest.all > ALL_MOST ? `all is over ${ALL_MOST / 1000} KB` : "",
    // Over loopback the WASM is there within a frame or two; that content does not wait for it is a browser test.
    load.painted > load.live ? "nothing is painted before the page is alive" : "",
  ];
  const said = faults.filter((fault) => fault !== "").join(", ");
  console.log(`  ${name.padEnd(32)} ${sizes} ${ms(load.painted)} ${ms(load.arrived)} ${ms(load.live)}  ${said}`);
}

async function startServer(binary, cwd) {
  const child = spawn(binary, ["serve"], {
    cwd,
    env: {
      ...process.env,
      TASK_BIND: "127.0.0.1:0",
      TASK_STORE: `sqlite:${join(cwd, "taskdeck.db")}`,
      TASK_MAX_CONCURRENT: String(TASKS + 8),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout });
  for await (const line of lines) {
    const url = /taskdeck serves (http:\/\/\S+?),/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout.resume();
    return {
      url,
      stop: async () => {
        const exited = once(child, "exit");
        child.kill("SIGTERM");
        await exited;
      },
    };
  }
  throw new Error("the server ended before it served");
}

async function request(path, body, method = body === undefined ? "GET" : "POST") {
  const answer = await fetch(server.url + path, {
    method,
    headers: { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

async function start(kind, params) {
  return (await request(`/api/kinds/${kind}/start`, { params })).id;
}

async function ended(id) {
  for (;;) {
    const task = await request(`/api/tasks/${id}`);
    if ((task.task ?? task).ended_at !== null) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** What a browser that has nothing yet loads for a page, and how soon it can be seen and used. */
async function firstLoad(path) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send("Network.enable");
  const requests = new Map();
  cdp.on("Network.requestWillBeSent", ({ requestId, wallTime }) => {
    requests.set(requestId, { at: wallTime * 1_000, bytes: 0 });
  });
  cdp.on("Network.responseReceived", ({ requestId, response }) => {
    const request = requests.get(requestId);
    if (!request) return;
    request.isWasm = response.mimeType === "application/wasm";
    request.head = response.encodedDataLength;
  });
  cdp.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const request = requests.get(requestId);
    if (request) Object.assign(request, { bytes: encodedDataLength, done: Date.now() });
  });
  // The page says itself when it is live.
  await page.addInitScript(() => {
    new MutationObserver((_, observer) => {
      if (document.querySelector('.td-connection[data-connection="live"]') === null) return;
      window.liveAt = performance.now();
      observer.disconnect();
    }).observe(document, { subtree: true, childList: true, attributes: true });
  });
  const answer = await page.goto(server.url + path);
  if (answer.status() !== 200) {
    await context.close();
    return null;
  }
  await page.waitForFunction(() => window.liveAt !== undefined, undefined, { timeout: 20_000 });
  // Parts that come when the page is live are made anew, and no longer inert, when their code is here.
  await page.waitForFunction(() => document.querySelector(".dash-later[inert]") === null);
  await page.waitForLoadState("networkidle");
  // Some things wait for a second or two.
  await page.waitForTimeout(3_000);
  const sum = (of) => {
    const counted = [...requests.values()].filter(of);
    const bytes = (some, of) => some.reduce((total, request) => total + of(request), 0);
    // Of the WASM the file counts, of all the head of the answer too.
    const wasm = counted.filter((request) => request.isWasm && request.done !== undefined);
    return { all: bytes(counted, ({ bytes }) => bytes), wasm: bytes(wasm, ({ bytes, head }) => bytes - head) };
  };
  const rest = sum(() => true);
  const times = await page.evaluate(() => ({
    painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    live: window.liveAt,
    origin: performance.timeOrigin,
  }));
  await visitAll(page);
  await context.close();
  // What was asked for until then, even if it came a little later.
  const first = sum((request) => request.at <= times.origin + times.live);
  const wasm = [...requests.values()].filter((request) => request.isWasm && request.at <= times.origin + times.live);
  const arrived = Math.max(...wasm.map((request) => request.done)) - times.origin;
  return { first, rest, used: sum(() => true), arrived, ...times };
}

/** Points at each part that waits for that, and enters each form. */
async function visitAll(page) {
  for (const part of await page.locator(".dash-later > *, .td-form").all()) {
    if (!(await part.isVisible().catch(() => false))) continue;
    await part.hover({ position: { x: 5, y: 5 }, force: true, timeout: 1_000 }).catch(() => undefined);
    await part.evaluate((it) => it.querySelector("input:not([type=hidden]), textarea, select")?.focus()).catch(() => undefined);
  }
  await page.waitForLoadState("networkidle");
}

async function many() {
  const seconds = 60;
  const tasks = Array.from({ length: TASKS }, () => ({
    kind: "demo_ticks",
    request: { params: { updates_per_second: 10, seconds } },
  }));
  await request("/api/tasks/batch", { label: "bench", tasks });
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${server.url}/tasks?rows=${TASKS}`);
  await page.waitForSelector('.td-connection[data-connection="live"]', { state: "attached", timeout: 20_000 });
  const rows = await page.locator(".dash-row").count();
  // All tasks are told of over the socket, those in sight as they change.
  const socket = { messages: 0, bytes: 0 };
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("Network.enable");
  cdp.on("Network.webSocketFrameReceived", ({ response }) => {
    socket.messages += 1;
    socket.bytes += response.payloadData.length;
  });
  const frames = await measureFrames(page, null);
  const changes = frames.changes / (MEASURE_MS / 1000);
  report(frames);
  console.log(`  ${rows} rows; each of the ${frames.observed} in sight changed ${changes.toFixed(1)} times a second`);
  console.log(
    `  the socket brought ${Math.round(socket.messages / (MEASURE_MS / 1000))} messages a second, ` +
      `${kb(socket.bytes / (MEASURE_MS / 1000)).trim()} a second`,
  );
  const scrolled = await measureFrames(page, "html");
  console.log("  the same while the list is scrolled from end to end:");
  report(scrolled);
  await page.close();
}

async function longLog() {
  const id = await start("demo_steps", { steps: LINES / 1_000, step_ms: 20, log_lines: 1_000 });
  await ended(id);
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await page.goto(`${server.url}/tasks/${id}`);
  await page.waitForSelector('.td-connection[data-connection="live"]', { state: "attached", timeout: 20_000 });
  // Somebody comes to it; then all of it has its room.
  await page.hover(".td-log-lines");
  await page.waitForFunction((least) => document.querySelector(".td-log-lines").scrollHeight > least, LINES * 10);
  const frames = await measureFrames(page, ".td-log-lines");
  report(frames);
  console.log(`  scrolled over ${Math.round(frames.scrolled)} px`);
  await page.close();
}

/** Counts frames, changes of the list, and scrolls `selector` up and down meanwhile. */
async function measureFrames(page, selector) {
  return page.evaluate(
    async ([time, selector]) => {
      const gaps = [];
      const long = [];
      let changes = 0;
      let scrolled = 0;
      new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({
        entryTypes: ["longtask"],
      });
      // Nobody sees the others, and to look at each would be work of its own.
      const observed = [...document.querySelectorAll(".dash-row")].filter((row) => {
        const { top, bottom } = row.getBoundingClientRect();
        return top >= 0 && bottom <= innerHeight;
      });
      const seen = new MutationObserver((records) => {
        const rows = new Set(records.map((record) => {
          const at = record.target.nodeType === 1 ? record.target : record.target.parentElement;
          return at?.closest("li");
        }));
        changes += rows.size;
      });
      for (const row of observed) {
        seen.observe(row, { subtree: true, childList: true, characterData: true, attributes: true });
      }
      const scroller = selector === null ? null : document.querySelector(selector);
      if (scroller) observed.length = 0;
      const begin = performance.now();
      let last = begin;
      await new Promise((resolve) => {
        const frame = (now) => {
          gaps.push(now - last);
          last = now;
          if (scroller) {
            const range = scroller.scrollHeight - scroller.clientHeight;
            const place = Math.abs(((now - begin) / 2_000) % 2 - 1) * range;
            scrolled += Math.abs(scroller.scrollTop - place);
            scroller.scrollTop = place;
          }
          if (now - begin >= time) resolve();
          else requestAnimationFrame(frame);
        };
        requestAnimationFrame(frame);
      });
      seen.disconnect();
      const shown = observed.length;
      return { gaps: gaps.slice(1), long, changes: changes / Math.max(1, shown), observed: shown, scrolled };
    },
    [MEASURE_MS, selector],
  );
}

function report({ gaps, long }) {
  const sorted = [...gaps].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  const total = gaps.reduce((sum, gap) => sum + gap, 0);
  const late = gaps.filter((gap) => gap > 25).length;
  console.log(
    `  ${((gaps.length / total) * 1000).toFixed(1)} frames a second; a frame takes p50 ${at(0.5).toFixed(1)} ms, ` +
      `p99 ${at(0.99).toFixed(1)} ms, worst ${at(1).toFixed(1)} ms; ${late} of ${gaps.length} were late; ` +
      `${long.length} long tasks`,
  );
}

function kb(bytes) {
  return `${(bytes / 1000).toFixed(1)} KB`.padStart(10);
}

function ms(time) {
  return `${Math.round(time)}`.padStart(7);
}

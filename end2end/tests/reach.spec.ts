// Every page for everybody: axe-core in both themes, narrow, for fingers, zoomed, right to left, without motion.
import type { Locator, Page } from "@playwright/test";
import { wrong } from "./axe";
import { expect, live, startTask, test } from "./fixtures";

const LONG = "A demo with a name that is much longer than a phone is wide, and-one-word-that-does-not-break";
const SCHEDULE = "one-with-a-name-that-is-much-longer-than-a-phone-is-wide";

/** The pages, each with something on it. */
async function pages(page: Page): Promise<string[]> {
  const [completed, failed] = [
    await startTask(page, "demo_steps", { steps: 2, step_ms: 1 }, "Short demo"),
    await startTask(page, "demo_steps", { steps: 1, step_ms: 1, ending: "fail" }, LONG),
  ];
  for (const id of [completed, failed]) await page.request.get(`/api/tasks/${id}/result?timeout=10000`);
  const running = await startTask(page, "demo_steps", { steps: 600, step_ms: 1_000 }, "Long demo");
  const waiting = await startTask(page, "demo_steps", { steps: 1, step_ms: 0, ending: "ask" }, "It asks");
  await page.request.put(`/api/schedules/${SCHEDULE}`, {
    data: { kind: "demo_steps", cron: "*/5 9-17 * * 1-5", time_zone: "America/Argentina/Buenos_Aires", params: {} },
  });
  await expect
    .poll(async () => ((await (await page.request.get(`/api/tasks/${waiting}`)).json()) as { status: string }).status)
    .toBe("waiting_confirmation");
  return [
    "/",
    "/tasks",
    "/tasks?status=failed",
    "/tasks?kind=import_csv",
    "/tasks?rows=2",
    "/tasks/bulk?q=status:failed&all=1&verb=retry",
    `/tasks/${completed}`,
    `/tasks/${failed}`,
    `/tasks/${running}`,
    `/tasks/${waiting}`,
    "/start",
    "/start/import_csv",
    "/start/demo_steps",
    "/start/demo_form",
    "/schedules/_new?kind=demo_form",
    `/schedules/${SCHEDULE}`,
    "/inbox",
    "/queues",
    "/schedules",
    "/workers",
    "/settings",
    "/widgets",
    "/nowhere",
  ];
}

for (const half of [0, 1]) {
  test(`axe finds nothing wrong with any page in either theme (${half + 1} of 2)`, async ({ page, complaints }) => {
    test.setTimeout(60_000);
    complaints.expect(/404/);
    const all = await pages(page);
    for (const path of all.filter((_, at) => at % 2 === half)) {
      await page.goto(path);
      await live(page);
      expect(await wrong(page, path)).toEqual([]);
    }
  });
}

test("axe finds nothing wrong with what opens over a page", async ({ page }) => {
  test.setTimeout(60_000);
  await startTask(page, "demo_steps", { steps: 600, step_ms: 1_000 }, "Long demo");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.goto("/tasks");
  await live(page);
  const main = page.getByRole("main");
  const escape = () => page.keyboard.press("Escape");
  const menu = () => main.locator("[popovertarget=status-menu]").click();
  const opened: [string, () => Promise<void>, Locator, () => Promise<void>][] = [
    ["palette", () => page.keyboard.press("Control+k"), page.getByRole("dialog", { name: "Go to" }), escape],
    ["help", () => page.keyboard.press("?"), page.getByRole("dialog", { name: "Keys" }), escape],
    ["question", () => main.getByRole("button", { name: "Cancel" }).click(), page.getByRole("dialog", { name: "Cancel" }), escape],
    ["menu", menu, page.locator("#status-menu"), menu],
    ["suggestions", () => page.getByRole("combobox", { name: "Search tasks" }).pressSequentially("s"), page.getByRole("listbox"), escape],
  ];
  for (const [what, open, there, close] of opened) {
    await open();
    await expect(there, what).toBeVisible();
    expect(await wrong(page, what)).toEqual([]);
    await close();
    await expect(there, what).toBeHidden();
  }
  await page.goto("/queues");
  await live(page);
  await main.getByRole("button", { name: "Limits of default" }).click();
  await expect(page.getByRole("dialog", { name: "Limits of default" })).toBeVisible();
  expect(await wrong(page, "limits")).toEqual([]);
});

/** How far what is on the page sticks out of the window. */
function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}

async function fits(page: Page, what: string): Promise<void> {
  for (const dir of ["ltr", "rtl"]) {
    await page.evaluate((dir) => document.documentElement.setAttribute("dir", dir), dir);
    expect(await overflow(page), `${what}, ${dir}`).toBeLessThanOrEqual(0);
  }
}

test("no page sticks out of a narrow or a zoomed window, in either direction of reading", async ({ page, complaints }) => {
  test.setTimeout(60_000);
  complaints.expect(/404/);
  for (const path of await pages(page)) {
    for (const [what, width, height] of [["zoomed to 200 %", 640, 450], ["360 px wide", 360, 740]] as const) {
      await page.setViewportSize({ width, height });
      if (width === 640) await page.goto(path);
      await fits(page, `${path} ${what}`);
    }
  }
});

/**
 * What is smaller than 44 px to a finger. Where it is touched counts, not where it is painted; a link in a sentence may be as
 * high as its line.
 */
function small(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const LEAST = 44;
    const interactive = "a[href], button, summary, select, textarea, input:not([type=hidden]), [role=option]";
    const inSentence = (element: Element) => {
      if (element.tagName !== "A" || getComputedStyle(element).display !== "inline") return false;
      const around = [...(element.parentElement?.childNodes ?? [])].filter((node) => node !== element);
      return around.some((node) => /\w/.test(node.textContent ?? ""));
    };
    const found: string[] = [];
    for (const element of document.querySelectorAll<HTMLElement>(interactive)) {
      if (!element.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) || element.closest("[inert]")) continue;
      const label = (element as HTMLInputElement).labels?.[0];
      const box = (label?.contains(element) ? label : element).getBoundingClientRect();
      // What is for screen readers alone is touched by nobody.
      if (box.width <= 1 || box.height <= 1 || inSentence(element)) continue;
      if (box.width >= LEAST - 0.5 && box.height >= LEAST - 0.5) continue;
      element.scrollIntoView({ block: "center", inline: "center" });
      const { x, y, width, height } = (label?.contains(element) ? label : element).getBoundingClientRect();
      const [cx, cy] = [x + width / 2, y + height / 2];
      const hits = (dx: number, dy: number) => {
        const at = document.elementFromPoint(cx + dx, cy + dy);
        return at !== null && (element.contains(at) || label?.contains(at) === true);
      };
      // From the middle outwards, as far as it is touched. At the window's edge there is nothing to hit.
      const reach = (dx: number, dy: number) => {
        let far = 0;
        while (far < LEAST && hits(dx * (far + 1), dy * (far + 1))) far += 1;
        return far;
      };
      if (!hits(0, 0)) continue;
      const [wide, high] = [reach(-1, 0) + reach(1, 0) + 1, reach(0, -1) + reach(0, 1) + 1];
      const missing = [wide < LEAST - 1 && `${wide} px wide`, high < LEAST - 1 && `${high} px high`].filter(Boolean);
      if (missing.length > 0) found.push(`${missing.join(", ")}: ${element.outerHTML.slice(0, 160)}`);
    }
    window.scrollTo(0, 0);
    return found;
  });
}

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test("no page scrolls sideways, and all that can be touched is 44 px large", async ({ page, complaints }) => {
    test.setTimeout(90_000);
    complaints.expect(/404/);
    const found: string[] = [];
    for (const path of await pages(page)) {
      await page.goto(path);
      await live(page);
      await fits(page, path);
      await page.evaluate(() => document.documentElement.setAttribute("dir", "ltr"));
      found.push(...(await small(page)).map((one) => `${path}: ${one}`));
    }
    expect(found).toEqual([]);
  });
});

test("nothing moves for those who asked for less motion", async ({ page }) => {
  await page.emulateMedia({ reducedMotion: "reduce" });
  await startTask(page, "demo_steps", { steps: 600, step_ms: 1_000 });
  for (const path of ["/tasks", "/widgets"]) {
    await page.goto(path);
    await live(page);
    // Also not from one theme to the other: a text that fades by way of all that it is in takes a frame for each of them.
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      const moving = await page.evaluate(() =>
        document.getAnimations().filter((animation) => animation.playState === "running").length,
      );
      expect(moving, `${path}, ${colorScheme}`).toBe(0);
    }
  }
});

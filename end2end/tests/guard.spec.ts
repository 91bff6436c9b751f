import { expect, live, test } from "./fixtures";

// Every test fails on what the browser complains about; here it is tested that all of it is heard.
for (const [what, complain] of [
  ["an error", () => console.error("something is wrong")],
  ["a warning", () => console.warn("something is wrong")],
  ["an uncaught error", () => void setTimeout(() => { throw new Error("something is wrong"); })],
] as const) {
  test(`${what} of the console is heard`, async ({ page, complaints }) => {
    await page.goto("/start");
    await live(page);
    await page.evaluate(complain);
    await expect.poll(() => complaints.heard).toEqual([expect.stringContaining("something is wrong")]);
    complaints.heard.length = 0;
  });
}

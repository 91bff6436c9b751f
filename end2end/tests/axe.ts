// What axe-core finds wrong with a page. By its own script and not by its Playwright package, which takes five times as long
// to ask for the same: it opens a page of its own for each answer.
import axe from "axe-core";
import type { Page } from "@playwright/test";

/** What is wrong with the page as it stands, in both themes; nothing moves then. */
export async function wrong(page: Page, what: string): Promise<string[]> {
  const found: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const { run } = (window as unknown as { axe: typeof axe }).axe;
      const results = await run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } });
      return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
    });
    found.push(...violations.map((violation) => `${what}, ${colorScheme}: ${violation}`));
  }
  return found;
}

// What this browser keeps for itself, and what it is asked for.
import { expect, live, test } from "./fixtures";

test("keys of one letter are switched off, also for the next page, and Ctrl K stays", async ({ page }) => {
  await page.goto("/settings");
  await live(page);
  await page.getByRole("button", { name: "Switch the keys off" }).click();
  await expect(page.getByText("Switched off, but for Ctrl K, Enter and Esc.")).toBeVisible();
  const palette = page.getByRole("dialog", { name: "Go to" });
  for (const path of ["/settings", "/tasks"]) {
    if (path !== "/settings") await page.goto(path);
    await live(page);
    // The focus is nowhere: each of them would do something.
    for (const key of ["/", "?", "g", "n"]) await page.keyboard.press(key);
    await page.keyboard.press("Control+k");
    await expect(palette).toBeVisible();
    await expect(page.getByRole("dialog")).toHaveCount(1);
    await expect(palette.getByRole("combobox", { name: "Go to" }), "nothing was typed before").toHaveValue("");
    await page.keyboard.press("Escape");
    await expect(palette).toBeHidden();
    await expect(page).toHaveURL(new RegExp(`${path}$`));
  }
  await page.goto("/settings");
  await live(page);
  await page.getByRole("button", { name: "Switch the keys on" }).click();
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await expect(page).toHaveURL(/\/tasks$/);
});

test("the palette and the settings lead to the widgets", async ({ page }) => {
  await page.goto("/settings");
  await live(page);
  await page.getByRole("region", { name: "More pages" }).getByRole("link", { name: "Widgets" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Widgets" })).toBeVisible();
  await expect(page.locator("form.td-form[novalidate]")).toBeAttached({ timeout: 15_000 });
  await page.goto("/tasks");
  await live(page);
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Go to" }).fill("widg");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/\/widgets$/);
  await expect(page.getByRole("heading", { level: 1, name: "Widgets" })).toBeVisible();
});

test("notifications are asked for by a button, which goes when they are allowed", async ({ page }) => {
  // The browser's own question cannot be answered here. What is shown then, `inbox.spec.ts` looks at.
  await page.addInitScript(() => {
    const stub = { permission: "default", requestPermission: () => Promise.resolve((stub.permission = "granted")) };
    Object.assign(window, { Notification: Object.assign(() => {}, stub) });
    Object.defineProperty(window.Notification, "permission", { get: () => stub.permission });
  });
  await page.goto("/settings");
  await live(page);
  await expect(page.getByText("Not asked for yet.")).toBeVisible();
  await page.getByRole("button", { name: "Allow notifications" }).click();
  await expect(page.getByText("Allowed: this browser tells you", { exact: false })).toBeVisible();
  await expect(page.getByRole("button", { name: "Allow notifications" })).toHaveCount(0);
});

test.describe("without JavaScript", () => {
  test.use({ javaScriptEnabled: false });

  test("keys are switched off by a plain form", async ({ page, complaints }) => {
    complaints.expect(/was preloaded using link preload but not used/);
    await page.goto("/settings");
    await page.getByRole("button", { name: "Switch the keys off" }).click();
    await expect(page).toHaveURL(/\/settings$/);
    await page.getByRole("button", { name: "Switch the keys on" }).click();
    await expect(page.getByRole("button", { name: "Switch the keys off" })).toBeVisible();
  });
});

import { defineConfig, devices } from "@playwright/test";

// Each test starts a server of its own, from the binary that TASKDECK_BIN names (tests/fixtures.ts). `cargo xtask test`
// sets that, TASKDECK_DATA and CHROMIUM_PATH; CONTRIBUTING.md says how to do it by hand.
const executablePath = process.env.CHROMIUM_PATH;

// Chromium refuses to start its sandbox as root, as in most containers.
const asRoot = process.getuid?.() === 0;

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  // A test that passes at the second try hides a bug, and `test.only` hides the other tests.
  retries: 0,
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  timeout: 30_000,
  expect: { timeout: 5_000 },
  reporter: "list",
  use: {
    locale: "en-GB",
    timezoneId: "UTC",
    // It makes every test slower, those of moving pages twice as slow: TASKDECK_E2E_TRACE=1 keeps one of each failure.
    trace: process.env.TASKDECK_E2E_TRACE ? "retain-on-failure" : "off",
    screenshot: "only-on-failure",
  },
  projects: [
    {
      name: "chromium",
      use: {
        ...devices["Desktop Chrome"],
        launchOptions: {
          ...(executablePath ? { executablePath } : {}),
          args: [
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            ...(asRoot ? ["--no-sandbox"] : []),
          ],
        },
      },
    },
  ],
});

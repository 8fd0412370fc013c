// A browser's window, what somebody does in it, and what is checked of every page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// How long anything may take to appear.
const PATIENCE = 20_000;

export function check(holds, text) {
  if (!holds) throw new Error(text);
}

/** Says how a step went. */
export async function step(what, act) {
  await act();
  console.log(`ok   ${what}`);
}

export class Window {
  static all = [];
  faults = [];

  static async open(browser, name, directory, options = {}) {
    const window = new Window();
    const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
    const page = await context.newPage();
    Object.assign(window, { name, directory, context, page });
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => window.faults.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") window.faults.push(message.text());
    });
    Window.all.push(window);
    return window;
  }

  /** Says what is wrong in all windows, and leaves a picture of each. */
  static async failed(error) {
    console.log(`FAILED ${error.stack}`);
    for (const window of Window.all) {
      console.log(`${window.name}: ${window.faults.join("\n")}`);
      await window.picture(`failed-${window.name}`).catch(() => {});
    }
    process.exitCode = 1;
  }

  static noneComplains() {
    const faults = Window.all.flatMap((it) => it.faults.map((fault) => `${it.name}: ${fault}`));
    check(faults.length === 0, faults.join("\n"));
  }

  async signIn(url, login, password) {
    await this.page.goto(url);
    await this.page.getByLabel("E-mail").fill(login);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async accessible(what) {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
    const faults = found.violations.map((it) => `${it.id} at ${it.nodes.map((node) => node.target).join(" ")}`);
    check(faults.length === 0, `${what} is not accessible: ${faults.join("; ")}`);
  }

  async fits(width) {
    const before = this.page.viewportSize();
    await this.page.setViewportSize({ width, height: 800 });
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `${this.name}'s page is ${wide} px wide on a screen of ${width}`);
    await this.page.setViewportSize(before);
  }

  async picture(name) {
    await this.page.screenshot({ path: join(this.directory, `${name}.png`), fullPage: true });
  }
}

// Somebody in front of a page: what they do, and what they see.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

// Below this sum of layout shifts a page counts as good.
const CALM = 0.1;

// How long anything may take to appear.
const PATIENCE = 20_000;

export function check(holds, text) {
  if (!holds) throw new Error(text);
}

/** Somebody in front of a page. */
export class Person {
  static all = [];
  // Where the screenshots go.
  static directory = ".";
  // Errors that the browser itself reports for requests that cannot succeed.
  static tolerant = false;
  faults = [];

  static async arrive(browser, url, name, options = {}) {
    const person = new Person();
    person.name = name;
    person.context = await browser.newContext({ viewport: { width: 1100, height: 800 }, ...options });
    person.page = await person.open(url);
    Person.all.push(person);
    return person;
  }

  async open(url) {
    const page = await this.context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("console", (message) => {
      const network = /Failed to load resource|WebSocket connection/.test(message.text());
      const expected = network && Person.tolerant;
      if (message.type() === "error" && !expected) this.faults.push(message.text());
    });
    await page.addInitScript(() => {
      // What moves by itself, as browsers count it: not what somebody has just asked for.
      window.shifted = 0;
      new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.shifted += shift.value;
      }).observe({ type: "layout-shift", buffered: true });
    });
    await page.goto(url);
    return page;
  }

  /** From here on it counts what moves on the page, until somebody asks whether it is calm. */
  async watchesForMoves() {
    await this.page.evaluate(() => {
      window.shifted = 0;
    });
  }

  /** Checks that what is on the page has stayed in its place. */
  async isCalm() {
    const shifted = await this.page.evaluate(() => window.shifted);
    check(shifted < CALM, `${this.name}'s page has moved by ${shifted.toFixed(3)}`);
  }

  async signIn(login, password) {
    await this.page.getByLabel("E-mail").fill(login);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  async join(name, address, password) {
    await this.page.getByLabel("First name").fill(name);
    await this.page.getByLabel("E-mail").fill(address);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Join" }).click();
  }

  async sees(text) {
    await this.page.getByText(text).first().waitFor();
  }

  async misses(text) {
    await this.page.getByText(text).first().waitFor({ state: "hidden" });
  }

  async decides(value) {
    await this.page.getByRole("textbox").fill(value);
    await this.page.getByRole("button", { name: "Submit" }).click();
  }

  async presses(name) {
    await this.page.getByRole("button", { name }).click();
  }

  /** A row of a table, as its cells' texts. */
  async row(heading, cells) {
    const row = this.page.getByRole("row").filter({ has: this.page.getByRole("rowheader", { name: heading, exact: true }) });
    const wanted = cells.map((cell) => cell.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[\\s\\S]*");
    await row.filter({ hasText: new RegExp(wanted) }).waitFor();
  }

  async accessible(what) {
    await this.page.evaluate(AXE);
    const found = await this.page.evaluate(
      (rules) => window.axe.run(document, { runOnly: rules }), RULES);
    const faults = found.violations.map((it) => `${it.id} at ${it.nodes.map((node) => node.target).join(" ")}`);
    check(faults.length === 0, `${what} is not accessible: ${faults.join("; ")}`);
  }

  async fits(width) {
    await this.page.setViewportSize({ width, height: 800 });
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `${this.name}'s page is ${wide} px wide on a screen of ${width}`);
  }

  async picture(name) {
    await this.page.screenshot({ path: join(Person.directory, `${name}.png`), fullPage: true });
  }

  /** Saves a file by pressing a button, and gives its text. */
  async saves(name) {
    const saving = this.page.waitForEvent("download");
    await this.presses(name);
    return readFileSync(await (await saving).path(), "utf8");
  }
}

/** Does the steps of a story; when one fails, a screenshot of every page is left. */
export async function story(service, open, directory, play) {
  Person.directory = directory;
  const browser = await open();
  const step = async (what, act) => {
    await act();
    console.log(`ok   ${what}`);
  };
  try {
    await service.start();
    await play(browser, step);
    await step("no browser has complained", async () => {
      const faults = Person.all.flatMap((it) => it.faults.map((fault) => `${it.name}: ${fault}`));
      check(faults.length === 0, faults.join("\n"));
    });
  } catch (error) {
    console.log(`FAILED ${error.stack}`);
    for (const person of Person.all) {
      console.log(`${person.name}: ${person.faults.join("\n")}`);
      await person.picture(`failed-${person.name}`).catch(() => {});
    }
    process.exitCode = 1;
  } finally {
    await browser.close();
    await service.stop().catch(() => {});
  }
}

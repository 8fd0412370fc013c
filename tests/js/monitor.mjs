// The staff's monitor in a real browser: what it shows of a service at rest, and how it follows a
// decision, a call by hand, an error, and a restart.
//
// Usage: `node monitor.mjs DIV_SERVICE DIRECTORY`: the program to try, and where its data and the
// screenshots go. It needs Debian's Chromium. A line tells how each step went; when one fails, the
// exit code is 1 and screenshots are left.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";

const [program, directory] = process.argv.slice(2);
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const PATIENCE = 20_000;
const ROOT = "world.simpl.sims.div";

const faults = [];
const pages = {};
let restarting = false;

function check(holds, text) {
  if (!holds) throw new Error(text);
}

/** A page of its own for somebody who signs in there. */
async function enter(browser, url, [login, password], options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => faults.push(`${login}: ${error.message}`));
  page.on("console", (message) => {
    const network = /Failed to load resource|WebSocket connection|ERR_/.test(message.text());
    if (message.type() === "error" && !(network && restarting)) faults.push(`${login}: ${message.text()}`);
  });
  await page.goto(url);
  await page.getByLabel("E-mail").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  pages[login] = page;
  return page;
}

async function accessible(page, what) {
  await page.evaluate(AXE);
  const found = await page.evaluate((rules) => window.axe.run(document, { runOnly: rules }), RULES);
  const broken = found.violations.map((it) => `${it.id} at ${it.nodes.map((node) => node.target).join(" ")}`);
  check(broken.length === 0, `${what} is not accessible: ${broken.join("; ")}`);
}

/** The row of a table in which all these texts stand. */
async function row(page, table, texts) {
  const region = page.getByRole("region", { name: table, exact: true });
  let row = region.getByRole("row");
  for (const text of texts) row = row.filter({ hasText: text });
  await row.first().waitFor();
  return row.first();
}

async function call(page, procedure, args, kwargs) {
  await page.getByLabel("Procedure", { exact: true }).fill(procedure);
  await page.getByLabel("Positional arguments").fill(args);
  await page.getByLabel("Keyword arguments").fill(kwargs);
  await page.getByRole("button", { name: "Call", exact: true }).click();
}

async function watch(browser, service) {
  const step = async (what, act) => {
    await act();
    console.log(`ok   ${what}`);
  };
  const [monitor, STAFF] = [`${service.url}monitor`, ["simpl@simpl.world", "simpl"]];
  const staff = await enter(browser, monitor, STAFF);
  const player = await enter(browser, service.url, ["s1@div.edu", "s1"], { viewport: { width: 500, height: 900 } });
  await player.getByText("You are Dividend").waitFor();

  await step("readiness, sessions, procedures, runs and webhooks are shown", async () => {
    await staff.getByText("Ready: the games can be played.").waitFor();
    await row(staff, "Sessions", ["s1@div.edu", "browser", "ticket"]);
    await row(staff, "Runs in memory", ["div 1", "default", "Play"]);
    await row(staff, "Webhooks", ["none"]);
    await staff.getByText("Show Registrations").click();
    await row(staff, "Registrations", [`${ROOT}.model.period..submit_decision`, "wildcard"]);
    await staff.getByText("Show Subscriptions").click();
    await row(staff, "Subscriptions", [`${ROOT}.model.runuser.2`, "1"]);
  });

  await step("players are told that the page is not for them, and do not get it", async () => {
    const loaded = [];
    const other = await enter(browser, monitor, ["s2@div.edu", "s2"]);
    await other.getByText("This page is for the staff of the service.").waitFor();
    await other.context().close();
    player.on("request", (request) => loaded.push(request.url()));
    await player.reload();
    await player.getByText("You are Dividend").waitFor();
    check(!loaded.some((url) => url.includes("monitor")), `the play page loads ${loaded.join(" ")}`);
  });

  await step("the tree of a run opens", async () => {
    await staff.getByRole("button", { name: "Show Run 1" }).click();
    const tree = staff.getByRole("region", { name: "Tree", exact: true });
    for (const name of ["world 1 World 1", "scenario 1", "period 1"]) {
      await tree.getByText(name).first().click();
    }
    await tree.getByText('"order":1').waitFor();
  });

  await step("a decision is counted, shown in the tree and told in the log", async () => {
    await player.getByRole("textbox").fill("10");
    await player.getByRole("button", { name: "Submit" }).click();
    await player.getByText("Saved.").waitFor();
    const told = await row(staff, "Changes", ["new: decision", "period.1.submit_decision"]);
    check(/\d/.test(await told.innerText()), "the change has no number");
    const tree = staff.getByRole("region", { name: "Tree", exact: true });
    await tree.getByText(/^decision \d+ decision/).click();
    await tree.getByText('"operand":10').waitFor();
    const rate = await row(staff, "Procedures", ["period.submit_decision", "ms"]);
    const [, calls, perSecond] = await rate.getByRole("cell").allInnerTexts();
    check(Number(calls) === 1 && Number(perSecond) > 0, `${calls} calls, ${perSecond} per second`);
  });

  await step("a call by hand shows its result and the time it took", async () => {
    await call(staff, `${ROOT}.ready`, "", "");
    await staff.getByText(/^RESULT after [\d.]+ ms$/).waitFor();
    await staff.getByRole("region", { name: "Answer" }).getByText("true").waitFor();
    await call(staff, `${ROOT}.ready`, "{}", "");
    await staff.getByText("The positional arguments are no JSON array").waitFor();
  });

  await step("a failed call is shown there and in the recent errors", async () => {
    await call(staff, `${ROOT}.model.period.1.no_such_thing`, "[1]", '{"a": 2}');
    await staff.getByText(/^ERROR wamp\.error\.no_such_procedure after/).waitFor();
    await row(staff, "Recent errors", [`${ROOT}.model.period.1.no_such_thing`, "wamp.error.no_such_procedure"]);
  });

  await step("the page is accessible, also in the dark, in German and on a narrow screen", async () => {
    await staff.screenshot({ path: join(directory, "monitor.png"), fullPage: true });
    await accessible(staff, "the monitor");
    await staff.emulateMedia({ colorScheme: "dark" });
    await accessible(staff, "the dark monitor");
    await staff.getByLabel("Language").selectOption("de");
    await staff.getByRole("heading", { name: "Läufe im Speicher" }).waitFor();
    await staff.setViewportSize({ width: 320, height: 800 });
    await accessible(staff, "the narrow monitor");
    const wide = await staff.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= 320, `the monitor is ${wide} px wide on a screen of 320`);
    await staff.screenshot({ path: join(directory, "narrow.png"), fullPage: true });
    await staff.getByLabel("Sprache").selectOption("en");
    await staff.setViewportSize({ width: 1200, height: 900 });
  });

  await step("after a restart it goes on by itself, with the tree", async () => {
    restarting = true;
    await service.stop();
    await staff.getByText("Connection lost.").first().waitFor();
    await service.start();
    await staff.getByText("Connection lost.").first().waitFor({ state: "hidden" });
    const submitted = player.getByRole("button", { name: "Submit" });
    await player.getByRole("textbox").fill("12");
    await submitted.click();
    await player.getByText("Saved.").waitFor();
    await row(staff, "Changes", ["changed: decision"]);
    restarting = false;
  });

  await step("no browser has complained", async () => check(faults.length === 0, faults.join("\n")));
}

const service = new Service(program, join(directory, "data"));
const browser = await open();
try {
  await service.start();
  await watch(browser, service);
} catch (error) {
  console.log(`FAILED ${error.stack}`);
  console.log(faults.join("\n"));
  for (const [login, page] of Object.entries(pages)) {
    await page.screenshot({ path: join(directory, `failed-${login}.png`), fullPage: true }).catch(() => {});
  }
  process.exitCode = 1;
} finally {
  await browser.close();
  await service.stop().catch(() => {});
}

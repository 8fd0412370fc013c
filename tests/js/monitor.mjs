// The staff's monitor in a real browser: what it shows of a service at rest, and how it follows a
// decision, a call by hand, an error, and a restart.
//
// Usage: `node monitor.mjs DIV_SERVICE DIRECTORY`: the program to try, and where its data and the
// screenshots go. It needs Debian's Chromium. A line tells how each step went; when one fails, the
// exit code is 1 and screenshots are left.

import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [program, directory] = process.argv.slice(2);
const ROOT = "world.simpl.sims.div";

/** Somebody who signs in at an address. */
async function enter(browser, url, name, [login, password], options) {
  const person = await Person.arrive(browser, url, name, options);
  await person.signIn(login, password);
  return person;
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

async function watch(browser, step) {
  const monitor = `${service.url}monitor`;
  const operator = await enter(browser, monitor, "staff", ["simpl@simpl.world", "simpl"]);
  const playing = await enter(browser, service.url, "s1", ["s1@div.edu", "s1"], { viewport: { width: 500, height: 900 } });
  const [staff, player] = [operator.page, playing.page];
  await playing.sees("You are Dividend");

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
    const other = await enter(browser, monitor, "s2", ["s2@div.edu", "s2"]);
    await other.sees("This page is for the staff of the service.");
    player.on("request", (request) => loaded.push(request.url()));
    await player.reload();
    await playing.sees("You are Dividend");
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
    await playing.decides("10");
    await playing.sees("Saved.");
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
    await operator.picture("monitor");
    await operator.accessible("the monitor");
    await staff.emulateMedia({ colorScheme: "dark" });
    await operator.accessible("the dark monitor");
    await staff.getByLabel("Language").selectOption("de");
    await staff.getByRole("heading", { name: "Läufe im Speicher" }).waitFor();
    await operator.fits(320);
    await operator.accessible("the narrow monitor");
    await operator.picture("narrow-monitor");
    await staff.getByLabel("Sprache").selectOption("en");
    await operator.fits(1100);
  });

  await step("after a restart it goes on by itself, with the tree", async () => {
    Person.tolerant = true;
    await service.stop();
    await operator.sees("Connection lost.");
    await service.start();
    await operator.misses("Connection lost.");
    await playing.decides("12");
    await playing.sees("Saved.");
    await row(staff, "Changes", ["changed: decision"]);
    Person.tolerant = false;
  });
}

const service = new Service(program, join(directory, "data"));
await story(service, open, directory, watch);

// The examples in a real browser: games that have buttons, or several fields, on the pages that
// all games have.
//
// Usage: `node examples.mjs BLACKJACK MARKET DIRECTORY`, as for `class.mjs`.

import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Window, check, step } from "./browser/window.mjs";

const [blackjack, market, directory] = process.argv.slice(2);

/** Waits for a row of a table, by its heading and by what its cells say one after the other. */
async function row(window, heading, cells) {
  const { page } = window;
  const found = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: heading, exact: true }) });
  const wanted = cells.map((cell) => cell.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("[\\s\\S]*");
  await found.filter({ hasText: new RegExp(wanted) }).waitFor();
}

const sees = (window, text) => window.page.getByText(text).first().waitFor();
const presses = (window, name) => window.page.getByRole("button", { name, exact: true }).click();

async function order(window, price, quantity) {
  await window.page.getByLabel("Price").fill(price);
  await window.page.getByLabel("Quantity").fill(quantity);
  await presses(window, "Submit");
}

async function playBlackjack(browser, service) {
  const demo = await Window.open(browser, "demo", directory);
  await step("a player of Blackjack has buttons", async () => {
    await demo.signIn(service.url, "demo@example.com", "demo");
    await presses(demo, "Stand");
    await sees(demo, "Deal first.");
    await demo.accessible("Blackjack with a message");
    await presses(demo, "Deal");
    await sees(demo, "Saved.");
    await row(demo, "1", ["Deal", "you", "dealer"]);
    await presses(demo, "Deal");
    await sees(demo, "Finish this hand first.");
  });
  await step("the table is said in words", async () => {
    await presses(demo, "Stand");
    await sees(demo, /^Round 2: Table you .* \(\d+\), dealer .* \(\d+\): (you win|you lose|nobody wins)$/);
    await row(demo, "2", ["Stand", "you"]);
    await demo.accessible("Blackjack");
    await demo.fits(320);
    await demo.picture("blackjack");
  });
  await step("a new game forgets the old one", async () => {
    await presses(demo, "New game");
    await sees(demo, "Done.");
    await demo.page.getByRole("rowheader", { name: "2", exact: true }).waitFor({ state: "detached" });
    await row(demo, "1", ["–", "–"]);
  });
  await step("the bench plays hands by itself", async () => {
    const staff = await Window.open(browser, "staff", directory);
    await staff.signIn(`${service.url}bench`, "simpl@simpl.world", "simpl");
    await staff.page.getByLabel("One decision each").selectOption("0.2 s");
    await staff.page.getByLabel("All play by themselves").check();
    await row(staff, "6", ["you"]);
    await sees(staff, /^has decided (Deal|Hit|Stand)$/);
    for (const window of [staff, demo]) await window.context.close();
  });
}

async function playMarket(browser, service) {
  const people = {};
  for (const name of ["leader", "s1", "s2", "s3"]) {
    people[name] = await Window.open(browser, name, directory);
    await people[name].signIn(service.url, `${name}@market.edu`, name);
  }
  await playTournament(browser, service, people);
}

async function go(leader, phase) {
  await presses(leader, `Advance to ${phase}`);
  await presses(leader, "Yes");
}

async function playTournament(browser, service, { leader, s1, s2, s3 }) {
  await step("players of Market wait for the phases that the game names", async () => {
    await sees(s1, "You are Producer in World 1.");
    check(await s1.page.getByLabel("Price").count() === 0, "there is a form during Setup");
    await go(leader, "Practice");
  });

  await step("an order of two fields is practiced alone", async () => {
    await order(s1, "-1", "3");
    await sees(s1, "Enter a price of 0 or more.");
    check(await s1.page.getByLabel("Price").getAttribute("aria-invalid") === "true", "the price is not marked");
    check(await s1.page.getByLabel("Quantity").getAttribute("aria-invalid") === "false", "the quantity is marked");
    await s1.accessible("Market with a message");
    await order(s1, "5", "3");
    await sees(s1, "Round 1: Market price 6, quantity 3, surplus 6; you: quantity 3, profit 3");
    await row(s1, "1", ["price 5, quantity 3", "price 6"]);
    check(await s1.page.getByLabel("Price").inputValue() === "", "the form is not empty in the next round");
    await s1.fits(320);
  });

  await step("players with one role do not hide each other", async () => {
    await go(leader, "Tournament");
    for (const person of [s1, s2, s3]) {
      await person.page.locator("[aria-current=step]", { hasText: "Tournament" }).waitFor();
      await person.page.getByRole("heading", { name: "Round 1", exact: true }).waitFor();
    }
    await order(s1, "5", "3");
    await sees(s1, "Saved.");
    await sees(s1, /Waiting for .*Consumer MARKET s2.*Producer MARKET s3.*Consumer MARKET s4/);
    await order(s3, "4", "2");
    await order(s2, "8", "4");
    await row(s1, "1", ["MARKET s1: price 5, quantity 3", "MARKET s3: price 4, quantity 2", "price 8, quantity 4"]);
    await sees(s1, "Waiting for Consumer MARKET s4.");
    await row(leader, "World 1", [
      "MARKET s1: price 5, quantity 3", "MARKET s3: price 4, quantity 2",
      "MARKET s2: price 8, quantity 4", "MARKET s4: missing",
    ]);
  });

  await step("the leader decides for somebody by the same fields", async () => {
    await leader.page.getByRole("button", { name: "Decide for MARKET s4" }).click();
    const dialog = leader.page.getByRole("dialog");
    await dialog.getByLabel("Price").fill("6");
    await dialog.getByLabel("Quantity").fill("1");
    await leader.accessible("the leader's form");
    await dialog.getByRole("button", { name: "Submit" }).click();
    await dialog.waitFor({ state: "hidden" });
    await row(leader, "World 1", ["MARKET s4: price 6, quantity 1"]);
  });

  await step("the leader closes the round, and everybody reads what came out", async () => {
    await presses(leader, "Open next rounds");
    await presses(leader, "Yes");
    for (const person of [s1, s2, s3]) await sees(person, /^Round 1: Market price [\d.]+, quantity [\d.]+, surplus [\d.]+; you: quantity/);
    await row(leader, "World 1", ["2", "MARKET s1: missing", "(1)"]);
    await s1.picture("market-player");
    await leader.picture("market-leader");
    await s1.accessible("Market");
    await leader.accessible("the leader of Market");
  });

  await step("the comparison holds all orders, without names on request", async () => {
    await presses(leader, "Compare");
    await row(leader, "World 1", ["MARKET s1: price 5, quantity 3", "MARKET s3: price 4"]);
    await leader.page.getByLabel("Hide names").check();
    await row(leader, "Team A", ["price 5, quantity 3"]);
    check(await leader.page.getByRole("table").getByText("MARKET s1").count() === 0, "there are names");
    await leader.page.getByLabel("Hide names").uncheck();
    await presses(leader, "Live");
  });

  await step("the bench plays orders of several fields", async () => {
    const staff = await Window.open(browser, "staff", directory);
    await staff.signIn(`${service.url}bench`, "simpl@simpl.world", "simpl");
    await staff.page.getByLabel("One decision each").selectOption("0.2 s");
    await staff.page.getByLabel("All play by themselves").check();
    for (const number of [1, 2, 3, 4]) {
      await row(leader, "World 1", [`MARKET s${number}: price`]);
    }
    await sees(staff, /^has decided price \d+, quantity \d+$/);
    await staff.context.close();
  });
}

const browser = await open();
try {
  for (const [program, play] of [[blackjack, playBlackjack], [market, playMarket]]) {
    const service = new Service(program, join(directory, play.name));
    await service.start();
    try {
      await play(browser, service);
    } catch (error) {
      await Window.failed(error);
      break;
    } finally {
      await service.stop();
    }
  }
  if (process.exitCode !== 1) await step("no browser has complained", async () => Window.noneComplains());
} finally {
  await browser.close();
}

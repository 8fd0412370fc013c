// The examples in a real browser: games that have buttons, or several fields, on the pages that
// all games have.
//
// Usage: `node examples.mjs BLACKJACK MARKET DIRECTORY`, as for `class.mjs`.

import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [blackjack, market, directory] = process.argv.slice(2);

/** Presses the button of exactly this name. */
const presses = (person, name) => person.page.getByRole("button", { name, exact: true }).click();

async function order(person, price, quantity) {
  await person.page.getByLabel("Price").fill(price);
  await person.page.getByLabel("Quantity").fill(quantity);
  await presses(person, "Submit");
}

/** Somebody who has signed in. */
async function arrive(browser, url, name, login, password) {
  const person = await Person.arrive(browser, url, name);
  await person.signIn(login, password);
  return person;
}

/** Lets all seats play by themselves. */
async function playAll(browser, service) {
  const staff = await arrive(browser, `${service.url}bench`, "staff", "simpl@simpl.world", "simpl");
  await staff.page.getByLabel("One decision each").selectOption("0.2 s");
  await staff.page.getByLabel("All play by themselves").check();
  return staff;
}

async function playBlackjack(browser, step, service) {
  const demo = await arrive(browser, service.url, "demo", "demo@example.com", "demo");
  await step("a player of Blackjack has buttons", async () => {
    await presses(demo, "Stand");
    await demo.sees("Deal first.");
    await demo.accessible("Blackjack with a message");
    await presses(demo, "Deal");
    await demo.sees("Saved.");
    await demo.row("1", ["Deal", "you", "dealer"]);
    await presses(demo, "Deal");
    await demo.sees("Finish this hand first.");
  });
  await step("the table is said in words", async () => {
    await presses(demo, "Stand");
    await demo.sees(/^Round 2: Table you .* \(\d+\), dealer .* \(\d+\): (you win|you lose|nobody wins)$/);
    await demo.row("2", ["Stand", "you"]);
    await demo.accessible("Blackjack");
    await demo.fits(320);
    await demo.picture("blackjack");
  });
  await step("a new game forgets the old one", async () => {
    await presses(demo, "New game");
    await demo.sees("Done.");
    await demo.page.getByRole("rowheader", { name: "2", exact: true }).waitFor({ state: "detached" });
    await demo.row("1", ["–", "–"]);
  });
  await step("the bench plays hands by itself", async () => {
    const staff = await playAll(browser, service);
    await staff.row("6", ["you"]);
    await staff.sees(/^has decided (Deal|Hit|Stand)$/);
    await staff.context.close();
  });
}

async function playMarket(browser, step, service) {
  const people = {};
  for (const name of ["leader", "s1", "s2", "s3"]) {
    people[name] = await arrive(browser, service.url, name, `${name}@market.edu`, name);
  }
  await practice(step, people);
  await playTournament(step, people);
  await step("the bench plays orders of several fields", async () => {
    const staff = await playAll(browser, service);
    for (const number of [1, 2, 3, 4]) await people.leader.row("World 1", [`MARKET s${number}: price`]);
    await staff.sees(/^has decided price \d+, quantity \d+$/);
    await staff.context.close();
  });
}

async function go(leader, phase) {
  await presses(leader, `Advance to ${phase}`);
  await presses(leader, "Yes");
}

async function practice(step, { leader, s1 }) {
  await step("players of Market wait for the phases that the game names", async () => {
    await s1.sees("You are Producer in World 1.");
    check(await s1.page.getByLabel("Price").count() === 0, "there is a form during Setup");
    await go(leader, "Practice");
  });

  await step("an order of two fields is practiced alone", async () => {
    await order(s1, "-1", "3");
    await s1.sees("Enter a price of 0 or more.");
    check(await s1.page.getByLabel("Price").getAttribute("aria-invalid") === "true", "the price is not marked");
    check(await s1.page.getByLabel("Quantity").getAttribute("aria-invalid") === "false", "the quantity is marked");
    await s1.accessible("Market with a message");
    await order(s1, "5", "3");
    await s1.sees("Round 1: Market price 6, quantity 3, surplus 6; you: quantity 3, profit 3");
    await s1.row("1", ["price 5, quantity 3", "price 6"]);
    check(await s1.page.getByLabel("Price").inputValue() === "", "the form is not empty in the next round");
    await s1.fits(320);
  });
}

async function playTournament(step, { leader, s1, s2, s3 }) {
  await step("players with one role do not hide each other", async () => {
    await go(leader, "Tournament");
    for (const person of [s1, s2, s3]) {
      await person.page.locator("[aria-current=step]", { hasText: "Tournament" }).waitFor();
      await person.page.getByRole("heading", { name: "Round 1", exact: true }).waitFor();
    }
    await order(s1, "5", "3");
    await s1.sees("Saved.");
    await s1.sees(/Waiting for .*Consumer MARKET s2.*Producer MARKET s3.*Consumer MARKET s4/);
    await order(s3, "4", "2");
    await order(s2, "8", "4");
    await s1.row("1", ["MARKET s1: price 5, quantity 3", "MARKET s3: price 4, quantity 2", "price 8, quantity 4"]);
    await s1.sees("Waiting for Consumer MARKET s4.");
    await leader.row("World 1", [
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
    await leader.row("World 1", ["MARKET s4: price 6, quantity 1"]);
  });

  await step("the leader closes the round, and everybody reads what came out", async () => {
    await presses(leader, "Open next rounds");
    await presses(leader, "Yes");
    for (const person of [s1, s2, s3]) await person.sees(/^Round 1: Market price [\d.]+, quantity [\d.]+, surplus [\d.]+; you: quantity/);
    await leader.row("World 1", ["2", "MARKET s1: missing", "(1)"]);
    await s1.picture("market-player");
    await leader.picture("market-leader");
    await s1.accessible("Market");
    await leader.accessible("the leader of Market");
  });

  await step("the comparison holds all orders, without names on request", async () => {
    await presses(leader, "Compare");
    await leader.row("World 1", ["MARKET s1: price 5, quantity 3", "MARKET s3: price 4"]);
    await leader.page.getByLabel("Hide names").check();
    await leader.row("Team A", ["price 5, quantity 3"]);
    check(await leader.page.getByRole("table").getByText("MARKET s1").count() === 0, "there are names");
    await leader.page.getByLabel("Hide names").uncheck();
    await presses(leader, "Live");
  });
}

for (const [program, play] of [[blackjack, playBlackjack], [market, playMarket]]) {
  const service = new Service(program, join(directory, play.name));
  Person.all = [];
  await story(service, open, directory, (browser, step) => play(browser, step, service));
}

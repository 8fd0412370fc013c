// The bench in a real browser: staff play as everybody in a world, by hand and by themselves.
//
// Usage: `node bench.mjs DIV_SERVICE DIRECTORY`, as for `class.mjs`.

import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [program, directory] = process.argv.slice(2);

/** A player's seat on the page. */
class Seat {
  constructor(page, name) {
    this.region = page.getByRole("region", { name, exact: true });
  }

  async sees(text) {
    await this.region.getByText(text).first().waitFor();
  }

  async decides(value) {
    await this.region.getByRole("textbox").fill(value);
    await this.region.getByRole("button", { name: "Submit" }).click();
  }

  async row(round, text) {
    const row = this.region.getByRole("row").filter({
      has: this.region.page().getByRole("rowheader", { name: round, exact: true }),
    });
    await row.filter({ hasText: text }).waitFor();
  }

  async round() {
    const heading = await this.region.getByRole("heading", { name: /^Round \d+$/ }).textContent();
    return Number(heading.slice("Round ".length));
  }
}

async function play(browser, step) {
  const bench = `${service.url}bench`;
  const staff = await Person.arrive(browser, bench, "staff", { colorScheme: "dark" });
  const { page } = staff;
  const [dividend, divisor] = [
    new Seat(page, "Student1 User (Dividend)"), new Seat(page, "Student2 User (Divisor)"),
  ];
  const all = page.getByLabel("All play by themselves");

  await step("players are told that the bench is not for them", async () => {
    const player = await Person.arrive(browser, bench, "player");
    await player.signIn("s1@div.edu", "s1");
    await player.page.getByText("This page is for the staff of the service.").waitFor();
    await player.context.close();
  });

  await step("the play page does without the bench", async () => {
    const player = await Person.arrive(browser, service.url, "player");
    const files = [];
    player.page.on("request", (request) => files.push(new URL(request.url()).pathname));
    await player.page.reload({ waitUntil: "networkidle" });
    check(files.length === 5, `the first screen asks for ${files}`);
    await player.signIn("s1@div.edu", "s1");
    await player.page.getByText("You are Dividend in World 1.").waitFor();
    check(!files.some((file) => /bench|bots/.test(file)), `the play page asks for ${files}`);
    await player.context.close();
  });

  await step("staff see the seats of a world side by side", async () => {
    await staff.signIn("simpl@simpl.world", "simpl");
    await dividend.sees("You are Dividend in World 1.");
    await divisor.sees("You are Divisor in World 1.");
    const [left, right] = [await dividend.region.boundingBox(), await divisor.region.boundingBox()];
    check(left.y === right.y && left.x + left.width <= right.x, "the seats are not side by side");
    await dividend.region.getByRole("img", { name: "online" }).nth(1).waitFor();
    await staff.accessible("the bench");
    await staff.fits(320);
    await page.setViewportSize({ width: 1100, height: 800 });
  });

  await step("what one seat decides the other sees", async () => {
    await dividend.decides("10");
    await dividend.sees("Saved.");
    await dividend.sees("Waiting for Divisor.");
    await divisor.row("1", "10");
    await divisor.decides("0");
    await divisor.sees("Cannot divide by zero");
    await divisor.decides("4");
    for (const seat of [dividend, divisor]) {
      await seat.sees("Round 1: Quotient 2.5");
      await seat.region.getByRole("heading", { name: "Round 2" }).waitFor();
    }
  });

  await step("a seat that plays by itself waits for the other one", async () => {
    await page.getByLabel("plays by itself: Student2 User (Divisor)").check();
    await divisor.sees(/^has decided \d+$/);
    await divisor.sees("Waiting for Dividend.");
    check(await dividend.round() === 2, "the round went on without the dividend");
    await dividend.decides("9");
    await dividend.region.getByRole("heading", { name: "Round 3" }).waitFor();
  });

  await step("all seats play rounds by themselves, at a pace, until they are stopped", async () => {
    await page.getByLabel("One decision each").selectOption("0.2 s");
    await all.check();
    for (const seat of [dividend, divisor]) await seat.row("6", /\d+.*\d+/);
    await staff.picture("bench");
    await staff.accessible("the bench at play");
    await all.uncheck();
    // What is on its way still comes.
    await page.waitForTimeout(500);
    const round = await dividend.round();
    await page.waitForTimeout(1500);
    check(await dividend.round() === round, "the seats go on by themselves");
  });

  await step("the leader's seat opens when somebody wants it", async () => {
    check(await page.getByText("You lead the run default.").count() === 0, "the leader is there already");
    await page.getByText("The leader's seat: DIV Leader").click();
    await page.getByText("You lead the run default.").waitFor();
    await page.getByRole("button", { name: "Close rounds" }).click();
    await dividend.sees("This round is closed.");
    await all.check();
    await page.waitForTimeout(700);
    await dividend.sees("This round is closed.");
    await page.getByRole("button", { name: "Reopen rounds" }).click();
    await dividend.sees(/^has decided/);
    await all.uncheck();
    await staff.accessible("the bench with the leader's seat");
    await page.getByText("The leader's seat: DIV Leader").click();
    await page.getByText("You lead the run default.").waitFor({ state: "detached" });
  });

  await step("another world has other seats, also after a reload", async () => {
    await page.getByLabel(/^World/).selectOption("World 2");
    const three = new Seat(page, "Student3 User (Dividend)");
    await three.sees("You are Dividend in World 2.");
    await dividend.region.waitFor({ state: "detached" });
    await page.reload();
    await three.sees("You are Dividend in World 2.");
    await page.getByLabel("Language").selectOption("de");
    await page.getByLabel("Alle spielen von selbst").waitFor();
    await page.getByLabel("Sprache").selectOption("en");
  });

  await step("the seats are left when the page is", async () => {
    await all.check();
    const player = await Person.arrive(browser, service.url, "player");
    await player.signIn("s3@div.edu", "s3");
    await player.page.getByRole("rowheader", { name: "2", exact: true }).waitFor();
    const partner = player.page.getByRole("listitem").filter({ hasText: "Student4" });
    await partner.getByRole("img", { name: "online" }).waitFor();
    await page.getByRole("link", { name: "Play" }).click();
    await partner.getByRole("img", { name: "not here" }).waitFor();
  });
}

const service = new Service(program, join(directory, "data"));
await story(service, open, directory, play);

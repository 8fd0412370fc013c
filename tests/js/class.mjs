// A class in a real browser: a leader and four players sign in, play two rounds with a mistake, a
// reload and a restart of the service in between, and the leader takes them to the debriefing.
//
// Usage: `node class.mjs DIV_SERVICE DIRECTORY`: the program to try, and where its data and the
// screenshots go. It needs Debian's Chromium. A line tells how each step went; when one fails, the
// exit code is 1 and a screenshot of every page is left.

import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [program, directory] = process.argv.slice(2);

/** One picture of a player's and a leader's page, for those who read about the program. */
async function overview(browser, player, leader) {
  await player.page.setViewportSize({ width: 420, height: 720 });
  await leader.page.setViewportSize({ width: 900, height: 720 });
  const [one, two] = await Promise.all([player, leader].map(async ({ page }) =>
    `data:image/png;base64,${(await page.screenshot()).toString("base64")}`));
  const page = await browser.newPage({ viewport: { width: 1360, height: 752 } });
  await page.setContent(`<body style="margin:0;padding:16px;display:flex;gap:16px;background:#888">
    <img src="${one}"><img src="${two}"></body>`);
  await page.screenshot({ path: join(directory, "overview.png") });
  await page.close();
  for (const { page } of [player, leader]) await page.setViewportSize({ width: 1100, height: 800 });
}

async function play(browser, step) {
  let five;
  const arrive = (name, options) => Person.arrive(browser, service.url, name, options);
  const [leader, one, two, three, four] = [
    await arrive("leader"),
    await arrive("s1", { colorScheme: "dark" }),
    await arrive("s2"),
    await arrive("s3", { viewport: { width: 320, height: 700 } }),
    await arrive("s4", { locale: "de-DE" }),
  ];

  await step("whoever does not know the password is told so", async () => {
    await one.accessible("the sign-in page");
    await one.fits(320);
    Person.tolerant = true;
    await one.signIn("s1@div.edu", "wrong");
    await one.page.getByRole("alert").filter({ hasText: "wrong password" }).waitFor();
    Person.tolerant = false;
  });

  await step("a leader and four players sign in", async () => {
    await one.page.setViewportSize({ width: 900, height: 800 });
    await leader.signIn("leader@div.edu", "leader");
    await leader.sees("You lead the run default.");
    for (const [person, role, world] of [
      [one, "Dividend", 1], [two, "Divisor", 1], [three, "Dividend", 2],
    ]) {
      await person.signIn(`${person.name}@div.edu`, person.name);
      await person.sees(`You are ${role} in World ${world}.`);
    }
    await four.page.getByLabel("E-Mail").fill("s4@div.edu");
    await four.page.getByLabel("Passwort").fill("s4");
    await four.presses("Anmelden");
    await four.sees("Du bist Divisor in World 2.");
    await four.page.getByLabel("Sprache").selectOption("en");
    await four.sees("You are Divisor in World 2.");
  });

  await step("partners see each other come", async () => {
    await one.page.getByRole("listitem").filter({ hasText: "Student2" })
      .getByRole("img", { name: "online" }).waitFor();
    await leader.page.getByRole("img", { name: "online" }).nth(3).waitFor();
  });

  await step("a mistake is named, and put right", async () => {
    await one.decides("10");
    await one.sees("Saved.");
    await one.sees("Waiting for Divisor.");
    await two.decides("0");
    await two.sees("Cannot divide by zero");
    await two.accessible("a player's page with a message");
    await leader.row("World 1", ["10", "missing"]);
    await two.decides("4");
    await two.sees("Saved.");
  });

  await step("both partners and the leader see the result at once", async () => {
    for (const person of [one, two]) {
      await person.sees("Round 1: Quotient 2.5");
      await person.row("1", ["10", "4", "2.5"]);
      await person.page.getByRole("heading", { name: "Round 2" }).waitFor();
    }
    await leader.row("World 1", ["2", "missing", "missing", "2.5 (1)"]);
    await three.misses("2.5");
  });

  await step("a page that is loaded anew shows the same", async () => {
    await one.page.reload();
    await one.row("1", ["10", "4", "2.5"]);
    await one.sees("You are Dividend in World 1.");
  });

  await step("a second tab of a player does not change who is online", async () => {
    const second = await one.open(service.url);
    await second.getByText("You are Dividend in World 1.").waitFor();
    await second.close();
    await two.decides("5");
    await two.sees("Saved.");
    await two.page.getByRole("listitem").filter({ hasText: "Student1" })
      .getByRole("img", { name: "online" }).waitFor();
  });

  await step("pages say when the connection is gone, and come back by themselves", async () => {
    Person.tolerant = true;
    await service.stop();
    for (const person of Person.all) await person.sees("Connection lost.");
    check(await one.page.getByRole("button", { name: "Submit" }).isDisabled(), "one can submit offline");
    await one.picture("offline");
    await service.start();
    for (const person of Person.all) await person.misses("Connection lost.");
    Person.tolerant = false;
  });

  await step("the round goes on where it was", async () => {
    await one.row("2", ["–", "5", "–"]);
    await one.decides("1e1");
    await one.sees("Round 2: Quotient 2");
    await leader.row("World 1", ["3", "missing", "missing", "2 (2)"]);
  });

  await step("the other world plays for itself, on a small phone", async () => {
    await three.decides("7");
    await four.decides("2");
    await three.sees("Round 1: Quotient 3.5");
    await leader.row("World 2", ["2", "missing", "missing", "3.5 (1)"]);
    await three.fits(320);
    await three.accessible("a player's page on a phone");
    await one.accessible("a player's page in the dark");
    await leader.accessible("the leader's page");
    await leader.fits(320);
    await leader.page.setViewportSize({ width: 1100, height: 800 });
    await overview(browser, two, leader);
  });

  await step("a closed round takes no decision, until it is reopened", async () => {
    await leader.presses("Close rounds");
    await one.sees("This round is closed.");
    await leader.row("World 1", ["3 (closed)"]);
    await leader.presses("Reopen rounds");
    await one.misses("This round is closed.");
  });

  await step("the leader is told who has not decided, and can step back from advancing", async () => {
    await one.decides("3");
    await one.sees("Saved.");
    await leader.presses("Advance to Debrief");
    await leader.sees("Not decided in the current round: World 1 (Divisor); World 2 (Dividend, Divisor).");
    await leader.accessible("the leader's question");
    await leader.presses("Cancel");
    await leader.page.getByRole("dialog").waitFor({ state: "hidden" });
    await one.page.getByRole("button", { name: "Submit" }).waitFor();
  });

  await step("the leader decides for somebody who is absent", async () => {
    await leader.presses("Decide for Student4 User");
    await leader.page.getByRole("dialog").getByLabel("Divisor").fill("0");
    await leader.page.getByRole("dialog").getByRole("button", { name: "Submit" }).click();
    await leader.page.getByRole("dialog").getByText("Cannot divide by zero").waitFor();
    await leader.accessible("the leader's form");
    await leader.page.getByRole("dialog").getByLabel("Divisor").fill("8");
    await leader.page.getByRole("dialog").getByRole("button", { name: "Submit" }).click();
    await leader.page.getByRole("dialog").waitFor({ state: "hidden" });
    await leader.row("World 2", ["2", "missing", "8"]);
    await three.row("2", ["–", "8", "–"]);
  });

  await step("the phase changes on every page, forth and back", async () => {
    await leader.presses("Advance to Debrief");
    await leader.presses("Yes");
    for (const person of [one, two, three, four]) {
      await person.sees("Decisions can be submitted in the phase Play only.");
      await person.misses("Your di");
    }
    await leader.sees("This is the last phase.");
    await leader.picture("leader");
    await leader.presses("Compare");
    await leader.page.getByRole("img", { name: /^Quotient of all worlds/ }).waitFor();
    await leader.row("World 1", ["1", "10", "4", "2.5"]);
    await leader.accessible("the comparison");
    await leader.picture("comparison");
    await leader.fits(320);
    await leader.page.setViewportSize({ width: 1100, height: 800 });
    await leader.page.getByLabel("Hide names").check();
    await leader.row("Team B", ["1", "7", "2", "3.5"]);
    await leader.misses("World 1");
    await leader.page.getByLabel("Hide names").uncheck();
    for (const [format, check] of [
      ["CSV", (text) => text.includes("World 1,1,decision,Dividend,Student1 User,10,") && text.includes("World 2,1,result,,,3.5,")],
      ["JSON", (text) => JSON.parse(text).decision.length === 8],
    ]) {
      const saved = await leader.saves(`Save as ${format}`);
      if (!check(saved)) throw new Error(`the ${format} file holds ${saved}`);
    }
    await leader.presses("Live");
    await one.picture("player");
    await leader.presses("Back to Play");
    await leader.presses("Yes");
    await two.page.getByRole("button", { name: "Submit" }).waitFor();
  });

  await step("a join link takes nobody's seat by being looked at, and says when all are taken", async () => {
    await leader.presses("Join link");
    const link = await leader.page.locator(".link").textContent();
    check(link.startsWith(service.url), `the link is ${link}`);
    const picture = leader.page.getByAltText("The link as a picture for phones");
    await picture.evaluate((it) => it.decode());
    await leader.accessible("the join link");
    await leader.picture("join-link");
    await leader.page.getByRole("button", { name: "Close", exact: true }).click();
    five = await arrive("s5", { viewport: { width: 320, height: 700 } });
    five.link = link;
    await five.page.goto(link);
    await five.page.getByRole("heading", { name: "Join the run default" }).waitFor();
    await five.accessible("the join page");
    await five.fits(320);
    Person.tolerant = true;
    await five.join("Ann", "ann@div.example", "secret");
    await five.page.getByRole("alert").filter({ hasText: "all seats of this run are taken" }).waitFor();
    Person.tolerant = false;
  });

  await step("the leader moves a player, and the newcomer takes the free seat", async () => {
    await leader.presses("Move Student4 User");
    await leader.accessible("the leader's form for moving");
    await leader.page.getByRole("dialog").getByLabel("World").selectOption({ label: "no world" });
    await leader.page.getByRole("dialog").getByRole("button", { name: "Yes" }).click();
    await leader.page.getByRole("heading", { name: "Without a world" }).waitFor();
    await four.sees("You have no world yet.");
    // The account is there by now, and the browser remembers it.
    await five.page.goto(five.link);
    await five.presses("Join as ann@div.example");
    await five.sees("You are Divisor in World 2.");
    await leader.row("World 2", ["Student3 User", "Ann", "2", "missing", "8"]);
    await leader.page.getByRole("row", { name: /^World 2/ }).getByRole("img", { name: "online" }).nth(1).waitFor();
    await three.sees("Ann (Divisor)");
    await three.decides("4");
    await five.sees("Round 2: Quotient 0.5");
  });

  await step("the same address and password lead to the same seat on another device", async () => {
    const phone = await arrive("s5 on the phone");
    await phone.page.goto(five.link);
    Person.tolerant = true;
    await phone.join("Ann", "ann@div.example", "guess");
    await phone.page.getByRole("alert").filter({ hasText: "its password is another" }).waitFor();
    Person.tolerant = false;
    await phone.page.getByLabel("Password").fill("secret");
    await phone.presses("Join");
    await phone.sees("You are Divisor in World 2.");
  });

  await step("nobody joins by a link that was closed", async () => {
    await leader.presses("Join link");
    await leader.presses("Let nobody join");
    await leader.page.getByRole("dialog").waitFor({ state: "hidden" });
    await five.page.goto(five.link);
    await five.page.getByRole("alert").filter({ hasText: "This link opens no run." }).waitFor();
  });

  await step("whoever signs out is gone for the others, and for the browser", async () => {
    const second = await two.open(service.url);
    await second.getByText("You are Divisor in World 1.").waitFor();
    await two.presses("Sign out");
    await second.getByRole("button", { name: "Sign in" }).waitFor();
    await two.page.getByRole("button", { name: "Sign in" }).waitFor();
    await one.page.getByRole("listitem").filter({ hasText: "Student2" })
      .getByRole("img", { name: "not here" }).waitFor();
    await two.page.reload();
    await two.page.getByRole("button", { name: "Sign in" }).waitFor();
    check((await two.context.cookies()).length === 0, "the cookie is left");
  });
}

const service = new Service(program, join(directory, "data"));
await story(service, open, directory, play);

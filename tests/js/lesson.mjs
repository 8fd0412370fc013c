// A lesson from its beginning: a leader opens a run, four newcomers join by its link, play two rounds
// with a mistake, a reload, a lost connection and a restart of the service in between, others are added
// by a list, and in the end all is compared and saved.
//
// Usage: `node lesson.mjs DIV_SERVICE DIRECTORY`, as class.mjs.

import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { Service, Wire, open } from "./browser/kit.mjs";
import { Person, check, story } from "./browser/person.mjs";

const [program, directory] = process.argv.slice(2);
const RUN = "Monday morning";

async function play(browser, step) {
  const [leader, one, two, three, four, five, six] = [
    await Person.arrive(browser, service.url, "leader"),
    await Person.arrive(browser, service.url, "ann"),
    await Person.arrive(browser, await wire.to(service), "bo"),
    await Person.arrive(browser, service.url, "cem", { viewport: { width: 320, height: 700 } }),
    await Person.arrive(browser, service.url, "dee"),
    await Person.arrive(browser, service.url, "eve"),
    await Person.arrive(browser, service.url, "fay"),
  ];
  const dialog = leader.page.getByRole("dialog");
  const leads = async (run) => {
    await leader.page.getByRole("group", { name: "Runs that I am in" }).getByRole("button", { name: run }).click();
    await leader.sees(`You lead the run ${run}.`);
  };

  await step("a leader opens a run with two worlds", async () => {
    await leader.signIn("leader@div.edu", "leader");
    await leader.page.getByText("My runs (1)").click();
    await leader.presses("New run");
    await dialog.getByLabel("Name").fill(RUN);
    await leader.accessible("the form for a new run");
    await dialog.getByRole("button", { name: "Open" }).click();
    await leader.sees("My runs (2)");
    await leads(RUN);
    await leader.row("World 1", ["1", "–"]);
    await leader.row("World 2", ["1", "–"]);
  });

  await step("four newcomers join by its link and get the free seats", async () => {
    await leader.presses("Join link");
    leader.link = await leader.page.locator(".link").textContent();
    const { pathname } = new URL(leader.link);
    await leader.page.getByRole("button", { name: "Close", exact: true }).click();
    for (const [person, role, world] of [
      [one, "Dividend", 1], [two, "Divisor", 1], [three, "Dividend", 2], [four, "Divisor", 2],
    ]) {
      await person.page.goto(new URL(pathname, person.page.url()).href);
      await person.join(person.name, `${person.name}@div.example`, `secret of ${person.name}`);
      await person.sees(`You are ${role} in World ${world}.`);
    }
    await leader.row("World 1", ["ann", "bo", "missing", "missing"]);
    await leader.page.getByRole("img", { name: "online" }).nth(3).waitFor();
  });

  await step("the leader speaks to all, and to one world", async () => {
    await leader.presses("Message to all");
    await dialog.getByRole("textbox").fill("Good morning!");
    await leader.accessible("the form for a message");
    await dialog.getByRole("button", { name: "Send" }).click();
    for (const person of [one, two, three, four]) await person.sees("Good morning!");
    await leader.presses(/^Message.*World 2/);
    await dialog.getByRole("textbox").fill("Please begin.");
    await dialog.getByRole("button", { name: "Send" }).click();
    for (const person of [three, four]) await person.sees("Please begin.");
    await one.misses("Please begin.");
    await three.accessible("a player's page with messages");
    await three.fits(320);
    await leader.presses(/^Message.*World 2/);
    await dialog.getByRole("textbox").fill("");
    await dialog.getByRole("button", { name: "Send" }).click();
    await three.misses("Please begin.");
  });

  await step("a first round is played, with a mistake", async () => {
    await one.decides("9");
    await two.decides("0");
    await two.sees("Cannot divide by zero");
    await two.decides("2");
    for (const person of [one, two]) await person.sees("Round 1: Quotient 4.5");
    await leader.row("World 1", ["2", "missing", "missing", "4.5 (1)"]);
    await one.page.reload();
    await one.row("1", ["9", "2", "4.5"]);
  });

  await step("whose connection is lost sees what happened meanwhile", async () => {
    Person.tolerant = true;
    wire.break();
    await two.sees("Connection lost.");
    check(await two.page.getByRole("button", { name: "Submit" }).isDisabled(), "one can submit offline");
    await one.page.getByRole("listitem").filter({ hasText: "bo" })
      .getByRole("img", { name: "not here" }).waitFor();
    await one.decides("21");
    await one.sees("Saved.");
    wire.mend();
    await two.misses("Connection lost.");
    Person.tolerant = false;
    await two.row("2", ["21", "–", "–"]);
    await one.page.getByRole("listitem").filter({ hasText: "bo" })
      .getByRole("img", { name: "online" }).waitFor();
  });

  await step("nothing moves on the pages while the service is restarted", async () => {
    const all = [leader, one, two, three, four];
    for (const person of all) await person.watchesForMoves();
    Person.tolerant = true;
    await service.stop();
    for (const person of all) await person.sees("Connection lost.");
    await service.start();
    for (const person of all) await person.misses("Connection lost.");
    Person.tolerant = false;
    for (const person of all) await person.isCalm();
  });

  await step("the restart has lost nothing", async () => {
    await two.decides("3");
    for (const person of [one, two]) await person.sees("Round 2: Quotient 7");
    for (const [dividend, divisor, outcome] of [["1", "4", "Round 1: Quotient 0.25"], ["8", "2", "Round 2: Quotient 4"]]) {
      await three.decides(dividend);
      await three.sees("Saved.");
      await four.decides(divisor);
      for (const person of [three, four]) await person.sees(outcome);
    }
    await leader.row("World 2", ["3", "missing", "missing", "4 (2)"]);
  });

  await step("a list that makes no sense is told by lines, and nobody is added", async () => {
    const list = join(directory, "list.csv");
    writeFileSync(list, "email;first name;world;role\neve@div.example;Eve;World 3;Divisor\nnobody;;;\n");
    await leader.presses("Add a list");
    await dialog.getByLabel("File").setInputFiles(list);
    Person.tolerant = true;
    await dialog.getByRole("button", { name: "Add" }).click();
    await dialog.getByText("line 3: `nobody` is no e-mail address").waitFor();
    Person.tolerant = false;
    await leader.accessible("the form for a list");
    writeFileSync(list, "email;first name;world;role\neve@div.example;Eve;World 3;Divisor\n");
    await dialog.getByLabel("File").setInputFiles(list);
    await dialog.getByRole("button", { name: "Add" }).click();
    await leader.sees("1 added, 0 moved, 0 were there already, 1 new worlds.");
    await leader.row("World 3", ["Eve", "1", "–", "missing"]);
  });

  await step("whoever comes late is added by hand, and joins with a password of their own", async () => {
    await leader.presses("Add a person");
    await dialog.getByLabel("E-mail").fill("fay@div.example");
    await dialog.getByLabel("First name").fill("Fay");
    await leader.accessible("the form for a latecomer");
    await dialog.getByRole("button", { name: "Add" }).click();
    await leader.row("World 3", ["Eve", "Fay", "1", "missing", "missing"]);
    for (const [person, role] of [[five, "Divisor"], [six, "Dividend"]]) {
      await person.page.goto(leader.link);
      await person.join("x", `${person.name}@div.example`, `secret of ${person.name}`);
      await person.sees(`You are ${role} in World 3.`);
    }
    await six.decides("6");
    await five.decides("5");
    await six.sees("Round 1: Quotient 1.2");
    // An account that has a password is nobody else's.
    const thief = await Person.arrive(browser, leader.link, "thief");
    Person.tolerant = true;
    await thief.join("x", "eve@div.example", "guess");
    await thief.page.getByRole("alert").filter({ hasText: "its password is another" }).waitFor();
    Person.tolerant = false;
  });

  await step("all is compared, and saved", async () => {
    await leader.presses("Advance to Debrief");
    await leader.presses("Yes");
    for (const person of [one, two, three, four]) await person.misses("Your di");
    await leader.presses("Compare");
    await leader.row("World 2", ["2", "8", "2", "4"]);
    const csv = (await leader.saves("Save as CSV")).trim().split("\r\n");
    check(csv.length === 1 + 10 + 5, `the CSV file has ${csv.length} lines`);
    check(csv.every((line) => line.split(",").length === csv[0].split(",").length), "its lines differ");
    const json = JSON.parse(await leader.saves("Save as JSON"));
    check(json.decision.length === 10 && json.result.length === 5, "the JSON file is not complete");
    await leader.presses("Live");
  });

  await step("the other run of the same leader is as it was", async () => {
    await leads("default");
    await leader.row("World 1", ["Student1", "1", "missing", "missing"]);
    await leads(RUN);
    await leader.page.reload();
    await leader.sees(`You lead the run ${RUN}.`);
  });

  await step("a run sleeps, and is woken", async () => {
    await leader.page.getByText("My runs (2)").click();
    await leader.accessible("the leader's runs");
    await leader.presses(/^Deactivate.*Monday/);
    await leader.presses("Yes");
    await one.sees("This run is not active at the moment.");
    await leader.sees("You lead the run default.");
    await leader.presses(/^Activate.*Monday/);
    await one.sees("You are Dividend in World 1.");
    await one.row("2", ["21", "3", "7"]);
    await leads(RUN);
    await leader.picture("lesson");
  });
}

const service = new Service(program, join(directory, "data"));
const wire = new Wire();
await story(service, open, directory, play);
wire.close();

// How large the pages are, how soon a decision is seen, and what a leader's grid of a hundred worlds
// costs. Prints a table and a JSON line.
//
// Usage: `node bench_pages.mjs DIRECTORY` with the release programs `div-service` and `div-seed`.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Service, open } from "./browser/kit.mjs";

const [programs] = process.argv.slice(2);
const ROUNDS = 100;
const WORLDS = 100;
const RATE = 50;
const SECONDS = 10;

// What a script may take of a frame, in milliseconds.
const FRAME = 16;

const figures = {};

function percentile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

async function signIn(page, login, password) {
  await page.getByLabel("E-mail").fill(login);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/**
 * Runs in a page before its own scripts: notes how long these take between the starts of two frames, and
 * how far apart the frames are. A callback's time ends with the microtasks that it has left, in which the
 * page is drawn.
 */
function watchScripts() {
  const HOPS = 10;
  const now = performance.now.bind(performance);
  const nextFrame = requestAnimationFrame.bind(window);
  let spent = 0;
  const timed = (act) => act && function (...args) {
    const start = now();
    let counted = 0;
    const note = (hops) => {
      const total = now() - start;
      spent += total - counted;
      counted = total;
      if (hops > 0) queueMicrotask(() => note(hops - 1));
    };
    try {
      return act.apply(this, args);
    } finally {
      note(HOPS);
    }
  };
  window.requestAnimationFrame = (act) => nextFrame(timed(act));
  const later = setTimeout.bind(window);
  window.setTimeout = (act, ...rest) => later(timed(act), ...rest);
  const { set, get } = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
  Object.defineProperty(WebSocket.prototype, "onmessage", {
    get, set(act) {
      set.call(this, timed(act));
    },
  });
  // Is asked for within each frame, before the page asks for the next one: so it comes first.
  window.frames_seen = [];
  let last = now();
  const frame = () => {
    const start = now();
    window.frames_seen.push({ script: spent, apart: start - last });
    [spent, last] = [0, start];
    nextFrame(frame);
  };
  nextFrame(frame);
}

async function person(browser, service, login, password, seen, script) {
  const page = await (await browser.newContext()).newPage();
  if (script) await page.addInitScript(script);
  await page.goto(service.url);
  await signIn(page, login, password);
  await page.getByText(seen).first().waitFor();
  return page;
}

/** What comes over the network for the first screen, as it is sent. */
async function firstLoad(browser, service) {
  const page = await (await browser.newContext()).newPage();
  const network = await page.context().newCDPSession(page);
  await network.send("Network.enable");
  let [requests, bytes] = [0, 0];
  network.on("Network.loadingFinished", ({ encodedDataLength }) => {
    // The empty icon is no request.
    if (encodedDataLength === 0) return;
    requests += 1;
    bytes += encodedDataLength;
  });
  await page.goto(service.url, { waitUntil: "networkidle" });
  figures.first_load_requests = requests;
  figures.first_load_kb = bytes / 1000;
  await page.context().close();
}

/** From the click to what both partners see: one decides, then the other. */
async function decisions(browser, service) {
  const one = await person(browser, service, "s1@div.edu", "s1", "You are Dividend");
  const two = await person(browser, service, "s2@div.edu", "s2", "You are Divisor");
  const [saved, seen] = [[], []];
  for (const page of [one, two]) {
    await page.evaluate(() => {
      const now = () => performance.timeOrigin + performance.now();
      // Resolves with the time at which the page first shows a text.
      window.shows = (text) => new Promise((resolve) => {
        const look = () => document.body.innerText.includes(text) && (resolve(now()), true);
        if (look()) return;
        const observer = new MutationObserver(() => look() && observer.disconnect());
        observer.observe(document.body, { subtree: true, childList: true, characterData: true });
      });
    });
  }
  const when = (page, text) => page.evaluate((text) => window.shows(text), text);
  const decide = (page, value) => page.evaluate(async (value) => {
    const input = document.querySelector("main input");
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const begun = performance.timeOrigin + performance.now();
    document.querySelector("main form button").click();
    return { begun, saved: await window.shows("Saved.") };
  }, value);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const number = `${round}.25`;
    const shown = when(two, number);
    const times = await decide(one, number);
    saved.push(times.saved - times.begun);
    seen.push(await shown - times.begun);
    await decide(two, "1");
    await when(one, `Round ${round}: Quotient`);
    await one.getByRole("heading", { name: `Round ${round + 1}` }).waitFor();
    await two.getByRole("heading", { name: `Round ${round + 1}` }).waitFor();
  }
  Object.assign(figures, {
    click_to_saved_p50_ms: percentile(saved, 0.5), click_to_saved_p99_ms: percentile(saved, 0.99),
    click_to_partner_p50_ms: percentile(seen, 0.5), click_to_partner_p99_ms: percentile(seen, 0.99),
  });
  await one.context().close();
  await two.context().close();
}

/** The leader watches all worlds, while another page of the leader decides for the players. */
async function grid(browser, service) {
  execFileSync(join(programs, "div-seed"), ["--worlds", String(WORLDS), "--games-url", service.games]);
  const watching = await person(browser, service, "leader@div.edu", "leader", `World ${WORLDS}`, watchScripts);
  const driving = await (await browser.newContext()).newPage();
  await driving.goto(service.url);
  await signIn(driving, "leader@div.edu", "leader");
  await driving.getByText("You lead").waitFor();
  const cost = await watching.context().newCDPSession(watching);
  await cost.send("Performance.enable");
  const metrics = async () => {
    const { metrics } = await cost.send("Performance.getMetrics");
    return Object.fromEntries(metrics.map(({ name, value }) => [name, value]));
  };
  await watching.evaluate(() => {
    window.frames_seen = [];
    window.long = 0;
    new PerformanceObserver((list) => {
      window.long += list.getEntries().length;
    }).observe({ type: "long-animation-frame" });
  });
  const before = await metrics();
  const done = await driving.evaluate(async ({ rate, seconds }) => {
    const { Connection } = await import("/assets/wamp.js");
    const { Model } = await import("/assets/model.js");
    const { session } = JSON.parse(document.getElementById("session").textContent);
    const { realm, games: [{ root, seats }] } = session ?? await (await fetch("/session")).json();
    const ticket = async () => (await fetch("/session/ticket", { method: "POST" })).json();
    const url = `${location.origin.replace(/^http/, "ws")}/ws`;
    let connection;
    await new Promise((resolve) => {
      connection = new Connection({ url, realm, ticket, onOpen: resolve, onLost() {}, onEnd() {} });
    });
    const model = new Model({ connection, root, seats, onChange() {} });
    await model.load();
    const players = model.all("runuser").filter((it) => !it.leader && it.world !== null);
    const start = performance.now();
    const calls = [];
    for (let number = 0; number < rate * seconds; number += 1) {
      const due = start + (number * 1000) / rate;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
      const player = players[number % players.length];
      const scenario = model.all("scenario", { world: player.world })[0];
      const period = model.all("period", { scenario: scenario.id }).at(-1);
      calls.push(model.call("period", period.id, "submit_for", [player.id, number + 1]));
    }
    await Promise.all(calls);
    connection.end();
    return calls.length;
  }, { rate: RATE, seconds: SECONDS });
  const after = await metrics();
  const { frames, long } = await watching.evaluate(() => ({ frames: window.frames_seen, long: window.long }));
  const spent = (name) => (after[name] - before[name]) * 1000;
  const script = frames.map((frame) => frame.script);
  const apart = frames.map((frame) => frame.apart);
  Object.assign(figures, {
    grid_worlds: WORLDS, grid_decisions: done, grid_frames: frames.length,
    grid_script_p50_ms: percentile(script, 0.5), grid_script_p99_ms: percentile(script, 0.99),
    grid_script_max_ms: Math.max(...script),
    grid_frames_beyond_16_ms: script.filter((it) => it > FRAME).length,
    // The browser itself counts no microtasks as script, but they are within its tasks.
    grid_script_mean_ms: script.reduce((sum, it) => sum + it, 0) / frames.length,
    grid_tasks_mean_ms: spent("TaskDuration") / frames.length,
    grid_layout_mean_ms: (spent("LayoutDuration") + spent("RecalcStyleDuration")) / frames.length,
    grid_apart_p50_ms: percentile(apart, 0.5), grid_apart_p99_ms: percentile(apart, 0.99),
    grid_long_frames: long,
  });
}

const directory = mkdtempSync(join(tmpdir(), "pages-"));
const service = new Service(join(programs, "div-service"), directory);
const browser = await open();
try {
  await service.start();
  await firstLoad(browser, service);
  await decisions(browser, service);
  await grid(browser, service);
  console.log("| pages | |\n|---|---|");
  for (const [name, value] of Object.entries(figures)) {
    console.log(`| ${name.replaceAll("_", " ")} | ${Number(value.toFixed(2))} |`);
  }
  console.log(`\n${JSON.stringify({ scenario: "pages", ...figures })}`);
} finally {
  await browser.close();
  await service.stop();
  rmSync(directory, { recursive: true });
}

// Walks autobahn-js, an outside WAMP client, through what a router can do.
//
// Usage: `node wamp_tour.mjs ws://127.0.0.1:8080/ws tcp://127.0.0.1:8081 unix:/run/wamp.sock`, any
// number of URLs of one router that knows the users of `steps/logins.mjs`. Every step is taken with
// every serializer over every transport that the client has. A line tells how each went; with one
// that failed the exit code is 1.

import * as calling from "./steps/calling.mjs";
import * as eligibility from "./steps/eligibility.mjs";
import * as events from "./steps/events.mjs";
import * as keeping from "./steps/keeping.mjs";
import { CannotDo, Room } from "./steps/kit.mjs";
import * as login from "./steps/login.mjs";
import * as longCalls from "./steps/long_calls.mjs";
import * as metaEvents from "./steps/meta_events.mjs";
import * as metaSessions from "./steps/meta_sessions.mjs";
import * as metaTables from "./steps/meta_tables.mjs";
import * as patterns from "./steps/patterns.mjs";
import * as sharing from "./steps/sharing.mjs";
import * as together from "./steps/together.mjs";
import { links } from "./steps/transports.mjs";
import * as values from "./steps/values.mjs";

const STEPS = [
  ...login.STEPS,
  ...calling.STEPS,
  ...values.STEPS,
  ...events.STEPS,
  ...eligibility.STEPS,
  ...patterns.STEPS,
  ...sharing.STEPS,
  ...longCalls.STEPS,
  ...keeping.STEPS,
  ...metaSessions.STEPS,
  ...metaTables.STEPS,
  ...metaEvents.STEPS,
  ...together.STEPS,
];

// How long a step may take before it has failed; nothing in it waits for time to pass.
const DEADLINE = 20_000;

// Fails unless the promise is kept in time.
async function inTime(promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${DEADLINE} ms`)), DEADLINE);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// Takes a step, and tells how it went: `ok`, `n/a` or `FAILED`, and why.
async function take(step, room) {
  try {
    try {
      await inTime(step(room));
    } finally {
      await inTime(room.close());
    }
  } catch (error) {
    if (error instanceof CannotDo) {
      return ["n/a", `: ${error.message}`];
    }
    console.log(error.stack ?? error);
    // The client's own errors have a URI instead of a message.
    return ["FAILED", `: ${String(error.message ?? error.error).split("\n")[0]}`];
  }
  return ["ok", ""];
}

// Takes all steps, and answers with the exit code.
async function tour(urls) {
  const counts = { ok: 0, "n/a": 0, FAILED: 0 };
  const ways = links(urls);
  let number = 0;
  for (const link of ways) {
    for (const step of STEPS) {
      const [said, why] = await take(step, new Room(link, ways, number));
      number += 1;
      counts[said] += 1;
      console.log(`${said} ${link.name}/${step.name}${why}`);
    }
  }
  const found = Object.entries(counts).map(([said, count]) => `${count} ${said}`);
  console.log(`the tour is complete: ${found.join(", ")}`);
  return counts.FAILED === 0 ? 0 : 1;
}

const urls = process.argv.slice(2);
if (urls.length === 0) {
  console.error("usage: node wamp_tour.mjs URL...");
  process.exit(2);
}
process.exit(await tour(urls));

// Who gets an event, where its publisher names some.

import { equal } from "./kit.mjs";
import * as logins from "./logins.mjs";

// A publisher, three subscribers of different users and roles, and where their events are.
async function audience(room) {
  const publisher = await room.join();
  const subscribers = [];
  const inboxes = [];
  for (const login of [logins.ann, logins.bea, logins.guest]) {
    const subscriber = await room.join(login);
    subscribers.push(subscriber);
    inboxes.push(await subscriber.listen(room.publicUri()));
  }
  return { publisher, subscribers, inboxes };
}

// Events with these options reach those of ann, bea and the guest whom they should.
async function reach(room, { publisher, inboxes }, cases) {
  for (const [options, ...expected] of cases) {
    await publisher.publish(room.publicUri(), ["some"], {}, options);
    await publisher.publish(room.publicUri(), ["all"]);
    const found = [];
    for (const inbox of inboxes) {
      found.push((await inbox.firstArgs("all")).length === 1);
    }
    equal(found, expected, JSON.stringify(options));
  }
}

async function sessionsAreEligibleOrExcluded(room) {
  const all = await audience(room);
  const [ann, bea, guest] = all.subscribers.map(({ id }) => id);
  await reach(room, all, [
    [{ eligible: [ann, guest] }, true, false, true],
    [{ eligible: [] }, false, false, false],
    [{ exclude: [ann, guest] }, false, true, false],
    [{ exclude: [] }, true, true, true],
    [{ eligible: [ann, bea], exclude: [bea] }, true, false, false],
  ]);
}

async function authidsAreEligibleOrExcluded(room) {
  const all = await audience(room);
  const { authid } = all.subscribers[2].details;
  await reach(room, all, [
    [{ eligible_authid: ["bea"] }, false, true, false],
    [{ eligible_authid: ["nobody"] }, false, false, false],
    [{ exclude_authid: ["bea", authid] }, true, false, false],
    [{ eligible_authid: ["ann", "bea"], exclude_authid: ["ann"] }, false, true, false],
  ]);
}

async function authrolesAreEligibleOrExcluded(room) {
  const all = await audience(room);
  const [{ id: ann }] = all.subscribers;
  await reach(room, all, [
    [{ eligible_authrole: ["guest"] }, false, false, true],
    [{ exclude_authrole: ["guest"] }, true, true, false],
    [{ eligible_authrole: ["user", "guest"], exclude: [ann] }, false, true, true],
    [{ eligible_authrole: ["user"], exclude_authid: ["bea"] }, true, false, false],
  ]);
}

export const STEPS = [
  sessionsAreEligibleOrExcluded,
  authidsAreEligibleOrExcluded,
  authrolesAreEligibleOrExcluded,
];

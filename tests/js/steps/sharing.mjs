// Several callees of one procedure: who may register, and who is called.

import { equal, fails } from "./kit.mjs";
import * as logins from "./logins.mjs";

// The specification says that it fails, and not with which URI.
const OCCUPIED = [
  "wamp.error.procedure_already_exists",
  "wamp.error.procedure_exists_with_different_invocation_policy",
];

// Three sessions that share a procedure and answer with their number, and a caller.
async function threeCallees(room, invoke) {
  const callees = [];
  for (const login of [logins.ann, logins.bea, logins.cal]) {
    const number = callees.length;
    const callee = await room.join(login);
    await callee.offer(room.uri(), () => number, { invoke });
    callees.push(callee);
  }
  return [await room.join(), callees];
}

async function called(room, caller, count) {
  const answers = [];
  for (let left = count; left > 0; left -= 1) {
    answers.push(await caller.call(room.uri()));
  }
  return answers;
}

async function aProcedureHasOneCallee(room) {
  const first = await room.join();
  const second = await room.join();
  for (const policy of [{}, { invoke: "single" }]) {
    const registration = await first.offer(room.uri(), () => "first", policy);
    for (const again of [{}, { invoke: "single" }]) {
      const request = second.offer(room.uri(), () => "second", again);
      await fails("wamp.error.procedure_already_exists", request);
    }
    equal(await second.call(room.uri()), "first");
    await registration.unregister();
  }
}

async function aPolicyIsNotChangedByTheNext(room) {
  const first = await room.join();
  const second = await room.join();
  await first.offer(room.uri(), () => null, { invoke: "roundrobin" });
  for (const policy of [{ invoke: "single" }, { invoke: "first" }, {}]) {
    await fails(OCCUPIED, second.offer(room.uri(), () => null, policy));
  }
  await second.offer(room.uri(), () => null, { invoke: "roundrobin" });
}

async function theFirstIsCalled(room) {
  const [caller, callees] = await threeCallees(room, "first");
  equal(await called(room, caller, 3), [0, 0, 0]);
  await callees[0].leave();
  equal(await called(room, caller, 2), [1, 1]);
}

async function theLastIsCalled(room) {
  const [caller, callees] = await threeCallees(room, "last");
  equal(await called(room, caller, 3), [2, 2, 2]);
  await callees[2].leave();
  equal(await called(room, caller, 2), [1, 1]);
}

async function allAreCalledInTurn(room) {
  const [caller, callees] = await threeCallees(room, "roundrobin");
  const answers = await called(room, caller, 6);
  equal(answers.slice(0, 3).sort(), [0, 1, 2]);
  equal(answers.slice(3), answers.slice(0, 3));
  await callees[1].leave();
  equal((await called(room, caller, 4)).sort(), [0, 0, 2, 2]);
}

async function allAreCalledAtRandom(room) {
  const [caller, callees] = await threeCallees(room, "random");
  // That one of three is never called in 200 times is as good as impossible.
  equal([...new Set(await called(room, caller, 200))].sort(), [0, 1, 2]);
  await callees[0].leave();
  equal([...new Set(await called(room, caller, 100))].sort(), [1, 2]);
}

async function aRegistrationIsTakenOver(room) {
  const first = await room.join();
  const second = await room.join();
  const force = { force_reregister: true };
  const registration = await first.offer(room.uri(), () => "first", force);
  await second.offer(room.uri(), () => "second", force);
  // Who was evicted is told so.
  await registration.on_unregister;
  equal(registration.active, false);
  equal(await first.call(room.uri()), "second");
}

export const STEPS = [
  aProcedureHasOneCallee,
  aPolicyIsNotChangedByTheNext,
  theFirstIsCalled,
  theLastIsCalled,
  allAreCalledInTurn,
  allAreCalledAtRandom,
  aRegistrationIsTakenOver,
];

// Calls that take long: their progress, and how they are ended before they are done.

import { CannotDo, deferred, equal, fails } from "./kit.mjs";

const CANCELED = "wamp.error.canceled";

// A call that has reached its callee, which answers only when it is told to.
async function aLongCall(room, options = {}) {
  const caller = await room.join();
  const callee = await room.join();
  const [called, answer] = [deferred(), deferred()];
  await callee.offer(room.uri(), () => {
    called.resolve();
    return answer.promise;
  });
  await callee.offer(room.uri("short"), () => "answered");
  const call = caller.call(room.uri(), [], {}, options);
  await called.promise;
  return { caller, call, answer };
}

// The answer that comes too late harms nobody.
async function answersTooLate(room, { caller, answer }) {
  answer.resolve("late");
  equal(await caller.call(room.uri("short")), "answered");
}

async function progressArrivesBeforeTheResult(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), async ([last], _kwargs, { progress }) => {
    for (let number = 0; number < last; number += 1) {
      progress([number, last]);
      // The client encodes CBOR in the background, and would change the order.
      await new Promise(setImmediate);
    }
    return last;
  });
  const found = [];
  const call = caller.call(room.uri(), [5], {}, { receive_progress: true });
  const onProgress = ({ args }) => found.push(args);
  equal(await call.then((result) => result, undefined, onProgress), 5);
  equal(found, [0, 1, 2, 3, 4].map((number) => [number, 5]));
}

async function withoutAWishThereIsNoProgress(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), (_args, _kwargs, { progress }) => progress === null);
  equal(await caller.call(room.uri()), true);
}

async function progressiveInvocations() {
  throw new CannotDo("it has no call whose arguments are sent in parts");
}

async function aKilledCallOfWhoCannotBeInterruptedIsSkipped(room) {
  const long = await aLongCall(room);
  long.call.cancel({ mode: "kill" });
  await fails(CANCELED, long.call);
  await answersTooLate(room, long);
}

// The client forgets a call that it cancels in these ways, which shows only when it is answered.
async function cancelsAndForgets(room, mode) {
  const { caller, call } = await aLongCall(room);
  call.cancel({ mode });
  await call.catch(() => {});
  await caller.closed.promise;
  equal(caller.complaints.splice(0), ["a protocol violation"]);
  throw new CannotDo("it forgets the call, and takes the router's answer for a violation");
}

async function aSkippedCallEndsAtOnce(room) {
  await cancelsAndForgets(room, "skip");
}

async function aCallKilledWithoutWaitingEndsAtOnce(room) {
  await cancelsAndForgets(room, "killnowait");
}

async function aCallTimesOut(room) {
  const long = await aLongCall(room, { timeout: 200 });
  await fails(["wamp.error.timeout", CANCELED], long.call);
  await answersTooLate(room, long);
}

async function aCallInTimeIsAnswered(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), () => "in time");
  equal(await caller.call(room.uri(), [], {}, { timeout: 60_000 }), "in time");
}

export const STEPS = [
  progressArrivesBeforeTheResult,
  withoutAWishThereIsNoProgress,
  progressiveInvocations,
  aKilledCallOfWhoCannotBeInterruptedIsSkipped,
  aSkippedCallEndsAtOnce,
  aCallKilledWithoutWaitingEndsAtOnce,
  aCallTimesOut,
  aCallInTimeIsAnswered,
];

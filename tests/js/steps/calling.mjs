// Calls: what goes there and back, and how they fail.

import { autobahn } from "./autobahn.mjs";
import { deferred, equal, fails } from "./kit.mjs";
import * as logins from "./logins.mjs";

async function argsAndKwargsGoBothWays(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), (args, kwargs) => new autobahn.Result(args, kwargs));
  const result = await caller.call(room.uri(), [1, "two", [3]], { four: 4, five: { six: 6 } });
  equal(result.args, [1, "two", [3]]);
  equal(result.kwargs, { four: 4, five: { six: 6 } });
  equal((await caller.call(room.uri(), [], { only: "named" })).kwargs, { only: "named" });
  equal(await caller.call(room.uri(), ["only"]), "only");
  equal(await caller.call(room.uri()), null);
}

async function errorsCarryArgsAndKwargs(room) {
  const caller = await room.join();
  const callee = await room.join();
  const uri = "com.example.error.refused";
  await callee.offer(room.uri(), (args, kwargs) => {
    throw new autobahn.Error(uri, args, kwargs);
  });
  const error = await fails(uri, caller.call(room.uri(), [1, "two"], { three: 3 }));
  equal([error.args, error.kwargs], [[1, "two"], { three: 3 }]);
}

async function whatBreaksIsARuntimeError(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), () => {
    throw "broken";
  });
  const error = await fails("wamp.error.runtime_error", caller.call(room.uri()));
  equal(error.args, ["broken"]);
}

async function whatIsNotRegisteredCannotBeCalled(room) {
  const caller = await room.join();
  const callee = await room.join();
  await fails("wamp.error.no_such_procedure", caller.call(room.uri()));
  const registration = await callee.offer(room.uri(), () => "here");
  equal(await caller.call(room.uri()), "here");
  await registration.unregister();
  await fails("wamp.error.no_such_procedure", caller.call(room.uri()));
}

async function aCalleeThatLeavesTakesItsProceduresAlong(room) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), () => "here");
  equal(await caller.call(room.uri()), "here");
  await callee.leave();
  await fails("wamp.error.no_such_procedure", caller.call(room.uri()));
}

async function aCalleeThatIsLostFailsItsCalls(room) {
  const caller = await room.join();
  const callee = await room.join();
  const called = deferred();
  await callee.offer(room.uri(), () => {
    called.resolve();
    return new Promise(() => {});
  });
  const failed = fails("wamp.error.canceled", caller.call(room.uri()));
  await called.promise;
  callee.breakConnection();
  await failed;
}

async function theCallerIsDisclosed(room) {
  const callee = await room.join();
  const uri = room.publicUri();
  await callee.offer(uri, (_args, _kwargs, { caller, caller_authid, caller_authrole }) => {
    return [caller, caller_authid, caller_authrole];
  });
  for (const login of [logins.ann, logins.bea, logins.guest]) {
    const caller = await room.join(login);
    const { authid, authrole } = caller.details;
    equal(await caller.call(uri), [caller.id, authid, authrole]);
  }
}

async function manyCallsWaitAtTheSameTime(room) {
  const caller = await room.join();
  const callee = await room.join();
  const waiting = [];
  await callee.offer(room.uri(), async ([number]) => {
    const wait = deferred();
    waiting.push(wait);
    if (waiting.length === 20) {
      waiting.reverse().forEach(({ resolve }) => resolve());
    }
    await wait.promise;
    return number;
  });
  const numbers = Array.from({ length: 20 }, (_, index) => index);
  const answers = await Promise.all(numbers.map((number) => caller.call(room.uri(), [number])));
  equal(answers, numbers);
}

async function aSessionCallsItself(room) {
  const client = await room.join();
  await client.offer(room.uri(), ([text]) => `${text}!`);
  equal(await client.call(room.uri(), ["hello"]), "hello!");
}

export const STEPS = [
  argsAndKwargsGoBothWays,
  errorsCarryArgsAndKwargs,
  whatBreaksIsARuntimeError,
  whatIsNotRegisteredCannotBeCalled,
  aCalleeThatLeavesTakesItsProceduresAlong,
  aCalleeThatIsLostFailsItsCalls,
  theCallerIsDisclosed,
  manyCallsWaitAtTheSameTime,
  aSessionCallsItself,
];

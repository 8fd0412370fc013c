// Who is let in, as whom, and what guests may do.

import { equal, fails, holds } from "./kit.mjs";
import * as logins from "./logins.mjs";

// What a router may call a secret that is wrong, or a user whom it does not know.
const DENIED = ["wamp.error.authentication_failed", "wamp.error.not_authorized"];

const NOT_AUTHORIZED = "wamp.error.not_authorized";

async function logsIn(room, login, authid, authmethod) {
  const { details } = await room.join(login);
  const { authid: found, authrole, authmethod: method } = details;
  equal([found, authrole, method], [authid, "user", authmethod]);
}

async function ticketLogsIn(room) {
  await logsIn(room, logins.ann, "ann", "ticket");
}

async function wampcraLogsIn(room) {
  await logsIn(room, logins.bea, "bea", "wampcra");
}

async function saltedWampcraLogsIn(room) {
  await logsIn(room, logins.cal, "cal", "wampcra");
}

async function cryptosignLogsIn(room) {
  await logsIn(room, logins.dan, "dan", "cryptosign");
}

async function scramLogsIn(room) {
  await logsIn(room, logins.eve, "eve", "wamp-scram");
}

async function anonymousIsAGuest(room) {
  const { authrole, authmethod } = (await room.join(logins.guest)).details;
  equal([authrole, authmethod], ["guest", "anonymous"]);
}

async function wrongSecretsAreRefused(room) {
  for (const login of [
    () => logins.ticket("ann", "secret-of-bea"),
    () => logins.wampcra("bea", "secret-of-ann"),
    () => logins.wampcra("cal", "secret-of-ann"),
    () => logins.cryptosign("dan", "4e".repeat(32)),
    () => logins.scram("eve", "secret-of-ann"),
  ]) {
    const reason = await room.refused(login);
    holds(DENIED.includes(reason), reason);
  }
}

async function unknownUsersAreRefused(room) {
  // A router slows down who guesses, and does so by the name: each is used here only.
  for (const login of [
    () => logins.ticket(room.uri("ticket"), "secret-of-ann"),
    () => logins.wampcra(room.uri("wampcra"), "secret-of-bea"),
    () => logins.cryptosign(room.uri("cryptosign"), logins.PRIVATE_KEY),
    () => logins.scram(room.uri("scram"), "secret-of-eve"),
  ]) {
    const reason = await room.refused(login);
    holds(DENIED.includes(reason), reason);
  }
}

async function unknownRealmsAreRefused(room) {
  for (const login of [logins.ann, logins.guest]) {
    equal(await room.refused(login, { realm: "realm2" }), "wamp.error.no_such_realm");
  }
}

async function guestsCallAndSubscribeInPublic(room) {
  const user = await room.join();
  const guest = await room.join(logins.guest);
  const uri = room.publicUri("square");
  await user.offer(uri, ([number]) => number * number);
  equal(await guest.call(uri, [7]), 49);
  const inbox = await guest.listen(uri);
  await user.publish(uri, ["seen"]);
  equal((await inbox.next()).args, ["seen"]);
}

async function guestsAreRefusedElsewhere(room) {
  const user = await room.join();
  const guest = await room.join(logins.guest);
  await user.offer(room.uri(), () => null);
  await fails(NOT_AUTHORIZED, guest.call(room.uri()));
  await fails(NOT_AUTHORIZED, guest.call("wamp.session.list"));
  await fails(NOT_AUTHORIZED, guest.listen(room.uri()));
  await fails(NOT_AUTHORIZED, guest.listen("com.example", { match: "prefix" }));
  for (const uri of [room.uri("x"), room.publicUri("x")]) {
    await fails(NOT_AUTHORIZED, guest.publish(uri));
    await fails(NOT_AUTHORIZED, guest.offer(uri, () => null));
  }
}

async function leavingIsAnswered(room) {
  const client = await room.join();
  const { how, reason } = await client.leave();
  equal([how, reason], ["closed", "wamp.close.goodbye_and_out"]);
}

export const STEPS = [
  ticketLogsIn,
  wampcraLogsIn,
  saltedWampcraLogsIn,
  cryptosignLogsIn,
  scramLogsIn,
  anonymousIsAGuest,
  wrongSecretsAreRefused,
  unknownUsersAreRefused,
  unknownRealmsAreRefused,
  guestsCallAndSubscribeInPublic,
  guestsAreRefusedElsewhere,
  leavingIsAnswered,
];

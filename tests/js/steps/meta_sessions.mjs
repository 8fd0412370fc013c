// The meta API of sessions: who is there, who comes and goes, who is sent away.

import { equal, fails, holds } from "./kit.mjs";
import * as logins from "./logins.mjs";

const NO_SUCH_SESSION = "wamp.error.no_such_session";

async function sessionsAreCountedAndListed(room) {
  const ann = await room.join();
  const guest = await room.join(logins.guest);
  const everybody = await ann.call("wamp.session.list");
  holds(everybody.includes(ann.id) && everybody.includes(guest.id), everybody);
  equal(await ann.call("wamp.session.count"), everybody.length);
  const users = await ann.call("wamp.session.list", [["user"]]);
  holds(users.includes(ann.id) && !users.includes(guest.id), users);
  equal(await ann.call("wamp.session.count", [["user"]]), users.length);
  const bea = await room.join(logins.bea);
  equal(await ann.call("wamp.session.count", [["user"]]), users.length + 1);
  await bea.leave();
  equal(await ann.call("wamp.session.count", [["user"]]), users.length);
}

async function aSessionIsDescribed(room) {
  const ann = await room.join();
  const guest = await room.join(logins.guest);
  for (const { id, details } of [ann, guest]) {
    const found = await ann.call("wamp.session.get", [id]);
    const { authid, authrole, authmethod, authprovider } = details;
    equal(
      [found.session, found.authid, found.authrole, found.authmethod, found.authprovider],
      [id, authid, authrole, authmethod, authprovider],
    );
  }
  await guest.leave();
  await fails(NO_SUCH_SESSION, ann.call("wamp.session.get", [guest.id]));
}

async function aSessionIsKilled(room) {
  const ann = await room.join();
  const bea = await room.join(logins.bea);
  const why = { reason: "com.example.bye", message: "see you" };
  await ann.call("wamp.session.kill", [bea.id], why);
  const { how, reason, message } = await bea.closed.promise;
  equal([how, { reason, message }], ["closed", why]);
  await fails(NO_SUCH_SESSION, ann.call("wamp.session.kill", [bea.id]));
  // Nobody kills themselves.
  await fails(NO_SUCH_SESSION, ann.call("wamp.session.kill", [ann.id]));
}

async function joiningAndLeavingAreTold(room) {
  const observer = await room.join();
  const joined = await observer.listen("wamp.session.on_join");
  const left = await observer.listen("wamp.session.on_leave");
  const bea = await room.join(logins.bea);
  let [told] = (await joined.next()).args;
  while (told.session !== bea.id) {
    [told] = (await joined.next()).args;
  }
  const { authid, authrole, authmethod, authprovider } = told;
  const { details } = bea;
  equal([authid, authrole], [details.authid, details.authrole]);
  equal([authmethod, authprovider], [details.authmethod, details.authprovider]);
  await bea.leave();
  equal((await left.about(bea.id)).args, [bea.id, "bea", "user"]);
}

export const STEPS = [
  sessionsAreCountedAndListed,
  aSessionIsDescribed,
  aSessionIsKilled,
  joiningAndLeavingAreTold,
];

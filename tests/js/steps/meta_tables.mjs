// The meta API of registrations and subscriptions: what there is.

import { equal, fails, holds } from "./kit.mjs";

// An ID that nothing has: only the largest exact number could be it.
const NOTHING = 2 ** 53 - 1;

const sorted = (ids) => [...ids].sort((one, other) => one - other);

async function registrationsAreFound(room) {
  const asking = await room.join();
  const callee = await room.join();
  const patterns = { exact: room.uri("a"), prefix: room.uri("b"), wildcard: room.uri("", "c") };
  const ids = {};
  for (const [match, uri] of Object.entries(patterns)) {
    ids[match] = (await callee.offer(uri, () => null, { match })).id;
    equal(await asking.call("wamp.registration.lookup", [uri, { match }]), ids[match]);
  }
  equal(await asking.call("wamp.registration.lookup", [room.uri("b")]), null);
  for (const [match, ...parts] of [["exact", "a"], ["prefix", "b", "x"], ["wildcard", "x", "c"]]) {
    equal(await asking.call("wamp.registration.match", [room.uri(...parts)]), ids[match]);
  }
  equal(await asking.call("wamp.registration.match", [room.uri("x")]), null);
  const listed = await asking.call("wamp.registration.list");
  for (const [match, id] of Object.entries(ids)) {
    holds(listed[match].includes(id), `${match} ${id}`);
  }
}

async function aRegistrationIsDescribed(room) {
  const asking = await room.join();
  const callees = [await room.join(), await room.join()];
  let id;
  for (const callee of callees) {
    const options = { invoke: "roundrobin", match: "prefix" };
    ({ id } = await callee.offer(room.uri(), () => null, options));
  }
  const { created, ...found } = await asking.call("wamp.registration.get", [id]);
  equal(found, { id, uri: room.uri(), match: "prefix", invoke: "roundrobin" });
  holds(!Number.isNaN(Date.parse(created)), created);
  const listed = await asking.call("wamp.registration.list_callees", [id]);
  equal(sorted(listed), sorted(callees.map((callee) => callee.id)));
  equal(await asking.call("wamp.registration.count_callees", [id]), 2);
  for (const name of ["get", "list_callees", "count_callees"]) {
    const request = asking.call(`wamp.registration.${name}`, [NOTHING]);
    await fails("wamp.error.no_such_registration", request);
  }
}

async function subscriptionsAreFound(room) {
  const asking = await room.join();
  const subscriber = await room.join();
  const topic = room.uri("a", "c");
  const patterns = { exact: topic, prefix: room.uri("a"), wildcard: room.uri("", "c") };
  const ids = {};
  for (const [match, uri] of Object.entries(patterns)) {
    ids[match] = (await subscriber.listen(uri, { match })).subscription.id;
    equal(await asking.call("wamp.subscription.lookup", [uri, { match }]), ids[match]);
  }
  equal(await asking.call("wamp.subscription.lookup", [room.uri("x")]), null);
  const matched = await asking.call("wamp.subscription.match", [topic]);
  equal(sorted(matched), sorted(Object.values(ids)));
  const listed = await asking.call("wamp.subscription.list");
  for (const [match, id] of Object.entries(ids)) {
    holds(listed[match].includes(id), `${match} ${id}`);
  }
}

async function aSubscriptionIsDescribed(room) {
  const asking = await room.join();
  const subscribers = [await room.join(), await room.join()];
  let id;
  for (const subscriber of subscribers) {
    ({ id } = (await subscriber.listen(room.uri(), { match: "prefix" })).subscription);
  }
  const { created, ...found } = await asking.call("wamp.subscription.get", [id]);
  equal(found, { id, uri: room.uri(), match: "prefix" });
  holds(!Number.isNaN(Date.parse(created)), created);
  const listed = await asking.call("wamp.subscription.list_subscribers", [id]);
  equal(sorted(listed), sorted(subscribers.map((subscriber) => subscriber.id)));
  equal(await asking.call("wamp.subscription.count_subscribers", [id]), 2);
  for (const name of ["get", "list_subscribers", "count_subscribers"]) {
    const request = asking.call(`wamp.subscription.${name}`, [NOTHING]);
    await fails("wamp.error.no_such_subscription", request);
  }
}

export const STEPS = [
  registrationsAreFound,
  aRegistrationIsDescribed,
  subscriptionsAreFound,
  aSubscriptionIsDescribed,
];

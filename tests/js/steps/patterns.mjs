// Matching by prefix and by wildcard, of topics and of procedures.

import { equal, fails } from "./kit.mjs";

async function topicsMatchByEveryPolicy(room) {
  const publisher = await room.join();
  const subscriber = await room.join();
  // Each with a topic of its own, which tells when everything has arrived.
  const patterns = {
    exact: [room.uri("a", "b"), ["a", "b"]],
    prefix: [room.uri("a"), ["a"]],
    wildcard: [room.uri("", "b"), ["any", "b"]],
  };
  const inboxes = {};
  for (const [match, [uri]] of Object.entries(patterns)) {
    inboxes[match] = await subscriber.listen(uri, { match });
  }
  const reached = {
    [room.uri("a", "b")]: ["exact", "prefix", "wildcard"],
    [room.uri("a", "x")]: ["prefix"],
    [room.uri("x", "b")]: ["wildcard"],
    [room.uri("a", "b", "c")]: ["prefix"],
    [room.uri("ax")]: ["prefix"],
    [room.uri("x", "b", "c")]: [],
    [room.uri("x")]: [],
  };
  const topics = Object.keys(reached);
  for (const topic of topics) {
    await publisher.publish(topic, [topic]);
  }
  for (const [match, [, last]] of Object.entries(patterns)) {
    await publisher.publish(room.uri(...last), [`end of ${match}`]);
  }
  for (const [match, inbox] of Object.entries(inboxes)) {
    const found = await inbox.firstArgs(`end of ${match}`);
    const expected = topics.filter((topic) => reached[topic].includes(match));
    equal(found.filter((topic) => topic in reached), expected, match);
  }
}

async function aPatternIsToldWhatWasPublished(room) {
  const publisher = await room.join();
  const subscriber = await room.join();
  const topic = room.uri("a", "b");
  const inboxes = [
    await subscriber.listen(room.uri("a", "b")),
    await subscriber.listen(room.uri("a"), { match: "prefix" }),
    await subscriber.listen(room.uri("", "b"), { match: "wildcard" }),
  ];
  const publication = await publisher.publish(topic);
  for (const inbox of inboxes) {
    const { details } = await inbox.next();
    equal([details.topic, details.publication], [topic, publication]);
  }
  // One event for each subscription, and each subscription has an ID of its own.
  equal(new Set(inboxes.map(({ subscription }) => subscription.id)).size, 3);
}

async function theMostSpecificProcedureIsCalled(room) {
  const caller = await room.join();
  const callee = await room.join();
  const offer = (name, uri, match) => callee.offer(uri, () => name, { match });
  const registrations = {
    wildcard: await offer("wildcard", room.uri("a", "", "c"), "wildcard"),
    all: await offer("all", room.uri(), "prefix"),
    prefix: await offer("prefix", room.uri("a"), "prefix"),
    exact: await offer("exact", room.uri("a", "b", "c"), "exact"),
  };
  const called = room.uri("a", "b", "c");
  // The longest prefix comes before any wildcard.
  for (const name of ["exact", "prefix", "all", "wildcard"]) {
    equal(await caller.call(called), name);
    await registrations[name].unregister();
  }
  await fails("wamp.error.no_such_procedure", caller.call(called));
}

async function aPatternIsToldWhatWasCalled(room) {
  const caller = await room.join();
  const callee = await room.join();
  const told = (_args, _kwargs, { procedure }) => procedure;
  await callee.offer(room.uri("prefix"), told, { match: "prefix" });
  await callee.offer(room.uri("", "wildcard"), told, { match: "wildcard" });
  for (const uri of [room.uri("prefix", "any", "depth"), room.uri("any", "wildcard")]) {
    equal(await caller.call(uri), uri);
  }
}

export const STEPS = [
  topicsMatchByEveryPolicy,
  aPatternIsToldWhatWasPublished,
  theMostSpecificProcedureIsCalled,
  aPatternIsToldWhatWasCalled,
];

// What the router keeps: retained events, testaments, and the history of a subscription.

import { equal, holds } from "./kit.mjs";
import * as logins from "./logins.mjs";

async function aRetainedEventIsThereForWhoAsks(room) {
  const publisher = await room.join();
  await publisher.publish(room.uri(), ["older"], {}, { retain: true });
  const kept = { why: "kept" };
  const publication = await publisher.publish(room.uri(), ["newer"], kept, { retain: true });
  await publisher.publish(room.uri(), ["not kept"]);
  const asking = await (await room.join()).listen(room.uri(), { get_retained: true });
  const { args, kwargs, details } = await asking.next();
  equal([args, kwargs], [["newer"], kept]);
  equal([details.retained, details.publication], [true, publication]);
  const other = await (await room.join()).listen(room.uri());
  await publisher.publish(room.uri(), ["live"]);
  for (const inbox of [asking, other]) {
    const event = await inbox.next();
    equal([event.args, event.details.retained], [["live"], false]);
  }
}

async function aRetainedEventStaysBetweenWhomItWasFor(room) {
  const publisher = await room.join();
  const options = { retain: true, eligible_authid: ["bea"] };
  await publisher.publish(room.uri(), ["for bea"], {}, options);
  const inboxes = [];
  for (const login of [logins.ann, logins.bea]) {
    inboxes.push(await (await room.join(login)).listen(room.uri(), { get_retained: true }));
  }
  await publisher.publish(room.uri(), ["last"]);
  equal(await inboxes[0].firstArgs("last"), []);
  equal(await inboxes[1].firstArgs("last"), ["for bea"]);
}

async function aTestamentIsPublishedForWhoIsLost(room) {
  const inbox = await (await room.join()).listen(room.uri());
  const lost = await room.join();
  await lost.call("wamp.session.add_testament", [room.uri(), ["first"], { of: 2 }]);
  await lost.call("wamp.session.add_testament", [room.uri(), ["second"], {}]);
  lost.breakConnection();
  const { args, kwargs } = await inbox.next();
  equal([args, kwargs], [["first"], { of: 2 }]);
  equal((await inbox.next()).args, ["second"]);
}

async function testamentsAreFlushedByTheirScope(room) {
  const inbox = await (await room.join()).listen(room.uri());
  const lost = await room.join();
  for (const scope of ["destroyed", "detached"]) {
    await lost.call("wamp.session.add_testament", [room.uri(), [scope], {}], { scope });
  }
  await lost.call("wamp.session.flush_testaments", [], { scope: "detached" });
  lost.breakConnection();
  equal((await inbox.next()).args, ["destroyed"]);
  await (await room.join()).publish(room.uri(), ["last"]);
  equal(await inbox.firstArgs("last"), []);
}

async function theHistoryOfASubscriptionIsTold(room) {
  const publisher = await room.join();
  const subscriber = await room.join();
  const inbox = await subscriber.listen(room.uri());
  const published = [];
  for (let number = 0; number < 5; number += 1) {
    published.push(await publisher.publish(room.uri(), [number], { squared: number * number }));
    await inbox.next();
  }
  const history = async (options) => {
    const args = [inbox.subscription.id];
    const answer = await subscriber.call("wamp.subscription.get_events", args, options);
    // With information on the query beside them the events are the first of several results.
    return Array.isArray(answer) ? answer : answer.args[0];
  };
  const events = await history({});
  equal(events.map(({ publication }) => publication), published);
  equal(events.map(({ args }) => args), [[0], [1], [2], [3], [4]]);
  equal(events[3].kwargs, { squared: 9 });
  holds(!Number.isNaN(Date.parse(events[0].timestamp)), events[0].timestamp);
  const newest = await history({ reverse: true, limit: 2 });
  equal(newest.map(({ args }) => args), [[4], [3]]);
}

export const STEPS = [
  aRetainedEventIsThereForWhoAsks,
  aRetainedEventStaysBetweenWhomItWasFor,
  aTestamentIsPublishedForWhoIsLost,
  testamentsAreFlushedByTheirScope,
  theHistoryOfASubscriptionIsTold,
];

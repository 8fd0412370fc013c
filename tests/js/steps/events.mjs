// Events: that they arrive, once and in order, and tell who published them.

import { equal } from "./kit.mjs";
import * as logins from "./logins.mjs";

async function publicationsAreAcknowledged(room) {
  const publisher = await room.join();
  const subscriber = await room.join();
  const inbox = await subscriber.listen(room.uri());
  const publication = await publisher.publish(room.uri(), [1, "two"], { three: 3 });
  const { args, kwargs, details } = await inbox.next();
  equal([args, kwargs], [[1, "two"], { three: 3 }]);
  equal([details.publication, details.topic], [publication, room.uri()]);
  // Without an acknowledgement there is no answer to wait for.
  equal(publisher.session.publish(room.uri(), ["silent"]), undefined);
  equal((await inbox.next()).args, ["silent"]);
}

async function allSubscribersGetTheSameEvent(room) {
  const publisher = await room.join();
  const inboxes = [];
  for (const login of [logins.ann, logins.bea, logins.cal]) {
    inboxes.push(await (await room.join(login)).listen(room.uri()));
  }
  const publication = await publisher.publish(room.uri());
  for (const inbox of inboxes) {
    equal((await inbox.next()).details.publication, publication);
  }
}

async function eventsArriveInOrder(room) {
  const publisher = await room.join();
  const inbox = await (await room.join()).listen(room.uri());
  const numbers = Array.from({ length: 50 }, (_, index) => index);
  // Each waits for the one before, since the client itself may change the order: it encodes CBOR
  // in the background.
  for (const number of numbers) {
    await publisher.publish(room.uri(), [number]);
  }
  await publisher.publish(room.uri(), ["last"]);
  equal(await inbox.firstArgs("last"), numbers);
}

async function thePublisherIsLeftOutUnlessItAsks(room) {
  const client = await room.join();
  const inbox = await client.listen(room.uri());
  await client.publish(room.uri(), ["by default"]);
  await client.publish(room.uri(), ["excluded"], {}, { exclude_me: true });
  await client.publish(room.uri(), ["included"], {}, { exclude_me: false });
  equal(await inbox.firstArgs("included"), []);
}

async function thePublisherIsDisclosed(room) {
  const inbox = await (await room.join()).listen(room.uri());
  for (const login of [logins.ann, logins.bea]) {
    const publisher = await room.join(login);
    await publisher.publish(room.uri());
    const { details: found } = await inbox.next();
    const { authid, authrole } = publisher.details;
    equal(
      [found.publisher, found.publisher_authid, found.publisher_authrole],
      [publisher.id, authid, authrole],
    );
  }
}

async function whoUnsubscribedGetsNoMore(room) {
  const publisher = await room.join();
  const subscriber = await room.join();
  const inbox = await subscriber.listen(room.uri());
  await publisher.publish(room.uri(), ["before"]);
  equal((await inbox.next()).args, ["before"]);
  await inbox.subscription.unsubscribe();
  await publisher.publish(room.uri(), ["meanwhile"]);
  const again = await subscriber.listen(room.uri());
  await publisher.publish(room.uri(), ["after"]);
  equal(await again.firstArgs("after"), []);
}

export const STEPS = [
  publicationsAreAcknowledged,
  allSubscribersGetTheSameEvent,
  eventsArriveInOrder,
  thePublisherIsLeftOutUnlessItAsks,
  thePublisherIsDisclosed,
  whoUnsubscribedGetsNoMore,
];

// The meta events of registrations and subscriptions: what comes and goes.

import { equal } from "./kit.mjs";

// Where the meta events of a kind arrive, by their names.
async function observe(room, kind, names) {
  const observer = await room.join();
  const told = {};
  for (const name of names) {
    told[name] = await observer.listen(`wamp.${kind}.${name}`);
  }
  return told;
}

async function registrationsAreTold(room) {
  const names = ["on_create", "on_register", "on_unregister", "on_delete"];
  const told = await observe(room, "registration", names);
  const callee = await room.join();
  const registration = await callee.offer(room.uri(), () => null, { invoke: "first" });
  const [, { id, uri, match, invoke }] = (await told.on_create.about(callee.id)).args;
  equal([id, uri, match, invoke], [registration.id, room.uri(), "exact", "first"]);
  equal((await told.on_register.about(callee.id)).args, [callee.id, id]);
  await registration.unregister();
  equal((await told.on_unregister.about(callee.id)).args, [callee.id, id]);
  equal((await told.on_delete.about(callee.id)).args, [callee.id, id]);
}

async function subscriptionsAreTold(room) {
  const names = ["on_create", "on_subscribe", "on_unsubscribe", "on_delete"];
  const told = await observe(room, "subscription", names);
  const subscriber = await room.join();
  const { subscription } = await subscriber.listen(room.uri(), { match: "prefix" });
  const [, { id, uri, match }] = (await told.on_create.about(subscriber.id)).args;
  equal([id, uri, match], [subscription.id, room.uri(), "prefix"]);
  equal((await told.on_subscribe.about(subscriber.id)).args, [subscriber.id, id]);
  await subscription.unsubscribe();
  equal((await told.on_unsubscribe.about(subscriber.id)).args, [subscriber.id, id]);
  equal((await told.on_delete.about(subscriber.id)).args, [subscriber.id, id]);
}

async function whatTheLostLeaveBehindIsTold(room) {
  const unregistered = await observe(room, "registration", ["on_unregister", "on_delete"]);
  const unsubscribed = await observe(room, "subscription", ["on_unsubscribe", "on_delete"]);
  const lost = await room.join();
  const registration = await lost.offer(room.uri(), () => null);
  const { subscription } = await lost.listen(room.uri());
  lost.breakConnection();
  for (const inbox of Object.values(unregistered)) {
    equal((await inbox.about(lost.id)).args, [lost.id, registration.id]);
  }
  for (const inbox of Object.values(unsubscribed)) {
    equal((await inbox.about(lost.id)).args, [lost.id, subscription.id]);
  }
}

export const STEPS = [registrationsAreTold, subscriptionsAreTold, whatTheLostLeaveBehindIsTold];

// Sessions of every transport and every serializer, with each other.

import { equal } from "./kit.mjs";
import * as logins from "./logins.mjs";
import { BINARIES, FLOATS, INTEGERS, NESTED, TEXTS } from "./values.mjs";

const TEXTUAL = [...INTEGERS, ...FLOATS, ...TEXTS, ...NESTED];

// What both ends can carry.
const carried = (one, other) => (one.binary && other.binary ? [...TEXTUAL, ...BINARIES] : TEXTUAL);

async function allSerializersCallEachOther(room) {
  const caller = await room.join();
  for (const [number, link] of room.links.entries()) {
    const values = carried(room.link, link);
    const callee = await room.join(logins.bea, { link });
    const uri = room.uri(`callee${number}`);
    await callee.offer(uri, ([value]) => {
      equal(value, values);
      return value;
    });
    equal(await caller.call(uri, [values]), values, `from ${link.name}`);
  }
}

async function allSerializersHearEachOther(room) {
  const publisher = await room.join();
  for (const link of room.links) {
    const values = carried(room.link, link);
    const inbox = await (await room.join(logins.bea, { link })).listen(room.uri());
    await publisher.publish(room.uri(), values, { named: values });
    const { args, kwargs } = await inbox.next();
    equal([args, kwargs], [values, { named: values }], `at ${link.name}`);
  }
}

export const STEPS = [allSerializersCallEachOther, allSerializersHearEachOther];

// Values: what goes in comes out, by calls and by events.

import { CannotDo, equal } from "./kit.mjs";

// JavaScript has one kind of numbers; these are the whole ones that it holds exactly.
export const INTEGERS = [0, -1, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53 - 1, 1 - 2 ** 53];

export const FLOATS = [0.1, -1.5, 1e-300, 1.7976931348623157e308, 5e-324];

export const TEXTS = [
  "",
  "ASCII",
  "Zürich",
  "Ελλάδα",
  "日本語",
  "🦀 and 🐍",
  "e\u0301",
  '\t"\\/\r\n\u2028',
  "\ufeff",
];

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, index) => index));

export const BINARIES = [
  Buffer.from(""),
  Buffer.from([0]),
  ALL_BYTES,
  Buffer.from("UTF-8 ü"),
  Buffer.alloc(70_000, 0xff),
];

export const NESTED = [
  null,
  true,
  false,
  [],
  {},
  [[1, [2.5, {}]]],
  { a: { b: [null, { c: "d" }] }, "": 0 },
];

// Values come back from a call alone, in a list, and named, and arrive with an event.
async function comeThrough(room, values) {
  const caller = await room.join();
  const callee = await room.join();
  await callee.offer(room.uri(), ([value], { named }) => {
    // What the callee saw, it also compares: an error would be undone on the way back.
    equal([value, named], [values, values]);
    return value;
  });
  equal(await caller.call(room.uri(), [values], { named: values }), values);
  const inbox = await callee.listen(room.uri());
  await caller.publish(room.uri(), values, { named: values });
  const event = await inbox.next();
  equal([event.args, event.kwargs], [values, { named: values }]);
}

async function integersComeThrough(room) {
  await comeThrough(room, INTEGERS);
}

async function integersOf64Bits() {
  throw new CannotDo("its numbers hold 53 bits");
}

async function floatsComeThrough(room) {
  await comeThrough(room, FLOATS);
}

async function textOfAllScriptsComesThrough(room) {
  await comeThrough(room, TEXTS);
}

async function binaryDataComesThrough(room) {
  if (!room.link.binary) {
    throw new CannotDo("its RawSocket speaks plain JSON");
  }
  await comeThrough(room, BINARIES);
}

async function nestedValuesComeThrough(room) {
  await comeThrough(room, NESTED);
}

async function longTextsComeThrough(room) {
  const lengths = [125, 126, 65_535, 65_536, 200_000];
  await comeThrough(room, lengths.map((length) => "x".repeat(length)));
}

export const STEPS = [
  integersComeThrough,
  integersOf64Bits,
  floatsComeThrough,
  textOfAllScriptsComesThrough,
  binaryDataComesThrough,
  nestedValuesComeThrough,
  longTextsComeThrough,
];

"""Values: what goes in comes out, by calls and by events."""

from .kit import equal

INTEGERS = [0, -1, 2**31, -(2**31), 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 2**64 - 1]

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.1, 1e-300, 1.7976931348623157e308, 5e-324, 2.0**53]

SCRIPTS = ["Zürich", "Ελλάδα", "日本語", "🦀 and 🐍"]
TEXTS = ["", "ASCII", *SCRIPTS, "e\u0301", '\t"\\/\r\n\u2028', "\ufeff"]

BINARIES = [b"", b"\0", b"\0\0", bytes(range(256)), "UTF-8 ü".encode(), b"\xff" * 70_000]

NESTED = [None, True, False, [], {}, [[1, [2.5, {}]]], {"a": {"b": [None, {"c": "d"}]}, "": 0}]


async def _come_through(room, values):
    """Values come back from a call alone, in a list, and named, and arrive with an event."""
    caller, callee = await room.join(), await room.join()

    async def mirror(*args, details, **kwargs):
        # What the callee saw, it also compares: an error would be undone on the way back.
        equal(list(args) + list(kwargs.values()), [values, values])
        return args[0]

    await callee.offer(room.uri(), mirror)
    equal(await caller.call(room.uri(), values, named=values), values)
    inbox = await callee.listen(room.uri())
    await caller.publish_with({}, room.uri(), *values, named=values)
    event = await inbox.next()
    equal(event.args, values)
    equal(event.kwargs, {"named": values})


async def integers_keep_64_bits(room):
    await _come_through(room, INTEGERS)


async def floats_stay_floats(room):
    await _come_through(room, FLOATS)


async def text_of_all_scripts_comes_through(room):
    await _come_through(room, TEXTS)


async def binary_data_comes_through(room):
    await _come_through(room, BINARIES)


async def nested_values_come_through(room):
    await _come_through(room, NESTED)


async def long_texts_come_through(room):
    await _come_through(room, ["x" * length for length in (125, 126, 65_535, 65_536, 200_000)])


STEPS = [
    integers_keep_64_bits,
    floats_stay_floats,
    text_of_all_scripts_comes_through,
    binary_data_comes_through,
    nested_values_come_through,
    long_texts_come_through,
]

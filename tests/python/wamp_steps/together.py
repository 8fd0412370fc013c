"""Sessions of every transport and every serializer, with each other."""

from .kit import equal
from .values import BINARIES, FLOATS, INTEGERS, NESTED, TEXTS

EVERYTHING = [*INTEGERS, *FLOATS, *TEXTS, *BINARIES, *NESTED]


async def all_serializers_call_each_other(room):
    caller = await room.join()

    async def mirror(values, details):
        equal(values, EVERYTHING)
        return values

    for number, link in enumerate(room.links):
        callee = await room.join(link=link)
        await callee.offer(room.uri(f"callee{number}"), mirror)
    for number, link in enumerate(room.links):
        answer = await caller.call(room.uri(f"callee{number}"), EVERYTHING)
        equal(answer, EVERYTHING, f"from {link.name}")


async def all_serializers_hear_each_other(room):
    publisher = await room.join()
    inboxes = {
        link.name: await (await room.join(link=link)).listen(room.uri()) for link in room.links
    }
    await publisher.publish_with({}, room.uri(), *EVERYTHING, named=EVERYTHING)
    for name, inbox in inboxes.items():
        event = await inbox.next()
        equal((event.args, event.kwargs), (EVERYTHING, {"named": EVERYTHING}), f"at {name}")


STEPS = [all_serializers_call_each_other, all_serializers_hear_each_other]

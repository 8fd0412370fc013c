"""Matching by prefix and by wildcard, of topics and of procedures."""

from .kit import equal, fails


async def topics_match_by_every_policy(room):
    publisher, subscriber = await room.join(), await room.join()
    # Each with a topic of its own, which tells when everything has arrived.
    patterns = {
        "exact": (room.uri("a", "b"), "exact", ["a", "b"]),
        "prefix": (room.uri("a"), "prefix", ["a"]),
        "part": (room.uri("a", "b", "part"), "prefix", ["a", "b", "part"]),
        "wildcard": (room.uri("", "b"), "wildcard", ["any", "b"]),
        "inner": (room.uri("a", "", "c"), "wildcard", ["a", "any", "c"]),
    }
    inboxes = {
        name: await subscriber.listen(uri, match=policy)
        for name, (uri, policy, _) in patterns.items()
    }
    reached = {
        room.uri("a", "b"): ["exact", "prefix", "wildcard"],
        room.uri("a", "x"): ["prefix"],
        room.uri("x", "b"): ["wildcard"],
        room.uri("a", "b", "c"): ["prefix", "inner"],
        room.uri("a", "b", "parts"): ["prefix", "part"],
        room.uri("ax"): ["prefix"],
        room.uri("x", "b", "c"): [],
        room.uri("x"): [],
    }
    for topic in reached:
        await publisher.publish_with({}, topic, topic)
    for name, (_, _, last) in patterns.items():
        await publisher.publish_with({}, room.uri(*last), f"end of {name}")
    for name, inbox in inboxes.items():
        found = [it for it in await inbox.first_args(f"end of {name}") if it in reached]
        equal(found, [topic for topic, names in reached.items() if name in names], name)


async def a_pattern_is_told_what_was_published(room):
    publisher, subscriber = await room.join(), await room.join()
    topic = room.uri("a", "b")
    inboxes = [
        await subscriber.listen(room.uri("a", "b")),
        await subscriber.listen(room.uri("a"), match="prefix"),
        await subscriber.listen(room.uri("", "b"), match="wildcard"),
    ]
    publication = await publisher.publish_with({}, topic)
    for inbox in inboxes:
        details = (await inbox.next()).details
        equal((details.topic, details.publication), (topic, publication))
    # One event for each subscription, and each subscription has an ID of its own.
    equal(len({inbox.subscription.id for inbox in inboxes}), 3)


async def the_most_specific_procedure_is_called(room):
    caller, callee = await room.join(), await room.join()

    async def offer(name, uri, match):
        return await callee.offer(uri, lambda details: name, match=match)

    registrations = {
        "wildcard": await offer("wildcard", room.uri("a", "", "c"), "wildcard"),
        "all": await offer("all", room.uri(), "prefix"),
        "prefix": await offer("prefix", room.uri("a"), "prefix"),
        "exact": await offer("exact", room.uri("a", "b", "c"), "exact"),
    }
    # The longest prefix comes before any wildcard.
    for name in ("exact", "prefix", "all", "wildcard"):
        equal(await caller.call(room.uri("a", "b", "c")), name)
        await registrations[name].unregister()
    await fails("wamp.error.no_such_procedure", caller.call(room.uri("a", "b", "c")))


async def the_most_specific_wildcard_is_called(room):
    caller, callee = await room.join(), await room.join()
    for uri in (room.uri("", "", "c"), room.uri("a", "", ""), room.uri("a", "", "c")):
        await callee.offer(uri, lambda details, uri=uri: uri, match="wildcard")
    # The one with the longest exact part in front, and of those the one with more after it.
    equal(await caller.call(room.uri("a", "b", "c")), room.uri("a", "", "c"))
    equal(await caller.call(room.uri("a", "b", "x")), room.uri("a", "", ""))
    equal(await caller.call(room.uri("x", "b", "c")), room.uri("", "", "c"))
    await fails("wamp.error.no_such_procedure", caller.call(room.uri("x", "b", "x")))


async def a_pattern_is_told_what_was_called(room):
    caller, callee = await room.join(), await room.join()

    def told(details):
        return details.procedure

    await callee.offer(room.uri("prefix"), told, match="prefix")
    await callee.offer(room.uri("", "wildcard"), told, match="wildcard")
    for uri in (room.uri("prefix", "any", "depth"), room.uri("any", "wildcard")):
        equal(await caller.call(uri), uri)


STEPS = [
    topics_match_by_every_policy,
    a_pattern_is_told_what_was_published,
    the_most_specific_procedure_is_called,
    the_most_specific_wildcard_is_called,
    a_pattern_is_told_what_was_called,
]

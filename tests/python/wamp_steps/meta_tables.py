"""The meta API of registrations and subscriptions: what there is."""

from datetime import datetime

from .kit import equal, fails

# An ID that nothing has: only the largest possible one could be it.
NOTHING = 2**53


async def registrations_are_found(room):
    asking, callee = await room.join(), await room.join()
    uris = {"exact": room.uri("a"), "prefix": room.uri("b"), "wildcard": room.uri("", "c")}
    ids = {}
    for match, uri in uris.items():
        ids[match] = (await callee.offer(uri, lambda details: None, match=match)).id
    for match, uri in uris.items():
        equal(await asking.call("wamp.registration.lookup", uri, {"match": match}), ids[match])
    equal(await asking.call("wamp.registration.lookup", room.uri("a")), ids["exact"])
    equal(await asking.call("wamp.registration.lookup", room.uri("b")), None)
    for parts, match in ((["a"], "exact"), (["b", "x"], "prefix"), (["x", "c"], "wildcard")):
        equal(await asking.call("wamp.registration.match", room.uri(*parts)), ids[match])
    equal(await asking.call("wamp.registration.match", room.uri("x")), None)
    listed = await asking.call("wamp.registration.list")
    for match, identifier in ids.items():
        assert identifier in listed[match], listed


async def a_registration_is_described(room):
    asking, first, second = await room.join(), await room.join(), await room.join()
    shared = {"invoke": "roundrobin", "match": "prefix"}
    registration = await first.offer(room.uri(), lambda details: None, **shared)
    await second.offer(room.uri(), lambda details: None, **shared)
    found = await asking.call("wamp.registration.get", registration.id)
    equal((found["id"], found["uri"]), (registration.id, room.uri()))
    equal((found["match"], found["invoke"]), ("prefix", "roundrobin"))
    datetime.fromisoformat(found["created"])
    callees = await asking.call("wamp.registration.list_callees", registration.id)
    equal(sorted(callees), sorted([first.id, second.id]))
    equal(await asking.call("wamp.registration.count_callees", registration.id), 2)
    for name in ("get", "list_callees", "count_callees"):
        request = asking.call(f"wamp.registration.{name}", NOTHING)
        await fails("wamp.error.no_such_registration", request)


async def subscriptions_are_found(room):
    asking, subscriber = await room.join(), await room.join()
    uris = {"exact": room.uri("a", "c"), "prefix": room.uri("a"), "wildcard": room.uri("", "c")}
    ids = {}
    for match, uri in uris.items():
        ids[match] = (await subscriber.listen(uri, match=match)).subscription.id
    for match, uri in uris.items():
        equal(await asking.call("wamp.subscription.lookup", uri, {"match": match}), ids[match])
    equal(await asking.call("wamp.subscription.lookup", room.uri("a", "c")), ids["exact"])
    equal(await asking.call("wamp.subscription.lookup", room.uri("x")), None)
    matched = await asking.call("wamp.subscription.match", room.uri("a", "c"))
    equal(sorted(matched), sorted(ids.values()))
    equal(await asking.call("wamp.subscription.match", room.uri("x", "c")), [ids["wildcard"]])
    assert not await asking.call("wamp.subscription.match", room.uri("x"))
    listed = await asking.call("wamp.subscription.list")
    for match, identifier in ids.items():
        assert identifier in listed[match], listed


async def a_subscription_is_described(room):
    asking, first, second = await room.join(), await room.join(), await room.join()
    subscription = (await first.listen(room.uri(), match="prefix")).subscription
    again = (await second.listen(room.uri(), match="prefix")).subscription
    equal(again.id, subscription.id)
    found = await asking.call("wamp.subscription.get", subscription.id)
    equal((found["id"], found["uri"]), (subscription.id, room.uri()))
    equal(found["match"], "prefix")
    datetime.fromisoformat(found["created"])
    subscribers = await asking.call("wamp.subscription.list_subscribers", subscription.id)
    equal(sorted(subscribers), sorted([first.id, second.id]))
    equal(await asking.call("wamp.subscription.count_subscribers", subscription.id), 2)
    for name in ("get", "list_subscribers", "count_subscribers"):
        request = asking.call(f"wamp.subscription.{name}", NOTHING)
        await fails("wamp.error.no_such_subscription", request)


STEPS = [
    registrations_are_found,
    a_registration_is_described,
    subscriptions_are_found,
    a_subscription_is_described,
]

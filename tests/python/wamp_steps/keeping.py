"""What the router keeps: retained events, testaments, and the history of a subscription."""

from . import logins
from .kit import equal


async def a_retained_event_is_there_for_who_asks(room):
    publisher, asking, other = await room.join(), await room.join(), await room.join()
    await publisher.publish_with({"retain": True}, room.uri(), "older")
    publication = await publisher.publish_with({"retain": True}, room.uri(), "newer", why="kept")
    await publisher.publish_with({}, room.uri(), "not kept")
    kept = await asking.listen(room.uri(), get_retained=True)
    event = await kept.next()
    equal((event.args, event.kwargs), (("newer",), {"why": "kept"}))
    equal((event.details.retained, event.details.publication), (True, publication))
    not_kept = await other.listen(room.uri())
    await publisher.publish_with({}, room.uri(), "live")
    for inbox in (kept, not_kept):
        event = await inbox.next()
        equal(event.args, ("live",))
        assert not event.details.retained


async def a_retained_event_stays_between_whom_it_was_for(room):
    publisher, ann, bea = await room.join(), await room.join(), await room.join(logins.bea)
    options = {"retain": True, "eligible_authid": ["bea"]}
    await publisher.publish_with(options, room.uri(), "for bea")
    inboxes = [await session.listen(room.uri(), get_retained=True) for session in (ann, bea)]
    await publisher.publish_with({}, room.uri(), "last")
    equal([await inbox.first_args("last") for inbox in inboxes], [[], ["for bea"]])


async def a_testament_is_published_for_who_is_lost(room):
    observer, lost = await room.join(), await room.join()
    inbox = await observer.listen(room.uri())
    await lost.call("wamp.session.add_testament", room.uri(), ["first"], {"of": 2})
    await lost.call("wamp.session.add_testament", room.uri(), ["second"], {})
    lost.break_connection()
    event = await inbox.next()
    equal((event.args, event.kwargs), (("first",), {"of": 2}))
    equal((await inbox.next()).args, ("second",))


async def a_testament_is_published_for_who_leaves(room):
    observer, leaving = await room.join(), await room.join()
    inbox = await observer.listen(room.uri())
    await leaving.call("wamp.session.add_testament", room.uri(), ["last will"], {})
    leaving.leave()
    equal((await inbox.next()).args, ("last will",))


async def testaments_are_flushed_by_their_scope(room):
    observer, lost = await room.join(), await room.join()
    inbox = await observer.listen(room.uri())
    for scope in ("destroyed", "detached"):
        await lost.call("wamp.session.add_testament", room.uri(), [scope], {}, scope=scope)
    await lost.call("wamp.session.flush_testaments", scope="detached")
    lost.break_connection()
    equal((await inbox.next()).args, ("destroyed",))
    await (await room.join()).publish_with({}, room.uri(), "last")
    equal(await inbox.first_args("last"), [])


async def the_history_of_a_subscription_is_told(room):
    publisher, subscriber = await room.join(), await room.join()
    inbox = await subscriber.listen(room.uri())
    for number in range(5):
        await publisher.publish_with({}, room.uri(), number, squared=number * number)
    published = [await inbox.next() for _ in range(5)]

    async def history(**options):
        answer = await subscriber.call(
            "wamp.subscription.get_events", inbox.subscription.id, **options
        )
        return getattr(answer, "results", [answer])[0]

    events = await history()
    found = [(event["publication"], event["args"], event["kwargs"]) for event in events]
    expected = [(event.details.publication, event.args, event.kwargs) for event in published]
    equal(found, expected)
    newest = await history(reverse=True, limit=2)
    equal([event["args"] for event in newest], [[4], [3]])
    after = await history(after_publication=published[2].details.publication)
    equal([event["args"] for event in after], [[3], [4]])


STEPS = [
    a_retained_event_is_there_for_who_asks,
    a_retained_event_stays_between_whom_it_was_for,
    a_testament_is_published_for_who_is_lost,
    a_testament_is_published_for_who_leaves,
    testaments_are_flushed_by_their_scope,
    the_history_of_a_subscription_is_told,
]

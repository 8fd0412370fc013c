"""Events: that they arrive, once and in order, and tell who published them."""

from . import logins
from .kit import equal


async def publications_are_acknowledged(room):
    publisher, subscriber = await room.join(), await room.join()
    inbox = await subscriber.listen(room.uri())
    publication = await publisher.publish_with({}, room.uri(), 1, "two", three=3)
    event = await inbox.next()
    equal((event.args, event.kwargs), ((1, "two"), {"three": 3}))
    equal(event.details.publication, publication)
    # Without an acknowledgement there is no answer to wait for.
    equal(publisher.publish(room.uri(), "silent"), None)
    equal((await inbox.next()).args, ("silent",))


async def all_subscribers_get_the_same_event(room):
    publisher = await room.join()
    subscribers = [await room.join(), await room.join(logins.bea), await room.join(logins.cal)]
    inboxes = [await subscriber.listen(room.uri()) for subscriber in subscribers]
    publication = await publisher.publish_with({}, room.uri())
    for inbox in inboxes:
        equal((await inbox.next()).details.publication, publication)


async def events_arrive_in_order(room):
    publisher, subscriber = await room.join(), await room.join()
    inbox = await subscriber.listen(room.uri())
    for number in range(300):
        publisher.publish(room.uri(), number)
    await publisher.publish_with({}, room.uri(), "last")
    equal(await inbox.first_args("last"), list(range(300)))


async def the_publisher_is_left_out_unless_it_asks(room):
    session = await room.join()
    inbox = await session.listen(room.uri())
    await session.publish_with({}, room.uri(), "by default")
    await session.publish_with({"exclude_me": True}, room.uri(), "excluded")
    await session.publish_with({"exclude_me": False}, room.uri(), "included")
    equal(await inbox.first_args("included"), [])


async def the_publisher_is_disclosed(room):
    subscriber = await room.join()
    inbox = await subscriber.listen(room.uri())
    for login in (logins.ann, logins.bea):
        publisher = await room.join(login)
        await publisher.publish_with({}, room.uri())
        found, expected = (await inbox.next()).details, publisher.session_details
        equal(
            (found.publisher, found.publisher_authid, found.publisher_authrole),
            (expected.session, expected.authid, expected.authrole),
        )


async def who_unsubscribed_gets_no_more(room):
    publisher, subscriber = await room.join(), await room.join()
    inbox = await subscriber.listen(room.uri())
    await publisher.publish_with({}, room.uri(), "before")
    equal((await inbox.next()).args, ("before",))
    await inbox.subscription.unsubscribe()
    await publisher.publish_with({}, room.uri(), "meanwhile")
    again = await subscriber.listen(room.uri())
    await publisher.publish_with({}, room.uri(), "after")
    equal(await again.first_args("after"), [])


STEPS = [
    publications_are_acknowledged,
    all_subscribers_get_the_same_event,
    events_arrive_in_order,
    the_publisher_is_left_out_unless_it_asks,
    the_publisher_is_disclosed,
    who_unsubscribed_gets_no_more,
]

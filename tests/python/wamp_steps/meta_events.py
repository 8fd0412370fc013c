"""The meta events of registrations and subscriptions: what comes and goes."""

from .kit import equal


async def _observe(room, kind, names):
    """Where the meta events of a kind arrive, by their names."""
    observer = await room.join()
    return {name: await observer.listen(f"wamp.{kind}.{name}") for name in names}


async def registrations_are_told(room):
    names = ("on_create", "on_register", "on_unregister", "on_delete")
    told = await _observe(room, "registration", names)
    first, second = await room.join(), await room.join()
    registrations = [
        await session.offer(room.uri(), lambda details: None, invoke="first")
        for session in (first, second)
    ]
    identifier = registrations[0].id
    created = (await told["on_create"].about(first.id)).args[1]
    equal((created["id"], created["uri"]), (identifier, room.uri()))
    equal((created["match"], created["invoke"]), ("exact", "first"))
    for session in (first, second):
        equal((await told["on_register"].about(session.id)).args[1], identifier)
    for session, registration in zip((first, second), registrations):
        await registration.unregister()
        equal((await told["on_unregister"].about(session.id)).args[1], identifier)
    # It goes with its last callee.
    equal((await told["on_delete"].next()).args, (second.id, identifier))


async def subscriptions_are_told(room):
    names = ("on_create", "on_subscribe", "on_unsubscribe", "on_delete")
    told = await _observe(room, "subscription", names)
    first, second = await room.join(), await room.join()
    inboxes = [await session.listen(room.uri(), match="prefix") for session in (first, second)]
    identifier = inboxes[0].subscription.id
    created = (await told["on_create"].about(first.id)).args[1]
    equal((created["id"], created["uri"]), (identifier, room.uri()))
    equal(created["match"], "prefix")
    for session in (first, second):
        equal((await told["on_subscribe"].about(session.id)).args[1], identifier)
    for session, inbox in zip((first, second), inboxes):
        await inbox.subscription.unsubscribe()
        equal((await told["on_unsubscribe"].about(session.id)).args[1], identifier)
    # It goes with its last subscriber.
    equal((await told["on_delete"].next()).args, (second.id, identifier))


async def what_the_lost_leave_behind_is_told(room):
    unregistered = await _observe(room, "registration", ("on_unregister", "on_delete"))
    unsubscribed = await _observe(room, "subscription", ("on_unsubscribe", "on_delete"))
    lost = await room.join()
    registration = await lost.offer(room.uri(), lambda details: None)
    subscription = (await lost.listen(room.uri())).subscription
    lost.break_connection()
    for told, identifier in ((unregistered, registration.id), (unsubscribed, subscription.id)):
        for inbox in told.values():
            equal((await inbox.about(lost.id)).args[1], identifier)


STEPS = [registrations_are_told, subscriptions_are_told, what_the_lost_leave_behind_is_told]

"""The meta API of sessions: who is there, who comes and goes, who is sent away."""

from . import logins
from .kit import equal, fails

NO_SUCH_SESSION = "wamp.error.no_such_session"


async def sessions_are_counted_and_listed(room):
    ann, guest = await room.join(), await room.join(logins.guest)
    everybody = await ann.call("wamp.session.list")
    assert {ann.id, guest.id} <= set(everybody), everybody
    equal(await ann.call("wamp.session.count"), len(everybody))
    users = await ann.call("wamp.session.list", ["user"])
    assert ann.id in users and guest.id not in users, users
    equal(await ann.call("wamp.session.count", ["user"]), len(users))
    bea = await room.join(logins.bea)
    equal(await ann.call("wamp.session.count", ["user"]), len(users) + 1)
    bea.leave()
    await bea.closed
    equal(await ann.call("wamp.session.count", ["user"]), len(users))


async def a_session_is_described(room):
    ann, guest = await room.join(), await room.join(logins.guest)
    for session in (ann, guest):
        found, expected = await ann.call("wamp.session.get", session.id), session.session_details
        equal(found["session"], expected.session)
        for name in ("authid", "authrole", "authmethod", "authprovider"):
            equal(found[name], getattr(expected, name), name)
    guest.leave()
    await guest.closed
    await fails(NO_SUCH_SESSION, ann.call("wamp.session.get", guest.id))


async def a_session_is_killed(room):
    ann, bea = await room.join(), await room.join(logins.bea)
    why = {"reason": "com.example.bye", "message": "see you"}
    await ann.call("wamp.session.kill", bea.id, **why)
    details = await bea.left
    equal((details.reason, details.message), ("com.example.bye", "see you"))
    await bea.closed
    await fails(NO_SUCH_SESSION, ann.call("wamp.session.kill", bea.id))
    # Nobody kills themselves.
    await fails(NO_SUCH_SESSION, ann.call("wamp.session.kill", ann.id))


async def sessions_are_killed_by_authid_and_authrole(room):
    ann = await room.join()
    beas = [await room.join(logins.bea), await room.join(logins.bea)]
    killed = await ann.call("wamp.session.kill_by_authid", "bea")
    equal(sorted(killed), sorted(bea.id for bea in beas))
    for bea in beas:
        equal((await bea.left).reason, "wamp.close.normal")
    guest = await room.join(logins.guest)
    equal(await ann.call("wamp.session.kill_by_authrole", "guest", reason="com.example.bye"), 1)
    equal((await guest.left).reason, "com.example.bye")
    # The caller is not among those of the own role.
    cal = await room.join(logins.cal)
    equal(await ann.call("wamp.session.kill_by_authrole", "user"), 1)
    equal((await cal.left).reason, "wamp.close.normal")
    assert await ann.call("wamp.session.count") >= 1


async def joining_and_leaving_are_told(room):
    observer = await room.join()
    joined = await observer.listen("wamp.session.on_join")
    left = await observer.listen("wamp.session.on_leave")
    bea = await room.join(logins.bea)
    expected = bea.session_details
    while (event := await joined.next()).args[0]["session"] != bea.id:
        pass
    for name in ("authid", "authrole", "authmethod", "authprovider"):
        equal(event.args[0][name], getattr(expected, name), name)
    bea.leave()
    equal((await left.about(bea.id)).args, (bea.id, "bea", "user"))
    lost = await room.join(logins.cal)
    identifier = lost.id
    lost.break_connection()
    equal((await left.about(identifier)).args, (identifier, "cal", "user"))


STEPS = [
    sessions_are_counted_and_listed,
    a_session_is_described,
    a_session_is_killed,
    sessions_are_killed_by_authid_and_authrole,
    joining_and_leaving_are_told,
]

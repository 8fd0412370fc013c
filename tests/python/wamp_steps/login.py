"""Who is let in, as whom, and what guests may do."""

from autobahn.wamp import types

from . import logins
from .kit import equal, fails

# What a router may call a secret that is wrong, or a user whom it does not know.
DENIED = ("wamp.error.authentication_failed", "wamp.error.not_authorized")

NOT_AUTHORIZED = "wamp.error.not_authorized"


async def _logs_in(room, login, authid, method):
    details = (await room.join(login)).session_details
    equal((details.authid, details.authrole, details.authmethod), (authid, "user", method))
    equal(details.realm, "realm1")


async def ticket_logs_in(room):
    await _logs_in(room, logins.ann, "ann", "ticket")


async def wampcra_logs_in(room):
    await _logs_in(room, logins.bea, "bea", "wampcra")


async def salted_wampcra_logs_in(room):
    await _logs_in(room, logins.cal, "cal", "wampcra")


async def cryptosign_logs_in(room):
    await _logs_in(room, logins.dan, "dan", "cryptosign")


async def scram_logs_in(room):
    await _logs_in(room, logins.eve, "eve", "scram")


async def anonymous_is_a_guest(room):
    details = (await room.join(logins.guest)).session_details
    equal((details.authrole, details.authmethod), ("guest", "anonymous"))


async def wrong_secrets_are_refused(room):
    for login in (
        lambda: logins.ticket("ann", "secret-of-bea"),
        lambda: logins.wampcra("bea", "secret-of-ann"),
        lambda: logins.wampcra("cal", "secret-of-ann"),
        lambda: logins.cryptosign("dan", "4e" * 32),
        lambda: logins.scram("eve", "secret-of-ann"),
    ):
        reason = await room.refused(login)
        assert reason in DENIED, reason


async def unknown_users_are_refused(room):
    # A router slows down who guesses, and does so by the name: each is used here only.
    for login in (
        lambda: logins.ticket(room.uri("ticket"), "secret-of-ann"),
        lambda: logins.wampcra(room.uri("wampcra"), "secret-of-bea"),
        lambda: logins.cryptosign(room.uri("cryptosign"), logins.PRIVATE_KEY),
        lambda: logins.scram(room.uri("scram"), "secret-of-eve"),
    ):
        reason = await room.refused(login)
        assert reason in DENIED, reason


async def unknown_realms_are_refused(room):
    for login in (logins.ann, logins.guest):
        equal(await room.refused(login, realm="realm2"), "wamp.error.no_such_realm")


async def guests_call_and_subscribe_in_public(room):
    user, guest = await room.join(), await room.join(logins.guest)
    uri = room.public_uri("square")
    await user.offer(uri, lambda number, details: number * number)
    equal(await guest.call(uri, 7), 49)
    inbox = await guest.listen(uri)
    await user.publish_with({}, uri, "seen")
    equal((await inbox.next()).args, ("seen",))


async def guests_are_refused_elsewhere(room):
    user, guest = await room.join(), await room.join(logins.guest)
    await user.offer(room.uri(), lambda details: None)
    await fails(NOT_AUTHORIZED, guest.call(room.uri()))
    await fails(NOT_AUTHORIZED, guest.call("wamp.session.list"))
    await fails(NOT_AUTHORIZED, guest.subscribe(print, room.uri()))
    prefix = types.SubscribeOptions(match="prefix")
    await fails(NOT_AUTHORIZED, guest.subscribe(print, "com.example", prefix))
    for uri in (room.uri("x"), room.public_uri("x")):
        await fails(NOT_AUTHORIZED, guest.publish_with({}, uri))
        await fails(NOT_AUTHORIZED, guest.register(print, uri))


async def leaving_is_answered(room):
    session = await room.join()
    session.leave()
    equal((await session.left).reason, "wamp.close.goodbye_and_out")
    await session.closed


STEPS = [
    ticket_logs_in,
    wampcra_logs_in,
    salted_wampcra_logs_in,
    cryptosign_logs_in,
    scram_logs_in,
    anonymous_is_a_guest,
    wrong_secrets_are_refused,
    unknown_users_are_refused,
    unknown_realms_are_refused,
    guests_call_and_subscribe_in_public,
    guests_are_refused_elsewhere,
    leaving_is_answered,
]

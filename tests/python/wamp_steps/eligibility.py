"""Who gets an event, where its publisher names some."""

from . import logins
from .kit import equal


async def _audience(room):
    """A publisher, three subscribers of different users and roles, and where their events are."""
    publisher = await room.join()
    logins_of_all = (logins.ann, logins.bea, logins.guest)
    subscribers = [await room.join(login) for login in logins_of_all]
    inboxes = [await subscriber.listen(room.public_uri()) for subscriber in subscribers]
    return publisher, subscribers, inboxes


async def _reaches(room, publisher, inboxes, options, *expected):
    """An event with these options reaches those of ann, bea and the guest whom it should."""
    await publisher.publish_with(options, room.public_uri(), "some")
    await publisher.publish_with({}, room.public_uri(), "all")
    found = [await inbox.first_args("all") == ["some"] for inbox in inboxes]
    equal(found, list(expected), options)


async def sessions_are_eligible_or_excluded(room):
    publisher, (ann, bea, guest), inboxes = await _audience(room)
    yes, no = True, False
    for options, *expected in (
        ({"eligible": [ann.id, guest.id]}, yes, no, yes),
        ({"eligible": []}, no, no, no),
        ({"exclude": [ann.id, guest.id]}, no, yes, no),
        ({"exclude": []}, yes, yes, yes),
        ({"eligible": [ann.id, bea.id], "exclude": [bea.id]}, yes, no, no),
        ({"exclude": [publisher.id]}, yes, yes, yes),
    ):
        await _reaches(room, publisher, inboxes, options, *expected)


async def authids_are_eligible_or_excluded(room):
    publisher, (_, _, guest), inboxes = await _audience(room)
    authid = guest.session_details.authid
    yes, no = True, False
    for options, *expected in (
        ({"eligible_authid": ["bea"]}, no, yes, no),
        ({"eligible_authid": ["nobody"]}, no, no, no),
        ({"exclude_authid": ["bea", authid]}, yes, no, no),
        ({"eligible_authid": ["ann", "bea"], "exclude_authid": ["ann"]}, no, yes, no),
    ):
        await _reaches(room, publisher, inboxes, options, *expected)


async def authroles_are_eligible_or_excluded(room):
    publisher, (ann, _, _), inboxes = await _audience(room)
    yes, no = True, False
    for options, *expected in (
        ({"eligible_authrole": ["guest"]}, no, no, yes),
        ({"exclude_authrole": ["guest"]}, yes, yes, no),
        ({"eligible_authrole": ["user", "guest"], "exclude": [ann.id]}, no, yes, yes),
        ({"eligible_authrole": ["user"], "exclude_authid": ["bea"]}, yes, no, no),
    ):
        await _reaches(room, publisher, inboxes, options, *expected)


STEPS = [
    sessions_are_eligible_or_excluded,
    authids_are_eligible_or_excluded,
    authroles_are_eligible_or_excluded,
]

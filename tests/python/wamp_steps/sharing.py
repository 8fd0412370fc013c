"""Several callees of one procedure: who may register, and who is called."""

from collections import Counter

from . import logins
from .kit import equal, fails

# The specification says that it fails, and not with which URI; Autobahn knows the second.
OCCUPIED = (
    "wamp.error.procedure_already_exists",
    "wamp.error.procedure_exists_with_different_invocation_policy",
)


async def _three_callees(room, policy):
    """Three sessions that share a procedure and answer with their number, and a caller."""
    callees = [await room.join(), await room.join(logins.bea), await room.join(logins.cal)]
    for number, callee in enumerate(callees):
        await callee.offer(room.uri(), lambda details, number=number: number, invoke=policy)
    return await room.join(), callees


async def _called(room, caller, count):
    return [await caller.call(room.uri()) for _ in range(count)]


async def a_procedure_has_one_callee(room):
    first, second = await room.join(), await room.join()
    for policy in ({}, {"invoke": "single"}):
        registration = await first.offer(room.uri(), lambda details: "first", **policy)
        for again in ({}, {"invoke": "single"}):
            request = second.offer(room.uri(), lambda details: "second", **again)
            await fails("wamp.error.procedure_already_exists", request)
        equal(await second.call(room.uri()), "first")
        await registration.unregister()


async def a_policy_is_not_changed_by_the_next(room):
    first, second = await room.join(), await room.join()
    await first.offer(room.uri(), lambda details: None, invoke="roundrobin")
    for policy in ({"invoke": "single"}, {"invoke": "first"}, {}):
        await fails(OCCUPIED, second.offer(room.uri(), lambda details: None, **policy))
    await second.offer(room.uri(), lambda details: None, invoke="roundrobin")


async def the_first_is_called(room):
    caller, callees = await _three_callees(room, "first")
    equal(await _called(room, caller, 3), [0, 0, 0])
    await _gone(callees[0])
    equal(await _called(room, caller, 2), [1, 1])
    await _gone(callees[2])
    equal(await _called(room, caller, 2), [1, 1])


async def the_last_is_called(room):
    caller, callees = await _three_callees(room, "last")
    equal(await _called(room, caller, 3), [2, 2, 2])
    await _gone(callees[2])
    equal(await _called(room, caller, 2), [1, 1])


async def all_are_called_in_turn(room):
    caller, callees = await _three_callees(room, "roundrobin")
    answers = await _called(room, caller, 6)
    equal(sorted(answers[:3]), [0, 1, 2])
    equal(answers[3:], answers[:3])
    await _gone(callees[1])
    equal(Counter(await _called(room, caller, 4)), Counter({0: 2, 2: 2}))


async def all_are_called_at_random(room):
    caller, callees = await _three_callees(room, "random")
    # That one of three is never called in 200 times is as good as impossible.
    equal(set(await _called(room, caller, 200)), {0, 1, 2})
    await _gone(callees[0])
    equal(set(await _called(room, caller, 100)), {1, 2})


async def a_registration_is_taken_over(room):
    first, second, caller = await room.join(), await room.join(), await room.join()
    await first.offer(room.uri(), lambda details: "first", force_reregister=True)
    equal(await caller.call(room.uri()), "first")
    await second.offer(room.uri(), lambda details: "second", force_reregister=True)
    equal(await caller.call(room.uri()), "second")
    # Who was evicted is still there, and may do the same.
    third = await room.join()
    await third.offer(room.uri(), lambda details: "third", force_reregister=True)
    equal(await first.call(room.uri()), "third")


async def _gone(session):
    session.leave()
    await session.closed


STEPS = [
    a_procedure_has_one_callee,
    a_policy_is_not_changed_by_the_next,
    the_first_is_called,
    the_last_is_called,
    all_are_called_in_turn,
    all_are_called_at_random,
    a_registration_is_taken_over,
]

"""Calls that take long: their progress, and how they are ended before they are done."""

import asyncio

from autobahn.wamp.exception import ApplicationError

from .kit import CannotDo, equal, fails

CANCELED = "wamp.error.canceled"


class LongCall:
    """A procedure that answers only when it is told to, or when it is interrupted."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.called = loop.create_future()
        self.answer = loop.create_future()
        self.interrupted = loop.create_future()

    async def __call__(self, details):
        self.called.set_result(details)
        try:
            return await self.answer
        except asyncio.CancelledError:
            self.interrupted.set_result(None)
            raise ApplicationError(CANCELED, "by the callee") from None

    def finish(self):
        """Answers, unless it was interrupted."""
        if not self.answer.done():
            self.answer.set_result("late")


async def _a_long_call(room, **options):
    """A call that has reached its callee."""
    caller, callee = await room.join(), await room.join()
    long = LongCall()
    await callee.offer(room.uri(), long.__call__)
    await callee.offer(room.uri("short"), lambda details: "answered")
    call = asyncio.ensure_future(caller.call_with(options, room.uri()))
    await long.called
    return caller, long, call


async def progress_arrives_before_the_result(room):
    caller, callee = await room.join(), await room.join()

    async def count(last, details):
        for number in range(last):
            details.progress(number, of=last)
        return last

    await callee.offer(room.uri(), count)
    found = []

    def on_progress(number, of):
        found.append((number, of))

    equal(await caller.call_with({"on_progress": on_progress}, room.uri(), 5), 5)
    equal(found, [(number, 5) for number in range(5)])


async def without_a_wish_there_is_no_progress(room):
    caller, callee = await room.join(), await room.join()
    await callee.offer(room.uri(), lambda details: details.progress is None)
    equal(await caller.call(room.uri()), True)


async def progressive_invocations(room):
    raise CannotDo("it has no call whose arguments are sent in parts")


async def a_skipped_call_goes_on_unheard(room):
    caller, long, call = await _a_long_call(room)
    caller.cancel_last_call("skip")
    error = await fails(CANCELED, call)
    assert "by the callee" not in error.args, error.args
    # The answer that comes too late harms nobody.
    long.finish()
    equal(await caller.call(room.uri("short")), "answered")
    assert not long.interrupted.done()


async def a_killed_call_ends_as_its_callee_says(room):
    caller, long, call = await _a_long_call(room)
    caller.cancel_last_call("kill")
    equal((await fails(CANCELED, call)).args, ("by the callee",))
    await long.interrupted
    equal(await caller.call(room.uri("short")), "answered")


async def a_call_killed_without_waiting_ends_at_once(room):
    caller, long, call = await _a_long_call(room)
    caller.cancel_last_call("killnowait")
    error = await fails(CANCELED, call)
    assert "by the callee" not in error.args, error.args
    await long.interrupted
    equal(await caller.call(room.uri("short")), "answered")


async def the_client_cancels_by_itself(room):
    caller, long, call = await _a_long_call(room)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()
    equal(await caller.call(room.uri("short")), "answered")
    long.finish()


async def a_call_times_out(room):
    caller, long, call = await _a_long_call(room, timeout=200)
    await fails(("wamp.error.timeout", CANCELED), call)
    await long.interrupted
    equal(await caller.call(room.uri("short")), "answered")


async def a_call_in_time_is_answered(room):
    caller, callee = await room.join(), await room.join()
    await callee.offer(room.uri(), lambda details: "in time")
    equal(await caller.call_with({"timeout": 60_000}, room.uri()), "in time")


STEPS = [
    progress_arrives_before_the_result,
    without_a_wish_there_is_no_progress,
    progressive_invocations,
    a_skipped_call_goes_on_unheard,
    a_killed_call_ends_as_its_callee_says,
    a_call_killed_without_waiting_ends_at_once,
    the_client_cancels_by_itself,
    a_call_times_out,
    a_call_in_time_is_answered,
]

"""Calls: what goes there and back, and how they fail."""

import asyncio

from autobahn.wamp import types
from autobahn.wamp.exception import ApplicationError

from . import logins
from .kit import equal, fails


async def args_and_kwargs_go_both_ways(room):
    caller, callee = await room.join(), await room.join()

    async def mirror(*args, details, **kwargs):
        return types.CallResult(*args, **kwargs)

    await callee.offer(room.uri(), mirror)
    result = await caller.call(room.uri(), 1, "two", [3], four=4, five={"six": 6})
    equal(result.results, (1, "two", [3]))
    equal(result.kwresults, {"four": 4, "five": {"six": 6}})
    equal((await caller.call(room.uri(), only="named")).kwresults, {"only": "named"})
    equal(await caller.call(room.uri(), "only"), "only")
    equal(await caller.call(room.uri()), None)


async def errors_carry_args_and_kwargs(room):
    caller, callee = await room.join(), await room.join()

    def refuse(*args, details, **kwargs):
        raise ApplicationError("com.example.error.refused", *args, **kwargs)

    await callee.offer(room.uri(), refuse)
    error = await fails("com.example.error.refused", caller.call(room.uri(), 1, "two", three=3))
    equal(error.args, (1, "two"))
    equal(error.kwargs, {"three": 3})


async def what_breaks_is_a_runtime_error(room):
    caller, callee = await room.join(), await room.join()
    await callee.offer(room.uri(), lambda details: {}["missing"])
    error = await fails("wamp.error.runtime_error", caller.call(room.uri()))
    equal(error.args, ("missing",))


async def what_is_not_registered_cannot_be_called(room):
    caller, callee = await room.join(), await room.join()
    await fails("wamp.error.no_such_procedure", caller.call(room.uri()))
    registration = await callee.offer(room.uri(), lambda details: "here")
    equal(await caller.call(room.uri()), "here")
    await registration.unregister()
    await fails("wamp.error.no_such_procedure", caller.call(room.uri()))


async def a_callee_that_leaves_takes_its_procedures_along(room):
    caller, callee = await room.join(), await room.join()
    await callee.offer(room.uri(), lambda details: "here")
    equal(await caller.call(room.uri()), "here")
    callee.leave()
    await callee.closed
    await fails("wamp.error.no_such_procedure", caller.call(room.uri()))


async def a_callee_that_is_lost_fails_its_calls(room):
    caller, callee = await room.join(), await room.join()
    called, answer = asyncio.Event(), asyncio.Event()

    async def wait(details):
        called.set()
        await answer.wait()

    await callee.offer(room.uri(), wait)
    call = asyncio.ensure_future(caller.call(room.uri()))
    await called.wait()
    callee.break_connection()
    await fails("wamp.error.canceled", call)
    answer.set()


async def the_caller_is_disclosed(room):
    callee = await room.join()
    uri = room.public_uri()

    def who(details):
        return [details.caller, details.caller_authid, details.caller_authrole]

    await callee.offer(uri, who)
    for login in (logins.ann, logins.bea, logins.guest):
        caller = await room.join(login)
        expected = caller.session_details
        equal(await caller.call(uri), [expected.session, expected.authid, expected.authrole])


async def many_calls_wait_at_the_same_time(room):
    caller, callee = await room.join(), await room.join()
    waiting = []

    async def answer_in_reverse(number, details):
        waiting.append(asyncio.get_running_loop().create_future())
        if len(waiting) == 100:
            for future in reversed(waiting):
                future.set_result(None)
        await waiting[number]
        return number

    await callee.offer(room.uri(), answer_in_reverse)
    calls = [caller.call(room.uri(), number) for number in range(100)]
    equal(await asyncio.gather(*calls), list(range(100)))


async def a_session_calls_itself(room):
    session = await room.join()
    await session.offer(room.uri(), lambda text, details: text + "!")
    equal(await session.call(room.uri(), "hello"), "hello!")


STEPS = [
    args_and_kwargs_go_both_ways,
    errors_carry_args_and_kwargs,
    what_breaks_is_a_runtime_error,
    what_is_not_registered_cannot_be_called,
    a_callee_that_leaves_takes_its_procedures_along,
    a_callee_that_is_lost_fails_its_calls,
    the_caller_is_disclosed,
    many_calls_wait_at_the_same_time,
    a_session_calls_itself,
]

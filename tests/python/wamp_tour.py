"""Walks autobahn-python, an outside WAMP client, through what a router can do.

Usage: `python wamp_tour.py ws://127.0.0.1:8080/ws tcp://127.0.0.1:8081 unix:/run/wamp.sock`, any
number of URLs of one router that knows the users of `wamp_steps/logins.py`. Every step is taken
with every serializer over every transport. A line tells how each went; with one that failed the
exit code is 1.
"""

import asyncio
import sys
import traceback
from collections import Counter

import txaio
from wamp_steps import (
    calling,
    canceling,
    eligibility,
    events,
    keeping,
    login,
    meta_events,
    meta_sessions,
    meta_tables,
    patterns,
    sharing,
    together,
    values,
)
from wamp_steps.kit import DEADLINE, CannotDo, Room
from wamp_steps.transports import links

STEPS = [
    *login.STEPS,
    *calling.STEPS,
    *values.STEPS,
    *events.STEPS,
    *eligibility.STEPS,
    *patterns.STEPS,
    *sharing.STEPS,
    *canceling.STEPS,
    *keeping.STEPS,
    *meta_sessions.STEPS,
    *meta_tables.STEPS,
    *meta_events.STEPS,
    *together.STEPS,
]


async def take(step, room):
    """Takes a step, and tells how it went: `ok`, `n/a` or `FAILED`, and why."""
    try:
        try:
            await asyncio.wait_for(step(room), DEADLINE)
        finally:
            await asyncio.wait_for(room.close(), DEADLINE)
    except CannotDo as reason:
        return "n/a", f": {reason}"
    except Exception as error:
        traceback.print_exc(file=sys.stdout)
        late = isinstance(error, TimeoutError)
        return "FAILED", f": not within {DEADLINE} seconds" if late else f": {error}"
    return "ok", ""


async def tour(urls):
    """Takes all steps, and returns the exit code."""
    txaio.config.loop = asyncio.get_running_loop()
    counts = Counter()
    ways = links(urls)
    walk = [(link, step) for link in ways for step in STEPS]
    for number, (link, step) in enumerate(walk):
        said, why = await take(step, Room(link, ways, number))
        counts[said] += 1
        print(f"{said} {link.name}/{step.__name__}{why}", flush=True)
    found = ", ".join(f"{count} {said}" for said, count in counts.items())
    print(f"the tour is complete: {found}")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(asyncio.run(tour(sys.argv[1:])))

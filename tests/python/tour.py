"""Walks the outside Python client of the Games API through every kind of endpoint.

Usage: `python tour.py http://127.0.0.1:8100/apis/`, on a database that holds nothing but its staff
account. Every step is named as it begins; the first that fails ends the tour with exit code 1.
"""

import sys
import traceback

from steps import bulk, core, errors, hooks, index, lists, people, rewind
from steps.kit import Tour

# In this order: later steps use the game that the first of them leaves behind.
STEPS = [
    *index.STEPS,
    *core.STEPS,
    *lists.STEPS,
    *bulk.STEPS,
    *rewind.STEPS,
    *people.STEPS,
    *hooks.STEPS,
    *errors.STEPS,
]


def main(arguments):
    """Takes the tour and returns the exit code."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    tour = Tour(arguments[0])
    for step in STEPS:
        print(f"- {step.__doc__}", flush=True)
        try:
            step(tour)
        except Exception:
            traceback.print_exc(file=sys.stdout)
            print(f"FAILED: {step.__name__}\nthe last requests: {tour.last_requests()}")
            return 1
    try:
        tour.check_all_answers()
    except AssertionError as error:
        print(f"FAILED: {error}")
        return 1
    print(f"the tour is complete: {len(STEPS)} steps, {len(tour.requests)} requests")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

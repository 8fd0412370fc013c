"""The action that sets a scenario back to an earlier period."""

from .kit import NOWHERE, equal, keys, refused


def a_played_scenario(tour, orders):
    """A scenario with periods, each with a decision and a result."""
    staff = tour.staff
    scenario = staff.scenarios.create({"name": "Rewound", "world": tour.made.world}).id
    rows = [{"scenario": scenario, "order": order} for order in orders]
    periods = staff.bulk.periods.create(rows, return_ids=True)
    rows = [{"period": period, "name": "played", "role": None} for period in periods]
    staff.bulk.decisions.create(rows)
    staff.bulk.results.create(rows)
    return scenario, periods


def left(tour, scenario):
    """The periods of a scenario, and those with a decision and with a result."""
    periods = keys(tour.staff.periods.filter(scenario=scenario))
    leaves = (tour.staff.decisions, tour.staff.results)
    return periods, *([row.period for row in it.filter(scenario=scenario)] for it in leaves)


def what_comes_later_is_deleted(tour):
    """rewinding deletes later periods and empties the one that is kept"""
    scenario, periods = a_played_scenario(tour, [1, 2, 3, 4])
    answer = tour.staff.scenarios(id=scenario).rewind(last_period_order=3)
    equal((answer.status_code, answer.data), (204, None))
    equal(left(tour, scenario), (periods[:3], periods[:2], periods[:2]))

    kept = {"delete_last_period_decisions": False, "delete_last_period_results": True}
    tour.staff.scenarios(id=scenario).rewind(last_period_order="2", **kept)
    equal(left(tour, scenario), (periods[:2], periods[:2], periods[:1]))
    kept = {"delete_last_period_decisions": False, "delete_last_period_results": False}
    tour.staff.scenarios(pk=scenario).rewind(last_period_order=1, **kept)
    equal(left(tour, scenario), (periods[:1], periods[:1], periods[:1]))


def what_cannot_be_rewound_stays(tour):
    """a rewind to a period that is not there deletes nothing"""
    scenario, periods = a_played_scenario(tour, [1, 2])
    scenarios = tour.staff.scenarios
    message = "A valid integer is required."
    for order in ("x", None, 1.5, [1]):
        told = refused(scenarios(id=scenario).rewind, last_period_order=order)
        equal(told, {"last_period_order": [message]}, f"{order!r}")
    # Periods are counted from 1, and the default is 0.
    assert "last_period_order" in refused(scenarios(id=scenario).rewind)
    equal(scenarios(id=NOWHERE).rewind(last_period_order=1).status_code, 404)
    equal(scenarios("get", id=scenario).rewind(last_period_order=1).status_code, 405)
    equal(left(tour, scenario), (periods,) * 3)


STEPS = [what_comes_later_is_deleted, what_cannot_be_rewound_stays]

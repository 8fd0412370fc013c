"""Many rows at once: made together or not at all, deleted by filter."""

from .kit import GamesAPIClient, equal, keys, raises, refused


def rows_for(made):
    """For each collection two rows that can be made together, and the filter that finds them."""
    run = {"name": "bulk run", "game": made.game}
    leaf = {"period": made.period, "role": made.role}
    members = [{"user": user, "run": made.bulk_run} for user in (made.user, made.other_user)]
    return {
        "runs": ([run | {"active": False}] * 2, {"game": made.game, "active": False}),
        "phases": (named({"game": made.game}), {"name": "bulk 1"}),
        "roles": (named({"game": made.game}), {"name": "bulk 1", "game_slug": "tour-game"}),
        "worlds": (named({"run": made.bulk_run}), {"run": made.bulk_run}),
        "runusers": (members, {"run": made.bulk_run}),
        "scenarios": (named({"world": made.bulk_world}), {"world": made.bulk_world}),
        "periods": (
            [{"scenario": made.scenario, "order": order} for order in (8, 9)],
            {"scenario": made.scenario, "order": 9},
        ),
        "decisions": (named(leaf), {"period": made.period, "name": "bulk 1"}),
        "results": (named(leaf), {"scenario": made.scenario, "role": made.role}),
    }


def named(fields):
    """Two rows that differ in their names."""
    return [fields | {"name": f"bulk {number}"} for number in (1, 2)]


def every_collection_is_made_and_deleted_in_bulk(tour):
    """rows of nine collections are made in bulk and deleted by filter"""
    made = tour.made
    made.bulk_run = tour.staff.runs.create({"name": "for bulk", "game": made.game}).id
    world = {"name": "for bulk", "run": tour.made.run}
    made.bulk_world = tour.staff.worlds.create(world).id
    for collection, (rows, lookup) in rows_for(made).items():
        endpoint, bulk = tour.staff[collection], tour.staff.bulk[collection]
        before = keys(endpoint.all())
        equal(bulk.create(rows), None, "without keys")
        new = [row for row in endpoint.all() if row.id not in before]
        equal([{name: row.payload[name] for name in rows[0]} for row in new], rows, collection)
        gone = keys(endpoint.filter(**lookup))
        assert gone and set(gone) <= set(keys(new)), f"{collection} {lookup} finds {gone}"
        equal(bulk.delete(**lookup), None)
        left = [key for key in keys(new) if key not in gone]
        equal(keys(endpoint.all()), before + left, f"{collection} {lookup}")
        for key in left:
            endpoint.delete(key)


def keys_are_told_in_their_order(tour):
    """the keys of what was made in bulk come in the order of the rows"""
    rows = [{"period": tour.made.period, "name": f"{n}", "role": None} for n in (3, 1, 2)]
    made = tour.staff.bulk.results.create(rows, return_ids=True)
    equal([tour.staff.results.get(id=key).name for key in made], ["3", "1", "2"])
    equal(tour.staff.bulk.results.create([], return_ids=True), [])
    tour.staff.bulk.results.delete(period=tour.made.period, name=["1", "3"])
    left = tour.staff.results.filter(period=tour.made.period)
    equal(sorted(row.name for row in left), ["1", "2"])
    tour.staff.bulk.results.delete(period=tour.made.period)


def a_bad_row_takes_all_along(tour):
    """one bad row of a bulk request keeps all others from being stored"""
    decisions, period = tour.staff.bulk.decisions, tour.made.period
    good = {"period": period, "name": "good", "role": None}
    message = "The fields name, period, role must make a unique set."
    equal(refused(decisions.create, [good, good]), [{}, {"non_field_errors": [message]}])
    bad = [{"period": period, "name": "", "role": 5000}, {"period": period, "name": "b"}]
    equal(
        refused(decisions.create, [good, *bad]),
        [
            {},
            {
                "name": ["This field may not be blank."],
                "role": ['Invalid pk "5000" - object does not exist.'],
            },
            {"role": ["This field is required."]},
        ],
    )
    equal(tour.staff.decisions.filter(period=period), [])


def a_deletion_needs_a_filter(tour):
    """a bulk deletion without a filter, or with a misspelled one, deletes nothing"""
    decision = tour.staff.decisions.create({"period": tour.made.period, "name": "kept"})
    decisions = tour.staff.bulk.decisions
    told = {"non_field_errors": ["At least one filter is required."]}
    equal(refused(decisions.delete), told)
    equal(refused(decisions.delete, perod=tour.made.period), {"perod": ["This is not a filter."]})
    refused(decisions.delete, perod=tour.made.period, name="kept")
    refused(decisions.delete, name="")
    equal(keys(tour.staff.decisions.all()), [decision.id])
    decision.delete()


def games_and_users_have_no_bulk_collection(tour):
    """games cannot be made in bulk"""
    raised = raises(GamesAPIClient.HTTPError, tour.staff.bulk.games.create, [{"name": "x"}])
    equal(raised.response.status_code, 404)


STEPS = [
    every_collection_is_made_and_deleted_in_bulk,
    keys_are_told_in_their_order,
    a_bad_row_takes_all_along,
    a_deletion_needs_a_filter,
    games_and_users_have_no_bulk_collection,
]

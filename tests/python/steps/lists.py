"""Lists: more rows than a page holds, and their order."""

from .kit import GamesAPIClient, equal, keys, raises

# More than two pages of the usual 500 rows.
MANY = 1203


def many_rows_are_made(tour):
    """more than two pages of periods are made at once"""
    made = tour.made
    rows = [{"scenario": made.scenario, "order": 1000 + number} for number in range(MANY)]
    made.many = tour.staff.bulk.periods.create(rows, return_ids=True)
    equal(len(made.many), MANY)


def the_client_follows_the_pages(tour):
    """all pages of a list are read by following their Link headers"""
    mark = len(tour.requests)
    rows = tour.staff.periods.filter(scenario=tour.made.scenario, run_active=True)
    equal(keys(rows), [tour.made.period, *tour.made.many])
    equal(tour.since(mark), [("GET", 200)] * 3)
    equal(set(rows.response.links), {"prev"}, "the links of the last page")


def pages_have_the_size_that_is_asked_for(tour):
    """pages are as large as is asked for, also with a filter of several values"""
    mark = len(tour.requests)
    rows = tour.staff.periods.filter(page_size=100, scenario=[0, tour.made.scenario])
    equal(keys(rows), [tour.made.period, *tour.made.many])
    equal(len(tour.since(mark)), 13)


def one_page_links_to_its_neighbours(tour):
    """a page in the middle names the next and the previous one"""
    periods = tour.staff.periods
    query = {"page": 2, "page_size": 500, "scenario": tour.made.scenario}
    page = periods.request("get", periods.url, params=query)
    equal([row["id"] for row in page.data], tour.made.many[499:999])
    query = f"page_size=500&scenario={tour.made.scenario}"
    equal(page.links["next"]["url"], f"{periods.url}?page=3&{query}")
    # The first page has no number.
    equal(page.links["prev"]["url"], f"{periods.url}?{query}")
    beyond = periods.request("get", periods.url, params={"page": 9})
    equal((beyond.status_code, beyond.data), (404, {"detail": "Invalid page."}))


def rows_come_in_the_wanted_order(tour):
    """a list is sorted as is asked for, and by key otherwise"""
    rows = tour.staff.periods.filter(scenario=tour.made.scenario, ordering="-order")
    orders = [row.order for row in rows]
    equal(orders, sorted(orders, reverse=True))
    equal(keys(rows), [*reversed(tour.made.many), tour.made.period])


def more_than_one_is_not_one(tour):
    """a lookup that finds several rows says so"""
    lookup = {"scenario": tour.made.scenario}
    raised = raises(GamesAPIClient.MultipleResourcesFound, tour.staff.periods.get, **lookup)
    assert "Found 500 `periods`" in str(raised), raised


def many_rows_are_deleted(tour):
    """the rows of all these pages are deleted by a filter"""
    private = tour.staff.scenarios.create({"name": "Private", "runuser": tour.made.runuser})
    kept = tour.staff.periods.create({"scenario": private.id, "order": 1000})
    equal(tour.staff.bulk.periods.delete(scenario=private.id, order=7), None)
    equal(keys(tour.staff.periods.filter(scenario__runuser__run=tour.made.run)), [kept.id])
    tour.staff.bulk.periods.delete(scenario=tour.made.scenario, run_active=True)
    equal(keys(tour.staff.periods.all()), [kept.id])
    private.delete()
    equal(tour.staff.periods.all(), [], "what a deleted scenario held")
    period = tour.staff.periods.create({"scenario": tour.made.scenario, "order": 1})
    tour.made.period = period.id


STEPS = [
    many_rows_are_made,
    the_client_follows_the_pages,
    pages_have_the_size_that_is_asked_for,
    one_page_links_to_its_neighbours,
    rows_come_in_the_wanted_order,
    more_than_one_is_not_one,
    many_rows_are_deleted,
]

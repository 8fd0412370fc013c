"""The life of a row of each core resource: made, found, changed, refused, deleted."""

from .kinds import KINDS
from .kit import GamesAPIClient, equal, keys, raises, refused

NotFound = GamesAPIClient.ResourceNotFound


def there_are_people_to_become_members(tour):
    """users are made to become members of a run"""
    users = tour.staff.users
    tour.made.user = users.create({"email": "member@tour.test", "first_name": "Mem"}).id
    tour.made.other_user = users.create({"email": "other@tour.test"}).id


def life_of(kind):
    """The step that leads a row of a resource through its life."""

    def step(tour):
        endpoint = tour.staff[kind.collection]
        row = made(tour, kind, endpoint)
        found(tour, kind, endpoint, row)
        another = got_or_created(tour, kind, endpoint, row)
        row = changed(tour, kind, endpoint, row)
        row = spoilt(tour, kind, endpoint, row)
        row = patched(tour, kind, endpoint, row)
        deleted(kind, endpoint, another)
        # Whoever comes later builds upon the row that is left.
        setattr(tour.made, kind.collection.rstrip("s"), row.id)

    step.__name__ = f"the_life_of_{kind.collection}"
    step.__doc__ = f"{kind.collection}: made, found, changed, refused, deleted"
    return step


def made(tour, kind, endpoint):
    """Makes the row that the rest is about."""
    fields = kind.fields(tour.made)
    row = endpoint.create(fields)
    has_shape(kind, row)
    equal({name: row.payload[name] for name in fields}, fields, "the fields as they were sent")
    equal(row.response.status_code, 201)
    return row


def has_shape(kind, row):
    """The keys of a row, none missing and none more."""
    expected = kind.keys | {"id", "created", "updated"}
    if row.payload.get("role") is None:
        # A member without role has no `role_name` at all.
        expected = expected - {"role_name"}
    equal(set(row.payload), expected, f"the keys of {row!r}")
    assert isinstance(row.id, int), row.payload
    for time in (row.created, row.updated):
        assert len(time) == 27 and time.endswith("Z"), time


def found(tour, kind, endpoint, row):
    """Finds the row by its key, by what tells it apart, and by each filter."""
    lookup = kind.lookup(tour.made)
    equal(endpoint.get(id=row.pk).payload, row.payload, "by key")
    equal(endpoint.get(**lookup).payload, row.payload, "by lookup")
    raises(NotFound, endpoint.get, id=f"{row.pk}000")
    raises(NotFound, endpoint.get, id="no such key")
    equal(keys(endpoint.all()), [row.id])
    equal(keys(endpoint.filter(page_size=10, ordering="-id")), [row.id])
    for filters in kind.found(tour.made):
        equal(keys(endpoint.filter(**filters)), [row.id], f"{kind.collection} {filters}")
    for filters in kind.missed(tour.made):
        equal(keys(endpoint.filter(**filters)), [], f"{kind.collection} {filters}")
        raises(NotFound, endpoint.get, **filters)


def got_or_created(tour, kind, endpoint, row):
    """Gets what is there and creates what is not."""
    lookup = kind.lookup(tour.made)
    mark = len(tour.requests)
    equal(endpoint.get_or_create(defaults={"data": {"never": 1}}, **lookup).payload, row.payload)
    equal(tour.since(mark), [("GET", 200)], "what exists is only read")

    lookup |= kind.other(tour.made)
    mark = len(tour.requests)
    another = endpoint.get_or_create(**lookup)
    missing = ("GET", 404 if "slug" in lookup else 200)
    equal(tour.since(mark), [missing, ("POST", 201)], "what is missing is made")
    has_shape(kind, another)
    for name, value in (kind.defaults | lookup).items():
        equal(another.payload[name], value, f"the default of {name}")
    equal(endpoint.get_or_create(**lookup).payload, another.payload)
    equal(sorted(keys(endpoint.all())), sorted([row.id, another.id]))
    return another


def changed(tour, kind, endpoint, row):
    """Changes one field by sending the whole row back."""
    before = dict(row.payload)
    name, value = kind.change
    setattr(row, name, value)
    mark = len(tour.requests)
    row.save()
    equal(tour.since(mark), [("PUT", 200)])
    assert row.updated > before["updated"], (row.updated, before["updated"])
    equal(row.payload, before | {name: value, "updated": row.updated}, "after the change")
    equal(endpoint.get(id=row.pk).payload, row.payload, "what is stored")

    again = endpoint.create_or_update(dict(row.payload))
    equal(again.payload, row.payload | {"updated": again.updated})
    return again


def spoilt(tour, kind, endpoint, row):
    """Sends a bad value: PUT and, as the client then does, PATCH are refused; nothing changes."""
    stored = dict(row.payload)
    name, value, message = kind.bad
    setattr(row, name, value)
    mark = len(tour.requests)
    equal(refused(row.save), {name: [message]})
    equal(tour.since(mark), [("PUT", 400), ("PATCH", 400)])
    equal(refused(endpoint.create, kind.fields(tour.made) | {name: value})[name], [message])
    row = endpoint.get(id=stored["slug"] if kind.collection == "games" else stored["id"])
    equal(row.payload, stored, "a refused change is not stored")
    return row


def patched(tour, kind, endpoint, row):
    """Sends a row without a required field: PUT is refused, the PATCH that follows is not."""
    expected = dict(row.payload)
    name, value = kind.change
    expected[name] = kind.fields(tour.made).get(name, kind.defaults.get(name))
    del row.payload[kind.required]
    setattr(row, name, expected[name])
    mark = len(tour.requests)
    row.save()
    equal(tour.since(mark), [("PUT", 400), ("PATCH", 200)])
    equal(row.payload, expected | {"updated": row.updated})
    equal(endpoint.get(id=row.pk).payload, row.payload)
    return row


def deleted(kind, endpoint, another):
    """Deletes a row, by itself and by its key; what is gone is gone."""
    payload = {name: another.payload[name] for name in kind.keys if name in another.payload}
    another.delete()
    raises(NotFound, endpoint.get, id=another.pk)
    raises(NotFound, endpoint.delete, another.pk)
    again = endpoint.create(payload)
    assert again.id > another.id, "a key was given twice"
    equal(endpoint.delete(again.pk), None)
    raises(NotFound, endpoint.delete, again.pk)
    equal(len(endpoint.all()), 1)


STEPS = [there_are_people_to_become_members, *map(life_of, KINDS)]

"""The addresses that the service tells about itself."""

from .kit import equal

CORE = [
    "decisions", "games", "periods", "phases", "results",
    "roles", "runs", "runusers", "scenarios", "worlds",
]


def the_index_lists_the_core_resources(tour):
    """the index lists the ten core resources, also to nobody"""
    for client in (tour.staff, tour.client(None)):
        answer = client.session.get(client.url)
        equal(answer.status_code, 200)
        equal(answer.json(), {name: f"{tour.url}{name}/" for name in CORE})


def the_bulk_index_lists_the_bulk_collections(tour):
    """the index of bulk collections lists nine of them"""
    answer = tour.staff.session.get(tour.staff.bulk.url)
    equal(answer.status_code, 200)
    bulk = [name for name in CORE if name != "games"]
    equal(answer.json(), {name: f"{tour.url}bulk/{name}/" for name in bulk})


def a_base_without_slash_is_enough(tour):
    """the client may be given the address without its last slash"""
    client = tour.client(("simpl@simpl.world", "simpl"), tour.url.rstrip("/"))
    equal(list(client.games.all()), [])
    equal(client.host, tour.staff.host)


def the_login_check_answers(tour):
    """the login check tells a right password from a wrong one"""
    check = tour.client(None).authcheck
    login = {"email": "SIMPL@simpl.world", "password": "simpl"}
    good = check.request("post", check.url, json=login)
    equal((good.status_code, good.data), (200, {"authid": 1, "email": "simpl@simpl.world"}))
    try:
        check.request("post", check.url, json={"authid": 1, "password": "wrong"})
    except check.api.BadRequestError as error:
        equal(error.response.data, ["Unable to log in with provided credentials."])
    else:
        raise AssertionError("a wrong password was accepted")


STEPS = [
    the_index_lists_the_core_resources,
    the_bulk_index_lists_the_bulk_collections,
    a_base_without_slash_is_enough,
    the_login_check_answers,
]

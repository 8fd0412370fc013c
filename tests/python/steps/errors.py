"""What the client raises, by the status of the answer."""

from .kit import NOWHERE, STAFF, GamesAPIClient, denied, equal, raises, refused


def nobody_is_asked_to_log_in(tour):
    """without a login everything is refused by 401"""
    nobody = tour.client(None)
    reason = "Authentication credentials were not provided."
    for call in (nobody.games.all, nobody.users.all, nobody.hooks.all, nobody.bulk.runs.all):
        equal(denied(401, call), reason)
    equal(denied(401, nobody.games.create, {"name": "x"}), reason)


def a_wrong_password_is_refused(tour):
    """a wrong password and an unknown user are refused alike"""
    for auth in ((STAFF[0], "wrong"), ("nobody@tour.test", "simpl"), (STAFF[0], ""), ("", "")):
        equal(denied(401, tour.client(auth).games.all), "Invalid username/password.")
    raised = raises(
        GamesAPIClient.NotAuthenticatedError, tour.client((STAFF[0], "wrong")).games.all
    )
    assert STAFF[0] in str(raised) and "wrong" not in str(raised), raised
    equal(tour.client(STAFF).games.get(slug="tour-game").id, tour.made.game)


def what_is_wrong_is_told_by_field(tour):
    """everything that is wrong with a row is told at once"""
    told = refused(tour.staff.runusers.create, {"user": "x", "world": NOWHERE, "active": 7})
    equal(
        told,
        {
            "user": ["Incorrect type. Expected pk value, received str."],
            "run": ["This field is required."],
            "world": [f'Invalid pk "{NOWHERE}" - object does not exist.'],
            "active": ["Must be a valid boolean."],
        },
    )
    twice = {"name": "Divisor", "game": tour.made.game}
    message = "The fields name, game must make a unique set."
    equal(refused(tour.staff.roles.create, twice), {"non_field_errors": [message]})
    equal(refused(tour.staff.periods.filter, run="x"), {"run": ["Enter a number."]})


def what_is_not_there_is_not_found(tour):
    """rows and places that are not there are 404"""
    raises(GamesAPIClient.ResourceNotFound, tour.staff.games.get, slug="no-such-game")
    raises(GamesAPIClient.ResourceNotFound, tour.staff.worlds.delete, NOWHERE)
    # Games are known by their slugs alone.
    raises(GamesAPIClient.ResourceNotFound, tour.staff.games.get, id=tour.made.game)
    raised = raises(GamesAPIClient.HTTPError, tour.staff.nothing.create, {"name": "x"})
    equal(raised.response.status_code, 404)


def other_errors_name_their_status(tour):
    """what else goes wrong is told with its status"""
    raised = raises(GamesAPIClient.HTTPError, tour.staff.roles.delete, tour.made.role)
    equal(raised.response.status_code, 409)
    assert "still in use" in raised.response.data["detail"], raised.response.data
    games = tour.staff.games
    equal(games.request("patch", games.url, json={}).status_code, 405)
    answer = games.request("post", games.url, data=b"name", headers={"Content-Type": "text/plain"})
    equal(answer.status_code, 415)


STEPS = [
    nobody_is_asked_to_log_in,
    a_wrong_password_is_refused,
    what_is_wrong_is_told_by_field,
    what_is_not_there_is_not_found,
    other_errors_name_their_status,
]

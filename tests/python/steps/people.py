"""Users, and what a player's own login may read."""

from .kit import GamesAPIClient, denied, equal, keys, raises, refused

EMAIL = "s1@tour.test"

KEYS = {
    "id", "first_name", "last_name", "external_id", "email",
    "is_active", "is_staff", "is_superuser", "subscriber_code", "data",
}


def a_user_is_made_with_a_password(tour):
    """a user is made by get-or-create, which sends the password in the query too"""
    lookup = {"email": EMAIL, "password": "s1", "first_name": "Student1", "last_name": "User"}
    mark = len(tour.requests)
    user = tour.staff.users.get_or_create(**lookup)
    equal(tour.since(mark), [("GET", 200), ("POST", 201)])
    equal(set(user.payload), KEYS)
    flags = (user.is_active, user.is_staff, user.is_superuser, user.external_id, user.data)
    equal(flags, (True, False, False, None, None))
    mark = len(tour.requests)
    equal(tour.staff.users.get_or_create(**lookup).payload, user.payload)
    equal(tour.since(mark), [("GET", 200)])
    tour.made.player = user.id


def a_user_is_found_by_every_filter(tour):
    """users are found by address in any case, and by flags"""
    users = tour.staff.users
    external = {"email": "x@tour.test", "external_id": "lms-7", "subscriber_code": "c"}
    other = users.create(external | {"data": {"from": "lms"}})
    equal(users.get(id=other.id).payload, other.payload)
    equal(other.data, {"from": "lms"})
    equal(users.get(email="S1@TOUR.test").id, tour.made.player)
    for filters in ({"external_id": "lms-7"}, {"subscriber_code": "c"}):
        equal(keys(users.filter(**filters)), [other.id], f"{filters}")
    equal([user.email for user in users.filter(is_superuser=True)], ["simpl@simpl.world"])
    equal([user.email for user in users.filter(is_staff=True)], ["simpl@simpl.world"])
    emails = [user.email for user in users.filter(is_staff=False, is_active=True)]
    equal(emails, sorted(emails), "users come in the order of their addresses")
    assert EMAIL in emails, emails
    other.delete()
    raises(GamesAPIClient.ResourceNotFound, users.get, id=other.id)


def wrong_users_are_refused(tour):
    """addresses are unique in any case, and must be addresses"""
    users = tour.staff.users
    taken = {"email": ["A user with that email address already exists."]}
    equal(refused(users.create, {"email": "S1@Tour.Test"}), taken)
    equal(refused(users.create, {"email": "nobody"}), {"email": ["Enter a valid email address."]})
    equal(refused(users.create, {}), {"email": ["This field is required."]})


def a_player_logs_in(tour):
    """a player's login reads the own user and memberships, as browsers do at login"""
    made = tour.made
    role = {"user": made.player, "run": made.run, "world": made.world, "role": made.role}
    runuser = tour.staff.runusers.create(role)
    player = tour.client((EMAIL, "s1"))
    me = player.users.get(email=EMAIL)
    equal(me.id, made.player)
    equal(player.users.get(id=me.id).payload, me.payload)
    own = player.runusers.filter(user=me.id, game_slug="tour-game")
    equal([row.payload for row in own], [runuser.payload])
    equal(own[0].role_name, "Divisor")
    equal(player.runusers.filter(user=me.id, run=999_999), [])


def a_player_does_nothing_else(tour):
    """a player's login reads and changes nothing else"""
    made = tour.made
    player = tour.client((EMAIL, "s1"))
    reason = "You do not have permission to perform this action."
    equal(denied(403, player.runs.all), reason)
    me = player.users.get(id=made.player)
    me.is_staff = True
    runs = player.bulk.runs
    for call in (
        player.users.all,
        player.runusers.all,
        lambda: player.users.get(id=made.user),
        lambda: player.users.get(email="member@tour.test"),
        lambda: player.runusers.filter(user=made.user),
        lambda: player.runusers.get(id=made.runuser),
        lambda: player.decisions.create({"period": made.period, "name": "cheat"}),
        lambda: player.runs.delete(made.run),
        lambda: player.scenarios(id=made.scenario).rewind(last_period_order=1),
        lambda: runs.create([{"name": "mine", "game": made.game}]),
        lambda: runs.delete(game=made.game),
        player.hooks.all,
        me.save,
        me.delete,
    ):
        equal(denied(403, call), reason)
    equal(tour.staff.users.get(id=made.player).is_staff, False)


def a_password_is_changed(tour):
    """a changed password counts at once, and the old one no longer"""
    user = tour.staff.users.get(email=EMAIL)
    user.password = "another"
    user.first_name = "Changed"
    user.save()
    equal(set(user.payload), KEYS, "no password is told")
    equal(tour.client((EMAIL, "another")).users.get(email=EMAIL).first_name, "Changed")
    equal(denied(401, tour.client((EMAIL, "s1")).users.all), "Invalid username/password.")


def an_inactive_user_is_not_let_in(tour):
    """an inactive user is not let in, and is once active again"""
    player = tour.client((EMAIL, "another"))
    user = tour.staff.users.get(email=EMAIL)
    for active in (False, True):
        user.is_active = active
        user.save()
        if active:
            equal(player.users.get(email=EMAIL).is_active, True)
        else:
            equal(denied(401, player.users.all), "Invalid username/password.")


def a_class_is_made_in_bulk(tour):
    """a whole class is made in bulk, and each of them logs in"""
    emails = [f"class{number}@tour.test" for number in range(5)]
    rows = [{"email": email, "password": email[:6]} for email in emails]
    made = tour.staff.bulk.users.create(rows, return_ids=True)
    for key, email in zip(made, emails, strict=True):
        equal(tour.client((email, email[:6])).users.get(email=email).id, key)
    taken = [{}, {"email": ["A user with that email address already exists."]}]
    new = {"email": "new@tour.test"}
    equal(refused(tour.staff.bulk.users.create, [new, {"email": emails[0]}]), taken)
    equal(tour.staff.users.filter(email="new@tour.test"), [])


def a_token_stands_for_a_login(tour):
    """a token stands for a login until it is given back"""
    login, logout = (tour.url.replace("/apis/", f"/rest-auth/{it}/") for it in ("login", "logout"))
    client = tour.client(None)
    account = {"username": "member-with-token@tour.test", "password": "token"}
    user = tour.staff.users.create({"email": account["username"], "password": "token"})
    wrong = client.session.post(login, json=account | {"password": "wrong"})
    equal(wrong.status_code, 400)
    answer = client.session.post(login, json=account)
    equal((answer.status_code, set(answer.json())), (200, {"key"}))
    client.session.headers["Authorization"] = f"Token {answer.json()['key']}"
    equal(client.users.get(id=user.id).email, account["username"])
    equal(denied(403, client.runs.all), "You do not have permission to perform this action.")
    equal(client.session.post(logout).status_code, 200)
    equal(denied(401, client.runs.all), "Invalid token.")


STEPS = [
    a_user_is_made_with_a_password,
    a_user_is_found_by_every_filter,
    wrong_users_are_refused,
    a_player_logs_in,
    a_player_does_nothing_else,
    a_password_is_changed,
    an_inactive_user_is_not_let_in,
    a_class_is_made_in_bulk,
    a_token_stands_for_a_login,
]

"""The ten core resources, each with what its rows hold and how one of them is spoilt."""

from dataclasses import dataclass

from .kit import NOWHERE


@dataclass
class Kind:
    """One resource. What depends on the rows made before is a function of their keys."""

    collection: str
    # The fields that a row is made with.
    fields: callable
    # The keys of an answer besides those that every row has.
    keys: set
    # What tells one row from all others, and what to say instead for another row.
    lookup: callable
    other: callable
    # What a row holds that was made with nothing else.
    defaults: dict
    # A field with a new value; and one with a value that is refused, and the message.
    change: tuple
    bad: tuple
    # A field that an object sent as a whole must have.
    required: str
    # Filters that find the row and others that do not; lists repeat a parameter, the last counts.
    found: callable
    missed: callable


def another_name(_made):
    """Another row has another name."""
    return {"name": "Another"}


KINDS = [
    Kind(
        "games",
        fields=lambda made: {"name": "Tour Game", "slug": "tour-game", "data": {"a": [1, None]}},
        keys={"name", "slug", "active", "data"},
        lookup=lambda made: {"slug": "tour-game", "name": "Tour Game"},
        other=lambda made: {"slug": "tour-other", "name": "Tour Other"},
        defaults={"active": True, "data": {}},
        change=("data", {"operand": 2.5, "text": "grüße \U0001f600"}),
        bad=("name", "", "This field may not be blank."),
        required="name",
        found=lambda made: [{"active": True}, {"name": "Tour Game"}, {"active": 1}],
        missed=lambda made: [{"active": False}, {"name": "tour game"}],
    ),
    Kind(
        "phases",
        fields=lambda made: {"name": "Play", "game": made.game, "order": 1},
        keys={"name", "slug", "order", "game"},
        lookup=lambda made: {"game": made.game, "name": "Play"},
        other=another_name,
        defaults={"slug": "", "order": None},
        change=("order", 32767),
        bad=("order", -1, "Ensure this value is greater than or equal to 0."),
        required="name",
        found=lambda made: [{"game_slug": "tour-game"}, {"name": ["Another", "Play"]}],
        missed=lambda made: [{"game_slug": "nothing"}, {"name": ("Play", "Another")}],
    ),
    Kind(
        "roles",
        fields=lambda made: {"name": "Divisor", "game": made.game, "data": {"order": 1}},
        keys={"name", "slug", "data", "game"},
        lookup=lambda made: {"game": made.game, "name": "Divisor"},
        other=another_name,
        defaults={"slug": "", "data": {}},
        change=("slug", "divisor"),
        bad=("game", NOWHERE, f'Invalid pk "{NOWHERE}" - object does not exist.'),
        required="name",
        found=lambda made: [{"game": [NOWHERE, made.game]}, {"game_slug": "tour-game"}],
        missed=lambda made: [{"game": NOWHERE}, {"game": "None"}, {"name": "divisor"}],
    ),
    Kind(
        "runs",
        fields=lambda made: {"name": "2026", "game": made.game, "phase": made.phase},
        keys={"name", "active", "data", "game", "phase"},
        lookup=lambda made: {"game": made.game, "name": "2026"},
        other=another_name,
        defaults={"active": True, "data": {}, "phase": None},
        change=("data", {"class": "A"}),
        bad=("active", "maybe", "Must be a valid boolean."),
        required="name",
        found=lambda made: [{"active": True}, {"active": [False, True]}, {"active": "maybe"}],
        missed=lambda made: [{"active": False}, {"active": "false"}, {"game_slug": "nothing"}],
    ),
    Kind(
        "worlds",
        fields=lambda made: {"name": "World 1", "run": made.run, "external_ids": [[1, 2], [3, 4]]},
        keys={"run_active", "name", "data", "external_ids", "run"},
        lookup=lambda made: {"run": made.run, "name": "World 1"},
        other=another_name,
        defaults={"run_active": True, "external_ids": None, "data": {}},
        change=("external_ids", None),
        bad=("external_ids", [[1], [2, 3]], "Nested arrays must have the same length."),
        required="run",
        found=lambda made: [{"run_active": True}, {"game_slug": "tour-game"}],
        missed=lambda made: [{"run_active": False}, {"run": NOWHERE}],
    ),
    Kind(
        "runusers",
        fields=lambda made: {
            "user": made.user, "run": made.run, "world": made.world, "role": made.role,
        },
        keys={
            "run_active", "role", "role_name", "email", "first_name", "last_name", "leader",
            "active", "data", "user", "run", "world",
        },
        lookup=lambda made: {"run": made.run, "user": made.user},
        other=lambda made: {"user": made.other_user},
        defaults={"role": None, "world": None, "leader": False, "active": True, "data": {}},
        change=("data", {"score": 7}),
        bad=("leader", None, "This field may not be null."),
        required="user",
        found=lambda made: [
            {"leader": False}, {"active": True}, {"role": made.role}, {"world": made.world},
            {"game_slug": "tour-game"}, {"run_active": "TRUE"},
        ],
        missed=lambda made: [{"leader": True}, {"active": False}, {"role": NOWHERE}],
    ),
    Kind(
        "scenarios",
        fields=lambda made: {"name": "Shared", "world": made.world},
        keys={"run_active", "name", "data", "runuser", "world"},
        lookup=lambda made: {"world": made.world, "name": "Shared"},
        other=another_name,
        defaults={"run_active": True, "runuser": None, "data": {}},
        change=("data", {"seen": False}),
        bad=("name", "x" * 101, "Ensure this field has no more than 100 characters."),
        required="name",
        found=lambda made: [{"run": made.run}, {"world__run": made.run}, {"run_active": True}],
        missed=lambda made: [
            {"run": NOWHERE}, {"runuser__run": made.run}, {"runuser": made.runuser},
        ],
    ),
    Kind(
        "periods",
        fields=lambda made: {"scenario": made.scenario, "order": 1},
        keys={"run_active", "order", "data", "scenario"},
        lookup=lambda made: {"scenario": made.scenario, "order": 1},
        other=lambda made: {"order": -2},
        defaults={"run_active": True, "data": {}},
        change=("data", {"market": [1, 2, 3]}),
        bad=("order", "x", "A valid integer is required."),
        required="scenario",
        found=lambda made: [
            {"run": made.run}, {"scenario__world__run": made.run}, {"game_slug": "tour-game"},
        ],
        missed=lambda made: [{"order": 3}, {"scenario__runuser__run": made.run}],
    ),
    Kind(
        "decisions",
        fields=lambda made: {
            "period": made.period, "name": "decision", "role": made.role, "data": {"operand": 5.0},
        },
        keys={"run_active", "role", "name", "data", "period"},
        lookup=lambda made: {"period": made.period, "role": made.role, "name": "decision"},
        other=another_name,
        defaults={"run_active": True, "data": {}},
        change=("data", {"operand": 1e-300}),
        bad=("data", None, "This field may not be null."),
        required="period",
        found=lambda made: [
            {"scenario": made.scenario}, {"run": made.run}, {"run_active": True},
            {"period__scenario__world__run": made.run},
        ],
        missed=lambda made: [{"role": NOWHERE}, {"period__scenario__runuser__run": made.run}],
    ),
    Kind(
        "results",
        fields=lambda made: {
            "period": made.period, "name": "result", "role": None, "data": {"quotient": 2.5},
        },
        keys={"run_active", "role", "name", "data", "period"},
        lookup=lambda made: {"period": made.period, "name": "result"},
        other=another_name,
        defaults={"run_active": True, "role": None, "data": {}},
        change=("data", {"quotient": 1.7976931348623157e308}),
        bad=("period", "x", "Incorrect type. Expected pk value, received str."),
        required="name",
        found=lambda made: [{"scenario": made.scenario}, {"game_slug": "tour-game"}],
        missed=lambda made: [{"role": made.role}, {"run_active": "False"}],
    ),
]

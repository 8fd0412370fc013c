//! The twelve resources.

use std::borrow::Cow;

use sim_games_types::Resource;

use super::field::{Cell, EMPTY_TEXT, Field, Kind};
use super::filter::{
    DECISION_FILTERS, Filter, GAME_FILTERS, HOOK_FILTERS, PERIOD_FILTERS, PHASE_FILTERS,
    RUN_FILTERS, RUNUSER_FILTERS, SCENARIO_FILTERS, USER_FILTERS, WORLD_FILTERS,
};
use super::table::{Agreement, Table, Unique};

const fn set(fields: &'static [&'static str]) -> Unique {
    Unique { fields, message: None }
}

const fn single(fields: &'static [&'static str], message: &'static str) -> Unique {
    Unique { fields, message: Some(message) }
}

const SMALL: Kind = Kind::Integer { min: 0, max: 32_767 };
const LARGE: Kind = Kind::Integer { min: -2_147_483_648, max: 2_147_483_647 };

/// The fields of a decision and of a result, which differ in nothing but their name.
const LEAF_FIELDS: &[Field] =
    &[Field::name(), Field::parent(Resource::Period), Field::link(Resource::Role), Field::data()];

const LEAF_UNIQUE: &[Unique] = &[set(&["name", "period", "role"])];

const LEAF_AGREEMENTS: &[Agreement] = &[Agreement {
    field: "role",
    whole: Resource::Game,
    sql: "(SELECT game FROM role WHERE id = :role) \
          = (SELECT r.game FROM period p JOIN run r ON r.id = p.run WHERE p.id = :period)",
}];

const fn leaf(resource: Resource, filters: &'static [Filter]) -> Table {
    Table {
        resource,
        fields: LEAF_FIELDS,
        natural_key: resource.natural_key(),
        unique: LEAF_UNIQUE,
        agreements: LEAF_AGREEMENTS,
        filters,
        order: "id",
        run_from: Some("(SELECT run FROM period WHERE id = :period)"),
    }
}

/// The descriptions, in no particular order.
pub(super) static TABLES: [Table; 12] = [
    Table {
        resource: Resource::Game,
        fields: &[
            Field::name(),
            Field::optional("slug", Kind::Slug { max: 250 }, EMPTY_TEXT),
            Field::flag("active", true),
            Field::data(),
        ],
        natural_key: Resource::Game.natural_key(),
        unique: &[
            single(&["name"], "game with this name already exists."),
            single(&["slug"], "game with this slug already exists."),
        ],
        agreements: &[],
        filters: GAME_FILTERS,
        order: "id",
        run_from: None,
    },
    Table {
        resource: Resource::Phase,
        fields: &[
            Field::name(),
            Field::optional("slug", Kind::Slug { max: 50 }, EMPTY_TEXT),
            Field::parent(Resource::Game),
            Field::nullable("order", SMALL),
        ],
        natural_key: Resource::Phase.natural_key(),
        unique: &[set(&["name", "game"])],
        agreements: &[],
        filters: PHASE_FILTERS,
        order: "id",
        run_from: None,
    },
    Table {
        resource: Resource::Role,
        fields: &[
            Field::name(),
            Field::optional("slug", Kind::Slug { max: 50 }, EMPTY_TEXT),
            Field::data(),
            Field::parent(Resource::Game),
        ],
        natural_key: Resource::Role.natural_key(),
        unique: &[set(&["name", "game"])],
        agreements: &[],
        filters: PHASE_FILTERS,
        order: "created",
        run_from: None,
    },
    Table {
        resource: Resource::Run,
        fields: &[
            Field::name(),
            Field::flag("active", true),
            Field::data(),
            Field::parent(Resource::Game),
            Field::link(Resource::Phase),
        ],
        natural_key: Resource::Run.natural_key(),
        unique: &[],
        agreements: &[Agreement {
            field: "phase",
            whole: Resource::Game,
            sql: "(SELECT game FROM phase WHERE id = :phase) = (:game)",
        }],
        filters: RUN_FILTERS,
        order: "id",
        run_from: None,
    },
    Table {
        resource: Resource::World,
        fields: &[
            Field::name(),
            Field::data(),
            Field::nullable("external_ids", Kind::Matrix),
            Field::parent(Resource::Run),
        ],
        natural_key: Resource::World.natural_key(),
        unique: &[set(&["name", "run"])],
        agreements: &[],
        filters: WORLD_FILTERS,
        order: "id",
        run_from: None,
    },
    Table {
        resource: Resource::RunUser,
        fields: &[
            Field::link(Resource::Role),
            Field::flag("leader", false),
            Field::flag("active", true),
            Field::data(),
            Field::parent(Resource::User),
            Field::parent(Resource::Run),
            Field::link(Resource::World),
        ],
        natural_key: Resource::RunUser.natural_key(),
        unique: &[set(&["user", "run"])],
        agreements: &[
            Agreement {
                field: "role",
                whole: Resource::Game,
                sql: "(SELECT game FROM role WHERE id = :role) \
                      = (SELECT game FROM run WHERE id = :run)",
            },
            Agreement {
                field: "world",
                whole: Resource::Run,
                sql: "(SELECT run FROM world WHERE id = :world) = (:run)",
            },
        ],
        filters: RUNUSER_FILTERS,
        order: "id",
        run_from: None,
    },
    Table {
        resource: Resource::Scenario,
        fields: &[
            Field::name(),
            Field::data(),
            Field::link(Resource::RunUser),
            Field::link(Resource::World),
        ],
        natural_key: Resource::Scenario.natural_key(),
        unique: &[],
        agreements: &[],
        filters: SCENARIO_FILTERS,
        order: "id",
        run_from: Some(
            "coalesce((SELECT run FROM world WHERE id = :world), \
             (SELECT run FROM runuser WHERE id = :runuser))",
        ),
    },
    Table {
        resource: Resource::Period,
        fields: &[
            Field::optional("order", LARGE, Cell::Int(0)),
            Field::data(),
            Field::parent(Resource::Scenario),
        ],
        natural_key: Resource::Period.natural_key(),
        unique: &[set(&["scenario", "order"])],
        agreements: &[],
        filters: PERIOD_FILTERS,
        order: "id",
        run_from: Some("(SELECT run FROM scenario WHERE id = :scenario)"),
    },
    leaf(Resource::Decision, DECISION_FILTERS),
    leaf(Resource::Result, DECISION_FILTERS),
    Table {
        resource: Resource::User,
        fields: &[
            Field::text("first_name", 30),
            Field::text("last_name", 150),
            Field::nullable("external_id", Kind::Text { max: 50, blank: true }),
            Field::required("email", Kind::Email),
            Field::flag("is_active", true),
            Field::flag("is_staff", false),
            Field::flag("is_superuser", false),
            Field::text("subscriber_code", 255),
            Field {
                name: "data",
                kind: Kind::Json,
                required: false,
                null: true,
                default: Cell::Text(Cow::Borrowed("null")),
            },
            Field::optional("password", Kind::Password, Cell::Null),
        ],
        natural_key: Resource::User.natural_key(),
        unique: &[single(&["email"], "A user with that email address already exists.")],
        agreements: &[],
        filters: USER_FILTERS,
        order: "email",
        run_from: None,
    },
    Table {
        resource: Resource::Hook,
        fields: &[
            Field::required("event", Kind::Text { max: 200, blank: false }),
            Field::required("url", Kind::Url),
            Field::parent(Resource::User),
            Field::flag("connected", false),
            Field::flag("erroring", false),
            Field::nullable("last_error", Kind::Time),
            Field::nullable("last_error_status", LARGE),
            Field::nullable("last_error_content", Kind::Text { max: 10_000, blank: true }),
            Field::nullable("secret", Kind::Password),
        ],
        natural_key: Resource::Hook.natural_key(),
        unique: &[set(&["user", "event", "url"])],
        agreements: &[],
        filters: HOOK_FILTERS,
        order: "id",
        run_from: None,
    },
];

//! The tables of the original, and what of ours they hold.

use sim_games_types::Resource;

/// A table of the original.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) resource: Resource,
    pub(super) table: &'static str,
    /// When a row was first and last stored.
    times: (&'static str, &'static str),
    /// What of its rows may be doubled there and not here; the newest is kept.
    doubled: Option<&'static str>,
    /// Our fields and how its columns hold them. Names that are no field of ours are for the copier.
    fields: &'static [(&'static str, &'static str)],
}

const STORED: (&str, &str) = ("created", "updated");

/// The fields of decisions and results, which differ in nothing but their table.
const LEAF: &[(&str, &str)] =
    &[("name", "name"), ("data", "data"), ("period", "period_id"), ("role", "role_id")];

const LEAF_KEY: Option<&str> = Some("period_id, coalesce(role_id, 0), name");

/// The tables, parents first.
pub(super) const SOURCES: [Source; 12] = [
    Source {
        resource: Resource::User,
        table: "simpl_users_user",
        times: ("date_joined", "date_joined"),
        doubled: Some("lower(email)"),
        fields: &[
            ("email", "email"),
            ("first_name", "first_name"),
            ("last_name", "last_name"),
            ("external_id", "external_id"),
            ("is_active", "is_active"),
            ("is_staff", "is_staff"),
            ("is_superuser", "is_superuser"),
            ("subscriber_code", "subscriber_code"),
            ("data", "data"),
            ("password", "password"),
            ("faculty", "faculty"),
            ("last_login", "last_login"),
        ],
    },
    Source {
        resource: Resource::Game,
        table: "games_game",
        times: STORED,
        doubled: None,
        fields: &[("name", "name"), ("slug", "slug"), ("active", "active"), ("data", "data")],
    },
    Source {
        resource: Resource::Phase,
        table: "games_phase",
        times: STORED,
        doubled: None,
        fields: &[("name", "name"), ("slug", "slug"), ("order", "\"order\""), ("game", "game_id")],
    },
    Source {
        resource: Resource::Role,
        table: "games_role",
        times: STORED,
        doubled: None,
        fields: &[("name", "name"), ("slug", "slug"), ("data", "data"), ("game", "game_id")],
    },
    Source {
        resource: Resource::Run,
        table: "games_run",
        times: STORED,
        doubled: None,
        fields: &[
            ("name", "name"),
            ("active", "active"),
            ("data", "data"),
            ("game", "game_id"),
            ("phase", "phase_id"),
        ],
    },
    Source {
        resource: Resource::World,
        table: "games_world",
        times: STORED,
        doubled: None,
        fields: &[
            ("name", "name"),
            ("data", "data"),
            ("external_ids", "array_to_json(external_ids)"),
            ("run", "run_id"),
        ],
    },
    Source {
        resource: Resource::RunUser,
        table: "games_runuser",
        times: STORED,
        doubled: None,
        fields: &[
            ("leader", "leader"),
            ("active", "active"),
            ("data", "data"),
            ("user", "user_id"),
            ("run", "run_id"),
            ("world", "world_id"),
            ("role", "role_id"),
        ],
    },
    Source {
        resource: Resource::Scenario,
        table: "games_scenario",
        times: STORED,
        doubled: None,
        fields: &[
            ("name", "name"),
            ("data", "data"),
            ("runuser", "runuser_id"),
            ("world", "world_id"),
        ],
    },
    Source {
        resource: Resource::Period,
        table: "games_period",
        times: STORED,
        doubled: None,
        fields: &[("order", "\"order\""), ("data", "data"), ("scenario", "scenario_id")],
    },
    Source {
        resource: Resource::Decision,
        table: "games_decision",
        times: STORED,
        doubled: LEAF_KEY,
        fields: LEAF,
    },
    Source {
        resource: Resource::Result,
        table: "games_result",
        times: STORED,
        doubled: LEAF_KEY,
        fields: LEAF,
    },
    Source {
        resource: Resource::Hook,
        table: "webhook_subscriber",
        times: ("created", "modified"),
        doubled: Some("user_id, event, url"),
        fields: &[
            ("event", "event"),
            ("url", "url"),
            ("user", "user_id"),
            ("connected", "connected"),
            ("erroring", "erroring"),
            ("last_error", "last_error"),
            ("last_error_status", "last_error_status"),
            // We keep no more than this of an answer.
            ("last_error_content", "left(last_error_content, 2000)"),
        ],
    },
];

impl Source {
    /// Reads rows after a key: the key, both times, the row that is kept in its place when it is
    /// doubled, and the fields as JSON.
    pub(super) fn select(&self) -> String {
        let micros =
            |column: &str| format!("CAST(round(extract(epoch FROM {column}) * 1000000) AS BIGINT)");
        let (created, updated) = self.times;
        let kept = self.doubled.map_or("CAST(NULL AS BIGINT)".to_owned(), |key| {
            // Of rows that were stored at the same time the later one is the newer.
            format!("first_value(id) OVER (PARTITION BY {key} ORDER BY {updated} DESC, id DESC)")
        });
        let fields: Vec<String> =
            self.fields.iter().map(|(name, column)| format!("'{name}', {column}")).collect();
        format!(
            "SELECT id, created, updated, nullif(kept, id), fields FROM (\
               SELECT id, {} AS created, {} AS updated, {kept} AS kept, \
                 CAST(json_build_object({}) AS TEXT) AS fields FROM {}\
             ) AS rows WHERE id > CAST(?1 AS BIGINT) ORDER BY id LIMIT ?2",
            micros(created),
            micros(updated),
            fields.join(", "),
            self.table
        )
    }
}

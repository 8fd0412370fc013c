//! The tables of the original, and what of ours they hold.

use sim_games_types::Resource;

/// A table of the original.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) resource: Resource,
    pub(super) table: &'static str,
    /// When a row was first and last stored.
    times: (&'static str, &'static str),
    /// Our fields and how its columns hold them. Names that are no field of ours are for the copier.
    fields: &'static [(&'static str, &'static str)],
}

const STORED: (&str, &str) = ("created", "updated");

/// The fields of decisions and results, which differ in nothing but their table.
const LEAF: &[(&str, &str)] =
    &[("name", "name"), ("data", "data"), ("period", "period_id"), ("role", "role_id")];

/// The table of logins by token.
pub(super) const TOKENS: &str = "authtoken_token";

/// The tables, parents first.
pub(super) const SOURCES: [Source; 12] = [
    Source {
        resource: Resource::User,
        table: "simpl_users_user",
        times: ("date_joined", "date_joined"),
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
        fields: &[("name", "name"), ("slug", "slug"), ("active", "active"), ("data", "data")],
    },
    Source {
        resource: Resource::Phase,
        table: "games_phase",
        times: STORED,
        fields: &[("name", "name"), ("slug", "slug"), ("order", "\"order\""), ("game", "game_id")],
    },
    Source {
        resource: Resource::Role,
        table: "games_role",
        times: STORED,
        fields: &[("name", "name"), ("slug", "slug"), ("data", "data"), ("game", "game_id")],
    },
    Source {
        resource: Resource::Run,
        table: "games_run",
        times: STORED,
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
        fields: &[("order", "\"order\""), ("data", "data"), ("scenario", "scenario_id")],
    },
    Source { resource: Resource::Decision, table: "games_decision", times: STORED, fields: LEAF },
    Source { resource: Resource::Result, table: "games_result", times: STORED, fields: LEAF },
    Source {
        resource: Resource::Hook,
        table: "webhook_subscriber",
        times: ("created", "modified"),
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
    /// Reads rows after a key: the key, both times, and the fields as JSON.
    pub(super) fn select(&self) -> String {
        let (created, updated) = self.times;
        let fields: Vec<String> =
            self.fields.iter().map(|(name, column)| format!("'{name}', {column}")).collect();
        format!(
            "SELECT CAST(id AS BIGINT), {}, {}, CAST(json_build_object({}) AS TEXT) FROM {} \
             WHERE id > CAST(?1 AS BIGINT) ORDER BY id LIMIT ?2",
            micros(created),
            micros(updated),
            fields.join(", "),
            self.table
        )
    }
}

/// Reads all tokens: the token, the key of its user, and when it was made.
pub(super) fn tokens() -> String {
    let created = micros("created");
    format!("SELECT key, CAST(user_id AS BIGINT), {created} FROM {TOKENS} ORDER BY key")
}

/// A time as we count it. Older servers answer a number that is not quite whole.
fn micros(column: &str) -> String {
    format!("CAST(round(extract(epoch FROM {column}) * 1000000) AS BIGINT)")
}

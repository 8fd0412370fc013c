//! What is said of resources, fields and filters. All else follows from their descriptions.

use sim_games_types::Resource;

/// What a resource is, in a sentence.
pub(super) const fn resource(resource: Resource) -> &'static str {
    match resource {
        Resource::Game => "A game is the root of everything that belongs to one simulation.",
        Resource::Phase => {
            "A phase is a step in the sequence that every run of a game goes through."
        }
        Resource::Role => "A role is what a player can be in a game.",
        Resource::Run => "A run is one playing of a game by one class.",
        Resource::World => "A world is a team of a run.",
        Resource::RunUser => "A runuser is a user's membership in a run, as player or leader.",
        Resource::Scenario => "A scenario is what a world, or a single runuser, plays through.",
        Resource::Period => "A period is a round of a scenario.",
        Resource::Decision => "A decision is what a player decided in a period.",
        Resource::Result => "A result is what the model made of a period's decisions.",
        Resource::User => "A user is a person, or a service, that can log in.",
        Resource::Hook => {
            "A hook is a subscription: events that fit its `event` are POSTed to its `url`, in \
             order and at least once."
        }
    }
}

/// Fields, as `resource.field` where they mean something particular, else by their name.
const FIELDS: &[(&str, &str)] = &[
    ("id", "The key, which the service chooses."),
    ("created", "When the object was stored first."),
    ("updated", "When it was stored last; the version in `ETag` counts its microseconds."),
    ("modified", "When it was stored last."),
    ("run_active", "Whether the run that it belongs to is active; null when that cannot be told."),
    ("data", "Whatever the game keeps here, as any JSON but null; it is replaced as a whole."),
    ("name", "The name, for people. Blanks around it are cut off."),
    ("slug", "A short name; it is never filled by itself."),
    ("active", "A flag without behavior of its own."),
    ("game", "The key of the game."),
    ("run", "The key of the run."),
    ("world", "The key of the world, or null."),
    ("role", "The key of the role, or null."),
    ("user", "The key of the user."),
    ("period", "The key of the period."),
    ("scenario", "The key of the scenario."),
    ("game.slug", "The name in addresses and events; made from `name` when empty. Not `user`."),
    ("role.game", "The key of the game; null only in databases taken over from elsewhere."),
    ("phase.order", "Where the phase stands in the sequence."),
    ("run.active", "Whether the run is loaded and can be played."),
    ("run.phase", "The key of the phase in which the run is, or null."),
    ("world.external_ids", "Keys in a learning management system: rows of equal length, or null."),
    ("runuser.leader", "Whether the member leads the run."),
    ("runuser.email", "The user's e-mail address."),
    ("runuser.first_name", "The user's first name."),
    ("runuser.last_name", "The user's last name."),
    ("runuser.role_name", "The role's name. Without a role the key is absent, not null."),
    ("scenario.runuser", "The key of the runuser whose private scenario this is, or null."),
    ("scenario.world", "The key of the world whose scenario this is; this or `runuser` is null."),
    ("period.order", "Where the round stands in its scenario; may be negative."),
    ("decision.data", "What was decided, as any JSON but null; it is replaced as a whole."),
    ("result.data", "What came out, as any JSON but null; it is replaced as a whole."),
    ("user.first_name", "The first name."),
    ("user.last_name", "The last name."),
    ("user.external_id", "The key in a learning management system, or null."),
    ("user.email", "The e-mail address, with which the user logs in; unique in any case."),
    ("user.is_active", "Whether the user can log in."),
    ("user.is_staff", "Whether the user may do everything but change superusers."),
    ("user.is_superuser", "Whether the user may do everything. Only superusers give this away."),
    ("user.subscriber_code", "A code of the operator's own."),
    ("user.data", "Whatever the operator keeps here, as any JSON."),
    (
        "user.password",
        "The password. It is kept as a hash and never told; without one nobody logs in.",
    ),
    ("hook.event", "The events: `div.run.changed`, `div.run.*`, `div.*`, `user.*` or `*`."),
    ("hook.url", "Where events are sent, by HTTP or HTTPS; not a link-local or metadata address."),
    ("hook.user", "The key of the subscriber."),
    ("hook.connected", "Whether an event has been delivered at least once."),
    ("hook.erroring", "Whether the last delivery failed."),
    ("hook.last_error", "When a delivery failed last, or null."),
    ("hook.last_error_status", "The HTTP status of that failure, or null when nothing answered."),
    ("hook.last_error_content", "What went wrong, or null."),
    (
        "hook.secret",
        "A key. With it deliveries carry `X-Simpl-Signature: sha256=<HMAC of the body>`; it is \
         never told, and null takes it away.",
    ),
];

/// Filters, as fields.
const FILTERS: &[(&str, &str)] = &[
    ("name", "Only those with just this name."),
    ("slug", "Only the one with this slug."),
    ("active", "Only those that are active, or only those that are not."),
    ("leader", "Only leaders, or only players."),
    ("game", "Only those of the game with this key."),
    ("game_slug", "Only those of the game with this slug."),
    ("run", "Only those of the run with this key."),
    ("run_active", "Only those whose run is active, or only those whose run is not."),
    ("role", "Only those with the role with this key."),
    ("user", "Only those of the user with this key."),
    ("world", "Only those of the world with this key."),
    ("runuser", "Only those of the runuser with this key."),
    ("scenario", "Only those of the scenario with this key."),
    ("period", "Only those of the period with this key."),
    ("period.order", "Only those with this order."),
    ("world__run", "Only those of worlds of the run with this key."),
    ("runuser__run", "Only private ones of runusers of the run with this key."),
    ("scenario__world__run", "Only those of worlds' scenarios in the run with this key."),
    ("scenario__runuser__run", "Only those of private scenarios in the run with this key."),
    ("period__scenario__world__run", "Only those of worlds' scenarios in the run with this key."),
    ("period__scenario__runuser__run", "Only those of private scenarios in the run with this key."),
    ("user.id", "Only the one with this key."),
    ("user.email", "Only the one with this address, in any case."),
    ("user.external_id", "Only those with this key in a learning management system."),
    ("user.is_active", "Only those who can log in, or only those who cannot."),
    ("user.is_staff", "Only staff, or only others."),
    ("user.is_superuser", "Only superusers, or only others."),
    ("user.subscriber_code", "Only those with this code."),
];

/// What a field means, if that is written down.
pub(super) fn field(resource: Resource, name: &str) -> Option<&'static str> {
    find(FIELDS, resource, name)
}

/// What a filter does, if that is written down.
pub(super) fn filter(resource: Resource, name: &str) -> Option<&'static str> {
    find(FILTERS, resource, name)
}

fn find(
    words: &[(&'static str, &'static str)],
    resource: Resource,
    name: &str,
) -> Option<&'static str> {
    let particular = format!("{}.{name}", resource.name());
    let found = |wanted: &str| words.iter().find(|(it, _)| *it == wanted).map(|(_, text)| *text);
    found(&particular).or_else(|| found(name))
}

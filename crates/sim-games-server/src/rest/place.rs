//! What a path under `/apis/` or `/rest-auth/` stands for.

use percent_encoding::percent_decode_str;
use sim_games_types::Resource;

use super::account::Account;
use super::bulk;

/// A place of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The list of the core resources.
    Index,
    /// A collection.
    Collection(Resource),
    /// An object by its key as it stands in the path.
    Detail(Resource, String),
    /// The action that sets a scenario back.
    Rewind(String),
    /// The export of a run.
    Export(String),
    /// The history of a run.
    Audit(String),
    /// The list of the bulk collections.
    BulkIndex,
    /// A collection for many objects at once.
    Bulk(Resource),
    /// Units of work.
    Units,
    /// The journal.
    Changes,
    /// The check of a login.
    AuthCheck,
    /// What users do with their own account.
    Account(Account),
    /// Nothing.
    Unknown,
}

impl Place {
    /// Reads a path, with or without its final slash.
    pub(crate) fn of(path: &str) -> Self {
        if let Some(below) = path.strip_prefix("/rest-auth") {
            return Account::of(below.trim_matches('/')).map_or(Self::Unknown, Self::Account);
        }
        let below = path.strip_prefix("/apis").unwrap_or_default();
        let segments: Vec<&str> = below.trim_matches('/').split('/').collect();
        match segments[..] {
            [""] => Self::Index,
            ["authcheck"] => Self::AuthCheck,
            ["bulk"] => Self::BulkIndex,
            ["units"] => Self::Units,
            ["changes"] => Self::Changes,
            ["bulk", name] => match Resource::from_collection(name) {
                Some(resource) if bulk::RESOURCES.contains(&resource) => Self::Bulk(resource),
                _ => Self::Unknown,
            },
            [name] => Resource::from_collection(name).map_or(Self::Unknown, Self::Collection),
            [name, key] => match (Resource::from_collection(name), decoded(key)) {
                (Some(resource), Some(key)) => Self::Detail(resource, key),
                _ => Self::Unknown,
            },
            ["scenarios", key, "rewind"] => decoded(key).map_or(Self::Unknown, Self::Rewind),
            ["runs", key, "export"] => decoded(key).map_or(Self::Unknown, Self::Export),
            ["runs", key, "audit"] => decoded(key).map_or(Self::Unknown, Self::Audit),
            _ => Self::Unknown,
        }
    }

    /// The methods that the place knows.
    pub(crate) const fn allow(&self) -> &'static str {
        match self {
            Self::Index
            | Self::BulkIndex
            | Self::Changes
            | Self::Export(_)
            | Self::Audit(_)
            | Self::Unknown => "GET, HEAD, OPTIONS",
            Self::Collection(Resource::Hook) | Self::Bulk(Resource::User) => {
                "GET, POST, HEAD, OPTIONS"
            }
            Self::Collection(_) => "GET, POST, PUT, HEAD, OPTIONS",
            Self::Detail(..) => "GET, PUT, PATCH, DELETE, HEAD, OPTIONS",
            Self::Bulk(_) => "GET, POST, DELETE, HEAD, OPTIONS",
            Self::Account(account) => account.allow(),
            Self::Rewind(_) | Self::Units | Self::AuthCheck => "POST, OPTIONS",
        }
    }

    /// How a client is asked to authenticate.
    pub(crate) const fn challenge(&self) -> &'static str {
        match self {
            Self::Collection(Resource::User) | Self::Detail(Resource::User, _) => {
                "Basic realm=\"api\""
            }
            _ => "Token",
        }
    }
}

/// A key: neither empty nor with a dot, so that `/games/div.json` is no game.
///
/// Nor is there one with a NUL character, which not every database takes.
fn decoded(segment: &str) -> Option<String> {
    let key = percent_decode_str(segment).decode_utf8().ok()?;
    (!key.is_empty() && !key.contains(['.', '/', '\0'])).then(|| key.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_places() {
        for (path, place) in [
            ("/apis/", Place::Index),
            ("/apis/runs/", Place::Collection(Resource::Run)),
            ("/apis/runs/5", Place::Detail(Resource::Run, "5".to_owned())),
            ("/apis/games/a%20b/", Place::Detail(Resource::Game, "a b".to_owned())),
            ("/apis/games/div.json/", Place::Unknown),
            ("/apis/scenarios/3/rewind/", Place::Rewind("3".to_owned())),
            ("/apis/periods/3/rewind/", Place::Unknown),
            ("/apis/runs/3/export/", Place::Export("3".to_owned())),
            ("/apis/runs/3/audit", Place::Audit("3".to_owned())),
            ("/apis/worlds/3/audit/", Place::Unknown),
            ("/apis/bulk/roles/", Place::Bulk(Resource::Role)),
            ("/apis/bulk/games/", Place::Unknown),
            ("/apis/bulk/users/", Place::Bulk(Resource::User)),
            ("/apis/bulk/hooks/", Place::Unknown),
            ("/rest-auth/login/", Place::Account(Account::Login)),
            ("/rest-auth/password/change", Place::Account(Account::PasswordChange)),
            ("/rest-auth/password/reset/", Place::Unknown),
            ("/rest-auth/games/", Place::Unknown),
            ("/apis/bulk/roles/1/", Place::Unknown),
            ("/apis/units/", Place::Units),
            ("/apis/changes/", Place::Changes),
            ("/apis/changes/1/", Place::Unknown),
            ("/apis/nothing/", Place::Unknown),
        ] {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }
}

//! The realms of a router: who gets in, and what they may do.

use std::collections::{HashMap, HashSet};

use ed25519_dalek::VerifyingKey;

use super::reader::{Field, Section};
use super::{Context, pattern, secrets};
use crate::{Action, AuthMethod, MatchPolicy, Rule, Rules, StaticUser, StaticUsers, uri};

/// How WAMP-CRA keys are derived where only a salt is given; what clients take for granted, too.
const ITERATIONS: u32 = 1000;
const KEYLEN: usize = 32;

/// One realm.
#[derive(Debug)]
pub(in crate::program::router) struct Realm {
    pub(in crate::program::router) name: String,
    pub(in crate::program::router) users: StaticUsers,
    pub(in crate::program::router) rules: Rules,
    /// Who is asked about peers that are none of the users.
    pub(in crate::program::router) authenticator: Option<Asked>,
    /// The procedures that are asked what a role may do, by role.
    pub(in crate::program::router) authorizers: HashMap<String, String>,
}

/// A procedure of the realm that is asked who a peer is.
#[derive(Debug, Clone)]
pub(in crate::program::router) struct Asked {
    pub(in crate::program::router) procedure: String,
    /// The ways to log in of which it knows.
    pub(in crate::program::router) methods: Vec<AuthMethod>,
}

/// What was seen of a realm so far.
#[derive(Default)]
struct Seen<'a> {
    roles: HashSet<&'a str>,
    authids: HashSet<&'a str>,
    keys: HashSet<[u8; 32]>,
}

/// Reads all realms.
pub(super) fn read(whole: &mut Section<'_>, context: &mut Context<'_>) -> Vec<Realm> {
    let advice = "add a `[[realms]]`, without which nobody can join";
    let mut names = HashSet::new();
    let mut realms = Vec::new();
    for section in whole.need_sections("realms", advice) {
        realms.extend(read_one(section, context, &mut names));
    }
    realms
}

fn read_one<'a>(
    mut section: Section<'a>,
    context: &mut Context<'_>,
    names: &mut HashSet<&'a str>,
) -> Option<Realm> {
    let name = section.need("name", "give a URI, such as \"realm1\"", |field| {
        let name = field.text()?;
        if !uri::validate_by(context.uris, name, MatchPolicy::Exact) {
            field.wrong("is no valid URI: give one such as \"realm1\"");
        } else if !names.insert(name) {
            field.wrong("is that of another realm: give each its own");
        }
        Some(name)
    });
    let mut seen = Seen::default();
    let (mut rules, mut authorizers) = (Rules::new(), HashMap::new());
    for role in section.sections("roles") {
        rules = read_role(role, context, &mut seen, rules, &mut authorizers);
    }
    let mut users = StaticUsers::new();
    if let Some(role) = section.read("anonymous", |field| read_role_name(field, &seen)) {
        users = users.guests(role);
    }
    for user in section.sections("users") {
        users = users.user(read_user(user, context, &mut seen));
    }
    let authenticator = read_authenticator(&mut section, context);
    section.finish();
    Some(Realm { name: name?.to_owned(), users, rules, authenticator, authorizers })
}

fn read_authenticator(section: &mut Section<'_>, context: &Context<'_>) -> Option<Asked> {
    let procedure = section.read("authenticator", |field| read_procedure(field, context));
    let methods = section.take("authenticator_methods");
    if methods.is_some() && !section.has("authenticator") {
        section.wrong("authenticator_methods", "needs an `authenticator`");
    }
    let known = [AuthMethod::Ticket, AuthMethod::Wampcra].map(|method| (method.name(), method));
    let methods = methods.map_or(Some(vec![AuthMethod::Ticket]), |field| {
        Some(field.items()?.iter().filter_map(|item| item.choice(&known)).collect())
    });
    Some(Asked { procedure: procedure?, methods: methods? })
}

fn read_procedure(field: &Field<'_>, context: &Context<'_>) -> Option<String> {
    let procedure = field.text()?;
    if !uri::validate_by(context.uris, procedure, MatchPolicy::Exact) {
        field.wrong("is no valid URI of a procedure");
        return None;
    }
    Some(procedure.to_owned())
}

fn read_role<'a>(
    mut section: Section<'a>,
    context: &Context<'_>,
    seen: &mut Seen<'a>,
    mut rules: Rules,
    authorizers: &mut HashMap<String, String>,
) -> Rules {
    let name = section.need("name", "give the role that users have", |field| {
        let name = field.text()?;
        if !seen.roles.insert(name) {
            field.wrong("is that of another role of this realm: put their rules together");
        }
        Some(name)
    });
    let authorizer = section.read("authorizer", |field| read_procedure(field, context));
    if authorizer.is_some() && section.has("rules") {
        section.wrong("authorizer", "decides alone: leave the `rules` away, or the `authorizer`");
    }
    authorizers.extend(name.map(str::to_owned).zip(authorizer));
    let mut patterns = HashSet::new();
    for mut section in section.sections("rules") {
        let pattern = pattern(&mut section, context.uris);
        let allow = section.need("allow", "say what is allowed, nothing by `[]`", read_actions);
        let disclose = section.read("disclose", Field::flag);
        if let Some((uri, policy)) = &pattern
            && !patterns.insert((uri.clone(), *policy))
        {
            section.wrong("uri", "has a rule of this role already: put them together");
        }
        section.finish();
        if let (Some(name), Some((uri, policy)), Some(allow)) = (name, pattern, allow) {
            let disclose = disclose.unwrap_or(false);
            rules = rules.role(name, Rule { uri, policy, allow, disclose });
        }
    }
    section.finish();
    rules
}

fn read_actions(field: &Field<'_>) -> Option<Vec<Action>> {
    let actions = [
        ("call", Action::Call),
        ("register", Action::Register),
        ("publish", Action::Publish),
        ("subscribe", Action::Subscribe),
    ];
    let items = field.items()?;
    Some(items.iter().filter_map(|item| item.choice(&actions)).collect())
}

fn read_role_name<'a>(field: &Field<'a>, seen: &Seen<'_>) -> Option<&'a str> {
    let role = field.text()?;
    if !seen.roles.contains(role) {
        field.wrong(format_args!(
            "names the role `{role}`, of which this realm says nothing: add a `[[realms.roles]]`"
        ));
    }
    Some(role)
}

fn read_user<'a>(
    mut section: Section<'a>,
    context: &mut Context<'_>,
    seen: &mut Seen<'a>,
) -> StaticUser {
    let authid = section.need("authid", "give the name by which the user logs in", |field| {
        let authid = field.text()?;
        if !seen.authids.insert(authid) {
            field.wrong("is that of another user of this realm: put their logins together");
        }
        Some(authid)
    });
    let role =
        section.need("role", "give one of the realm's roles", |field| read_role_name(field, seen));
    let logins = [
        "ticket",
        "ticket_file",
        "secret",
        "secret_file",
        "password",
        "password_file",
        "public_keys",
    ];
    if !logins.iter().any(|key| section.has(key)) {
        section.wrong(
            "authid",
            "cannot log in: give a `ticket`, `secret`, `password` or `public_keys`",
        );
    }
    let mut user = StaticUser::new(authid.unwrap_or_default(), role.unwrap_or_default());
    if let Some(ticket) = secrets::read(&mut section, context, "ticket", "ticket_file") {
        user = user.ticket(&ticket);
    }
    user = read_cra(&mut section, context, user);
    if let Some(password) = secrets::read(&mut section, context, "password", "password_file") {
        user = user.scram_password(&password);
    }
    for key in section.read("public_keys", |field| read_keys(field, seen)).unwrap_or_default() {
        user = user.public_key(key);
    }
    section.finish();
    user
}

/// Reads how a user logs in with WAMP-CRA, if at all.
fn read_cra(section: &mut Section<'_>, context: &mut Context<'_>, user: StaticUser) -> StaticUser {
    let is_there = section.has("secret") || section.has("secret_file");
    let secret = secrets::read(section, context, "secret", "secret_file");
    let salt = section.take("salt");
    let cost = ["iterations", "keylen"].map(|key| section.take(key));
    if salt.is_some() && !is_there {
        section.wrong("salt", "needs a `secret`");
    }
    for (field, key) in cost.iter().zip(["iterations", "keylen"]) {
        if field.is_some() && salt.is_none() {
            section.wrong(key, "needs a `salt`");
        }
    }
    let [iterations, keylen] = cost;
    let any = 0..=u64::from(u32::MAX);
    let iterations = iterations.map_or(Some(ITERATIONS), |field| field.integer(&any));
    let keylen = keylen.map_or(Some(KEYLEN), |field| field.integer(&any));
    let Some(secret) = secret else { return user };
    let Some(salt) = salt else { return user.cra_secret(secret) };
    let (Some(text), Some(iterations), Some(keylen)) = (salt.text(), iterations, keylen) else {
        return user;
    };
    // The bounds are those of the key derivation itself.
    let salted = user.clone().cra_password(&secret, text, iterations, keylen);
    salted.unwrap_or_else(|error| {
        salt.wrong(format_args!("cannot be used: {error}"));
        user
    })
}

fn read_keys(field: &Field<'_>, seen: &mut Seen<'_>) -> Option<Vec<[u8; 32]>> {
    let items = field.items()?;
    if items.is_empty() {
        field.wrong("is empty: give the user's keys");
    }
    let mut keys = Vec::new();
    for item in items {
        let mut key = [0; 32];
        let Some(text) = item.text() else { continue };
        let is_hex = hex::decode_to_slice(text, &mut key).is_ok();
        if !is_hex || VerifyingKey::from_bytes(&key).is_err() {
            item.wrong("must be an Ed25519 public key of 64 hex digits");
        } else if !seen.keys.insert(key) {
            item.wrong("is in this realm already: a key that several have tells nobody apart");
        } else {
            keys.push(key);
        }
    }
    Some(keys)
}

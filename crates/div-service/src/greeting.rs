//! What a person reads who starts the service.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use sim::{STAFF, Service};

use crate::Settings;

/// Accounts of the default environment, with the passwords that everybody knows.
const KNOWN: [(&str, &str); 2] = [("leader@div.edu", "leader"), ("s1@div.edu", "s1")];

/// The lines that name the addresses, for people and for programs that start the service.
pub(crate) fn addresses(service: &Service, settings: &Settings) -> String {
    let games = service.games_address().map(|it| format!("listening on http://{it}/apis/\n"));
    let browsers = match &settings.router {
        None => format!("listening on ws://{}/ws\n", service.address()),
        Some(router) => {
            format!("listening on http://{}/\nusing the router at {router}\n", service.address())
        }
    };
    games.unwrap_or_default() + &browsers
}

/// What to open and who can log in.
pub(crate) fn help(service: &Service, settings: &Settings, seeded: bool) -> String {
    let browsers = reachable(service.address());
    let mut text = String::new();
    let (realm, root, (email, password)) = (&settings.realm, &settings.root_topic, STAFF);
    let games = match (service.games_address().map(reachable), &settings.games_url) {
        (Some(games), _) => format!("http://{games}/apis/   staff account {email} / {password}"),
        (None, url) => url.clone().unwrap_or_default(),
    };
    let own = format!("ws://{browsers}/ws");
    let ws = settings.browser_ws.as_ref().or(settings.router.as_ref()).unwrap_or(&own);
    let lines = [
        String::new(),
        format!("players and leaders   http://{browsers}/ in a browser"),
        format!("other clients         {ws}   realm {realm}, e-mail and password as ticket"),
        format!("procedures            {root}.model.<resource>.<id>.<name>"),
        format!("Games API             {games}"),
    ];
    for line in lines {
        writeln!(text, "{line}").expect("writing to a string cannot fail");
    }
    if seeded {
        text.push_str(
            "log in as             leader@div.edu / leader\n\
             \x20                     s1@div.edu / s1 and s2@div.edu / s2 (World 1)\n\
             \x20                     s3@div.edu / s3 and s4@div.edu / s4 (World 2)\n",
        );
    }
    text.push('\n');
    text
}

/// The address as a person on this machine types it.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        ip if ip.is_unspecified() => {
            SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), address.port())
        }
        _ => address,
    }
}

/// Warns when passwords that everybody knows open the service to other machines.
pub(crate) async fn warn_of_known_passwords(service: &Service) {
    let browsers = !service.address().ip().is_loopback();
    let games = service.games_address().is_some_and(|it| !it.ip().is_loopback());
    // A remote Games API looks after its accounts itself.
    let Some(api) = service.core().api().filter(|_| browsers || games) else { return };
    let mut open = Vec::new();
    for (email, password) in [STAFF].into_iter().chain(KNOWN) {
        if api.authenticate(email, password).await.is_ok() {
            open.push(email);
        }
    }
    if !open.is_empty() {
        tracing::warn!(
            "other machines can log in with default passwords ({}): change them, or bind to 127.0.0.1",
            open.join(", ")
        );
    }
}

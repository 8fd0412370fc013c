//! Subscriptions that would lead events back to where they come from.

use sim_games_types::Fields;
use url::{Host, Url};

use super::answer::Refusal;
use super::request::Call;
use crate::error::FieldErrors;

/// Refuses an address that is a place of this service: every delivery to it would fail.
///
/// The service is known by the address at which the client reached it. Only what is below its own
/// paths is refused, since something else may be served beside it at the same address.
pub(super) fn refuse_own_address(call: &Call, fields: &Fields) -> Result<(), Refusal> {
    let target = fields.get("url").and_then(|url| Url::parse(url.as_str()?.trim()).ok());
    let own = Url::parse(&call.origin()).ok();
    match (target, own) {
        (Some(target), Some(own)) if leads_back(&target, &own) => {
            Err(FieldErrors::one("url", "This is an address of the Games API itself.").into())
        }
        _ => Ok(()),
    }
}

fn leads_back(target: &Url, own: &Url) -> bool {
    let is_ours = ["/apis", "/rest-auth"].iter().any(|place| {
        let rest = target.path().strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    is_ours
        && target.port_or_known_default() == own.port_or_known_default()
        && (target.host() == own.host() || (is_this_machine(target) && is_this_machine(own)))
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_back_by_any_name_of_this_machine() {
        let own = Url::parse("http://127.0.0.1:8100").unwrap();
        for (target, expected) in [
            ("http://127.0.0.1:8100/apis/decisions/", true),
            ("http://localhost:8100/apis", true),
            ("http://[::1]:8100/rest-auth/login/", true),
            ("http://127.0.0.1:8100/callback", false),
            ("http://127.0.0.1:8100/apistle", false),
            ("http://127.0.0.1:8080/apis/", false),
            ("http://model.backend:8100/apis/", false),
        ] {
            assert_eq!(leads_back(&Url::parse(target).unwrap(), &own), expected, "{target}");
        }
    }
}

//! Texts of a particular form: slugs, e-mail addresses, web addresses.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

/// Where a cloud's machines find their credentials by IPv6.
const METADATA: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether a text consists of ASCII letters, digits, underscores and hyphens.
pub(super) fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Makes a slug of a name: lower case, ASCII, a hyphen between words.
pub(super) fn slug_of(name: &str) -> String {
    let kept: String = name
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '-') || it.is_whitespace())
        .collect();
    kept.to_ascii_lowercase()
        .split(|it: char| it.is_whitespace() || it == '-')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

/// Whether a text looks like an e-mail address: a local part and a dotted domain or `localhost`.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let local_is_good = !local.is_empty()
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && local
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{}|~-".contains(&byte));
    local_is_good && (domain.eq_ignore_ascii_case("localhost") || is_dotted(domain))
}

fn is_dotted(domain: &str) -> bool {
    let label_is_good = |label: &str| {
        !label.is_empty()
            && label.chars().count() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|it| it.is_alphanumeric() || it == '-')
    };
    domain.contains('.') && domain.split('.').all(label_is_good)
}

/// Whether a text is an absolute `http` or `https` address with a plausible host.
///
/// Unlike the original, names without a dot are accepted: container networks use them.
pub(super) fn is_web_address(text: &str) -> bool {
    if text.contains(char::is_whitespace) {
        return false;
    }
    let Ok(url) = Url::parse(text) else { return false };
    let host_is_good = match url.host() {
        Some(Host::Domain(name)) => name
            .trim_end_matches('.')
            .split('.')
            .all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-')),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    matches!(url.scheme(), "http" | "https") && host_is_good
}

/// Whether nothing may be sent to this address: it is link-local, where clouds keep credentials.
pub(crate) fn is_forbidden_address(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local() || address == METADATA,
    }
}

/// Whether the host of a web address is such an address itself; a name shows only when connecting.
pub(crate) fn names_forbidden_address(text: &str) -> bool {
    match Url::parse(text).ok().as_ref().and_then(Url::host) {
        Some(Host::Ipv4(address)) => is_forbidden_address(address.into()),
        Some(Host::Ipv6(address)) => is_forbidden_address(address.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_and_metadata_addresses_are_forbidden_however_they_are_written() {
        for bad in [
            "http://169.254.169.254/latest",
            "http://2852039166/",
            "http://0xa9fea9fe/",
            "http://[fe80::1]:80/",
            "http://[::ffff:169.254.1.1]/",
            "https://[fd00:ec2::254]/",
        ] {
            assert!(names_forbidden_address(bad), "{bad}");
        }
        for good in ["http://127.0.0.1/", "http://10.0.0.1/x", "http://model/c", "http://[::1]/"] {
            assert!(!names_forbidden_address(good), "{good}");
        }
    }

    #[test]
    fn slugs_are_made_of_names() {
        assert_eq!(slug_of("Another Game!  Here"), "another-game-here");
        assert_eq!(slug_of(" Simpl - Div_2 "), "simpl-div_2");
        assert_eq!(slug_of("Ümläut"), "mlut");
        assert_eq!(slug_of("!!!"), "");
    }

    #[test]
    fn addresses_are_told_from_garbage() {
        for good in ["s1@div.edu", "a.b+c@x-y.example.org", "root@localhost"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["nope", "@x.y", "a@b", "a b@x.y", "a@-x.y", "a@x..y", "a..b@x.y", "a@b@c"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn web_addresses_are_told_from_garbage() {
        for good in ["http://model.backend:8080/callback", "https://10.0.0.1/x", "http://model/c"] {
            assert!(is_web_address(good), "{good}");
        }
        for bad in ["nota url", "model:8080", "ftp://a.b/", "http://", "http://a b/", "//x.y/"] {
            assert!(!is_web_address(bad), "{bad}");
        }
    }
}

//! The way from one page to the next: the `Link` header.

use reqwest::header::{HeaderMap, LINK};

/// The target of the link whose relation is `next`.
pub(crate) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(mut header: &str) -> Option<String> {
    // A target may hold commas and semicolons, so it is taken by its angle brackets first.
    while let Some((_, rest)) = header.split_once('<') {
        let (target, rest) = rest.split_once('>')?;
        let end = rest.find('<').unwrap_or(rest.len());
        if rest[..end].split([';', ',']).any(is_next) {
            return Some(target.trim().to_owned());
        }
        header = &rest[end..];
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value.trim().trim_matches('"').split_whitespace().any(|it| it == "next")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_is_found_among_several_links() {
        let header = r#"<http://h/x/?page_size=1>; rel="prev", <http://h/x/?page=3>; rel="next""#;
        assert_eq!(next_in(header).as_deref(), Some("http://h/x/?page=3"));
    }

    #[test]
    fn a_comma_in_the_target_is_part_of_it() {
        let header = r#"<http://h/x/?a=1,2;3&page=2>; title="a"; rel=next"#;
        assert_eq!(next_in(header).as_deref(), Some("http://h/x/?a=1,2;3&page=2"));
    }

    #[test]
    fn the_last_page_has_no_next() {
        assert_eq!(next_in(r#"<http://h/x/?page=2>; rel="prev""#), None);
        assert_eq!(next_in(""), None);
        assert_eq!(next_in("<broken"), None);
    }
}

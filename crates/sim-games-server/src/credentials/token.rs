//! Tokens: what a client holds instead of a password.

use std::fmt::Write;

use sha2::Sha256;

/// Characters of a token.
const LENGTH: usize = 40;

/// What is stored of a token: it cannot be found out from this.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Digest(String);

impl Digest {
    /// The digest of a token; none of what can be no token.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let is_token = token.len() == LENGTH && token.bytes().all(|it| it.is_ascii_hexdigit());
        is_token.then(|| Self(hex(&<Sha256 as sha2::Digest>::digest(token))))
    }

    /// A digest as it was stored.
    pub(crate) const fn stored(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token that nobody can guess, and its digest.
pub(crate) fn new_token() -> (String, Digest) {
    let token = hex(&rand::random::<[u8; LENGTH / 2]>());
    let digest = Digest::of(&token).expect("it has the length of a token");
    (token, digest)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes what is written to it");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_forty_digits_and_are_known_by_their_digest() {
        let (token, digest) = new_token();
        assert_eq!(token.len(), 40);
        assert_ne!(token, new_token().0);
        assert_eq!(Digest::of(&token), Some(digest));
        for no_token in ["", "abc", &token[1..], &format!("{token}0"), &"g".repeat(40)] {
            assert_eq!(Digest::of(no_token), None, "{no_token}");
        }
    }

    #[test]
    fn the_digest_is_that_of_sha_256() {
        let digest = Digest::of("0123456789abcdef0123456789abcdef01234567").unwrap();
        let expected = "deb87fabd17715bb31ad4cf4ffb9494eeb15f8d33d85b031a301c64ab3417eaa";
        assert_eq!(digest.as_str(), expected);
    }
}

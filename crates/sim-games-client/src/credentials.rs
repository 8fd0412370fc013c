//! Who asks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

use crate::{Error, Result};

/// How the client proves who it is.
#[derive(Clone, Default)]
pub(crate) enum Credentials {
    /// It does not.
    #[default]
    None,
    /// E-mail address and password.
    Basic { email: String, password: String },
    /// A key that the API handed out at log-in.
    Token(String),
}

impl Credentials {
    /// The value of the `Authorization` header.
    pub(crate) fn header(&self) -> Result<Option<HeaderValue>> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Basic { email, password } => {
                format!("Basic {}", STANDARD.encode(format!("{email}:{password}")))
            }
            Self::Token(key) => format!("Token {key}"),
        };
        let mut value = HeaderValue::from_str(&text).map_err(|_| Error::Credentials)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { email, .. } => write!(f, "Basic({email:?}, ***)"),
            Self::Token(_) => f.write_str("Token(***)"),
        }
    }
}

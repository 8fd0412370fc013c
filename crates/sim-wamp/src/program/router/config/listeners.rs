//! Where a router listens.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_rustls::TlsAcceptor;

use super::Context;
use super::reader::{Field, Section};
use crate::transport::{Origins, tls_acceptor, warning_of_dates};

/// The permissions of a Unix socket of which nothing is said: its owner and group may connect.
const MODE: u32 = 0o660;

/// One way into the router.
pub(in crate::program::router) enum Listen {
    /// WebSockets over TCP.
    WebSocket { address: SocketAddr, path: String, origins: Origins, tls: Option<TlsAcceptor> },
    /// Raw sockets over TCP.
    RawSocket { address: SocketAddr, tls: Option<TlsAcceptor> },
    /// Raw sockets over a Unix socket.
    Unix { path: PathBuf, mode: u32 },
}

impl fmt::Debug for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket { address, path, .. } => {
                f.debug_struct("WebSocket").field("address", address).field("path", path).finish()
            }
            Self::RawSocket { address, .. } => {
                f.debug_struct("RawSocket").field("address", address).finish()
            }
            Self::Unix { path, mode } => {
                f.debug_struct("Unix").field("path", path).field("mode", mode).finish()
            }
        }
    }
}

/// Reads all listeners.
pub(super) fn read(whole: &mut Section<'_>, context: &mut Context<'_>) -> Vec<Listen> {
    let advice = "add a `[[listen]]`, without which nobody can connect";
    let mut taken = HashSet::new();
    let sections = whole.need_sections("listen", advice).into_iter();
    sections.filter_map(|section| read_one(section, context, &mut taken)).collect()
}

fn read_one(
    mut section: Section<'_>,
    context: &mut Context<'_>,
    taken: &mut HashSet<String>,
) -> Option<Listen> {
    let is_websocket =
        section.need("transport", "choose \"websocket\" or \"rawsocket\"", |field| {
            field.choice(&[("websocket", true), ("rawsocket", false)])
        });
    let [path, origins, mode, unix, address] =
        ["path", "origins", "mode", "unix", "address"].map(|key| section.take(key));
    let tls = section.take("tls");
    let said = Said {
        path: path.as_ref().map_or(Some("/ws".to_owned()), read_path),
        origins: origins.as_ref().map_or(Some(Origins::Any), read_origins),
        tls: tls.as_ref().map_or(Some(None), |field| read_tls(field, context).map(Some)),
        address: address.as_ref().and_then(|field| read_address(field, taken)),
        unix: unix.as_ref().and_then(|field| read_unix(field, context, taken)),
        mode: mode.as_ref().map_or(Some(MODE), read_mode),
    };
    let misplaced = |field: &Option<Field<'_>>, why: &str| {
        if let Some(field) = field {
            field.wrong(format_args!("means nothing here: leave it out, {why}"));
        }
    };
    match is_websocket {
        Some(false) => {
            misplaced(&path, "a raw socket has no path");
            misplaced(&origins, "web pages do not open raw sockets");
        }
        Some(true) => misplaced(&unix, "a WebSocket comes over TCP"),
        None => {}
    }
    let is_unix = unix.is_some() && is_websocket == Some(false);
    if is_unix {
        misplaced(&address, "a Unix socket has only its path");
        misplaced(&tls, "nobody can listen in on a Unix socket");
    } else if is_websocket.is_some() {
        misplaced(&mode, "only a Unix socket has permissions");
        if address.is_none() {
            section.wrong("address", "is missing: give IP and port, such as \"127.0.0.1:8080\"");
        }
    }
    section.finish();
    if is_unix { said.unix() } else { said.tcp(is_websocket?) }
}

/// What a listener says, as far as it is right.
struct Said {
    path: Option<String>,
    origins: Option<Origins>,
    tls: Option<Option<TlsAcceptor>>,
    address: Option<SocketAddr>,
    unix: Option<PathBuf>,
    mode: Option<u32>,
}

impl Said {
    fn unix(self) -> Option<Listen> {
        Some(Listen::Unix { path: self.unix?, mode: self.mode? })
    }

    fn tcp(self, is_websocket: bool) -> Option<Listen> {
        let (address, tls) = (self.address?, self.tls?);
        Some(if is_websocket {
            Listen::WebSocket { address, path: self.path?, origins: self.origins?, tls }
        } else {
            Listen::RawSocket { address, tls }
        })
    }
}

fn read_mode(field: &Field<'_>) -> Option<u32> {
    field.parse(|text| {
        let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
        mode.ok_or("must be permissions in octal digits, such as \"0660\"")
    })
}

fn read_unix(
    field: &Field<'_>,
    context: &Context<'_>,
    taken: &mut HashSet<String>,
) -> Option<PathBuf> {
    let path = context.directory.join(field.text()?);
    if !taken.insert(path.display().to_string()) {
        field.wrong("is that of another `[[listen]]`: choose another path");
        return None;
    }
    Some(path)
}

fn read_address(field: &Field<'_>, taken: &mut HashSet<String>) -> Option<SocketAddr> {
    let wrong = "must be IP and port, such as \"127.0.0.1:8080\"";
    let address: SocketAddr = field.parse(|text| text.parse().map_err(|_| wrong))?;
    // Port 0 is a free one each time.
    if address.port() != 0 && !taken.insert(address.to_string()) {
        field.wrong("is that of another `[[listen]]`: choose another port");
        return None;
    }
    Some(address)
}

fn read_path(field: &Field<'_>) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    field.parse(|text| {
        let is_path = text.starts_with('/') && text.chars().all(is_plain);
        is_path.then(|| text.to_owned()).ok_or("must be the path of a URL, such as \"/ws\"")
    })
}

fn read_origins(field: &Field<'_>) -> Option<Origins> {
    let items = field.items()?;
    let origins: Vec<_> = items.iter().filter_map(|item| item.parse(str::parse)).collect();
    (origins.len() == items.len()).then_some(Origins::Only(origins))
}

fn read_tls(field: &Field<'_>, context: &mut Context<'_>) -> Option<TlsAcceptor> {
    let mut section = field.section()?;
    let certificate = section.need("certificate", "name a file in PEM format", Field::text);
    let key = section.need("key", "name a file in PEM format", Field::text);
    section.finish();
    let (certificate, key) = (context.directory.join(certificate?), context.directory.join(key?));
    let acceptor = tls_acceptor(&certificate, &key);
    context.secrets.note(key);
    context.warnings.extend(warning_of_dates(&certificate));
    let wrong =
        |error| field.wrong(format_args!("cannot be used: {:#}", anyhow::Error::new(error)));
    acceptor.map_err(wrong).ok()
}

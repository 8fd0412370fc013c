//! Where a router listens.

use std::collections::HashSet;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_rustls::TlsAcceptor;

use super::Context;
use super::reader::{Field, Section};
use crate::transport::{Origins, tls_acceptor};

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
    let is_websocket = is_websocket?;

    let misplaced = |field: &Option<Field<'_>>, why: &str| {
        if let Some(field) = field {
            field.wrong(format_args!("means nothing here: leave it out, {why}"));
        }
    };
    if !is_websocket {
        misplaced(&path, "a raw socket has no path");
        misplaced(&origins, "web pages do not open raw sockets");
    }
    let listen = match (unix, is_websocket) {
        (Some(unix), false) => {
            misplaced(&address, "a Unix socket has only its path");
            misplaced(&tls, "nobody can listen in on a Unix socket");
            unix_socket(&unix, mode.as_ref(), context, taken)
        }
        (unix, _) => {
            misplaced(&unix, "a WebSocket comes over TCP");
            misplaced(&mode, "only a Unix socket has permissions");
            if address.is_none() {
                section
                    .wrong("address", "is missing: give IP and port, such as \"127.0.0.1:8080\"");
            }
            let address = address.and_then(|field| read_address(&field, taken));
            let tls = tls.map(|field| read_tls(&field, context));
            let path = match path.filter(|_| is_websocket) {
                Some(path) => read_path(&path),
                None => Some("/ws".to_owned()),
            };
            let origins = match origins.filter(|_| is_websocket) {
                Some(origins) => read_origins(&origins),
                None => Some(Origins::Any),
            };
            tcp(is_websocket, address, path, origins, tls)
        }
    };
    section.finish();
    listen
}

/// Puts together what was right.
fn tcp(
    is_websocket: bool,
    address: Option<SocketAddr>,
    path: Option<String>,
    origins: Option<Origins>,
    tls: Option<Option<TlsAcceptor>>,
) -> Option<Listen> {
    let address = address?;
    let tls = match tls {
        Some(tls) => Some(tls?),
        None => None,
    };
    Some(if is_websocket {
        Listen::WebSocket { address, path: path?, origins: origins?, tls }
    } else {
        Listen::RawSocket { address, tls }
    })
}

fn unix_socket(
    unix: &Field<'_>,
    mode: Option<&Field<'_>>,
    context: &Context<'_>,
    taken: &mut HashSet<String>,
) -> Option<Listen> {
    let mode = match mode {
        Some(field) => field.parse(|text| {
            let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
            mode.ok_or("must be permissions in octal digits, such as \"0660\"")
        }),
        None => Some(MODE),
    };
    let path = context.directory.join(unix.text()?);
    if !taken.insert(path.display().to_string()) {
        unix.wrong("is that of another `[[listen]]`: choose another path");
        return None;
    }
    Some(Listen::Unix { path, mode: mode? })
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
    acceptor.map_err(|error| field.wrong(format_args!("cannot be used: {:#}", anyhow::Error::new(error)))).ok()
}

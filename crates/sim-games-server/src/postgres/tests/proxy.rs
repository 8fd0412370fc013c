//! A bad network between a store and its server.

use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::config::Host;

use crate::tests::server::Schema;

/// How the network behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Everything passes. The number grows whenever all connections are to be cut.
    Open(u64),
    /// Nobody gets through.
    Closed,
    /// The next commit reaches the server, but its answer does not come back.
    LoseAnswer,
    /// The next commit does not reach the server.
    LoseCommit,
}

/// How the store commits; nothing else that it sends contains this.
const COMMIT: &[u8] = b"; COMMIT";

/// A forwarder on a port of its own; it ends with this value.
pub(super) struct Proxy {
    url: String,
    mode: Arc<watch::Sender<Mode>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(super) async fn start(schema: &Schema) -> Self {
        let config: tokio_postgres::Config = schema.url().parse().unwrap();
        let Host::Tcp(host) = &config.get_hosts()[0] else { panic!("the server has no port") };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url = url::Url::parse(&schema.url()).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let mode = Arc::new(watch::Sender::new(Mode::Open(0)));
        let task = tokio::spawn(serve(listener, format!("{host}:{port}"), Arc::clone(&mode)));
        Self { url: url.into(), mode, task }
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn close(&self) {
        self.mode.send_replace(Mode::Closed);
    }

    pub(super) fn open(&self) {
        self.mode.send_replace(Mode::Open(0));
    }

    /// Cuts all connections that there are; new ones pass.
    pub(super) fn cut(&self) {
        self.mode.send_modify(|mode| {
            *mode = match *mode {
                Mode::Open(number) => Mode::Open(number + 1),
                other => other,
            };
        });
    }

    pub(super) fn lose_the_answer_to_a_commit(&self) {
        self.mode.send_replace(Mode::LoseAnswer);
    }

    pub(super) fn lose_a_commit(&self) {
        self.mode.send_replace(Mode::LoseCommit);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, server: String, mode: Arc<watch::Sender<Mode>>) {
    while let Ok((client, _)) = listener.accept().await {
        if *mode.borrow() == Mode::Closed {
            continue;
        }
        let (server, mode) = (server.clone(), Arc::clone(&mode));
        tokio::spawn(async move {
            let server = TcpStream::connect(server).await.unwrap();
            forward(client, server, &mode).await.ok();
        });
    }
}

/// Forwards until somebody hangs up or the connection is cut.
async fn forward(
    mut client: TcpStream,
    mut server: TcpStream,
    mode: &watch::Sender<Mode>,
) -> std::io::Result<()> {
    let mut changes = mode.subscribe();
    let born = *changes.borrow_and_update();
    let (mut up, mut down) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            changed = changes.changed() => {
                let now = *changes.borrow_and_update();
                let cut = match (born, now) {
                    (_, Mode::Closed) => true,
                    (Mode::Open(before), Mode::Open(now)) => now > before,
                    _ => false,
                };
                if changed.is_err() || cut {
                    return Ok(());
                }
            }
            read = client.read(&mut up) => {
                let sent = &up[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                let commits = sent.windows(COMMIT.len()).any(|it| it == COMMIT);
                let now = *mode.borrow();
                if commits && matches!(now, Mode::LoseAnswer | Mode::LoseCommit) {
                    if now == Mode::LoseAnswer {
                        server.write_all(sent).await?;
                        // Once something comes back the commit is done; it goes no further.
                        server.readable().await?;
                    }
                    mode.send_replace(Mode::Open(0));
                    return Ok(());
                }
                server.write_all(sent).await?;
            }
            read = server.read(&mut down) => {
                let sent = &down[..read?];
                if sent.is_empty() {
                    return Ok(());
                }
                client.write_all(sent).await?;
            }
        }
    }
}

//! A log that several nodes write, in one stream of NATS JetStream.
//! Must not know rooms beyond their names, nor what entries hold.
//!
//! | part | what it does |
//! |---|---|
//! | [`NatsLog`](log) | stores entries, and asks for what is stored |
//! | [`reading`] | reads entries, of any server or of the leader |
//! | [`checkpoints`] | stores and reads checkpoints and copies, in parts |
//! | [`asking`] | questions to nodes, and their replies |
//! | [`settings`] | makes the stream, and refuses one that promises less |
//! | [`subjects`] | the names of everything |
//! | [`feed`] | what is told without having been asked for |

mod asking;
mod checkpoints;
mod error;
mod feed;
mod log;
mod proof;
mod reading;
mod settings;
mod subjects;
#[cfg(test)]
mod test_accounts;
#[cfg(test)]
pub(crate) mod test_server;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::Life;
use rtbroadcaster_core::record::Lives;
use tokio::sync::watch;

use super::shared::SharedEngine;
use super::{Health, OpenedEngine};
use crate::os_random::OsRandom;
pub use error::NatsError;
use feed::Followers;
use log::NatsLog;
pub use proof::Unproven;
pub use settings::Durability;
use settings::Settings;

/// The time within which a server has to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The time without a connection after which rooms cannot be written.
const DISCONNECTED: Duration = Duration::from_secs(10);

/// NATS servers with JetStream, by which several nodes have the same rooms: any client may come to any node. Passed to
/// [`ManagerBuilder::engine`](crate::ManagerBuilder::engine).
///
/// All nodes of one installation have the same [namespace](Self::namespace), the same
/// [`Config::secret`](crate::Config::secret), and servers of one NATS cluster. NATS 2.12.8 or newer is needed.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{Config, Manager, Nats};
///
/// let nats = Nats::at("nats://10.0.0.1:4222,nats://10.0.0.2:4222").replicas(3);
/// let config = Config { secret: Some(std::env::var("SECRET")?.parse()?), ..Config::default() };
/// let manager = Manager::builder(config).engine(nats).open().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Nats {
    urls: String,
    namespace: String,
    replicas: usize,
    is_in_memory: bool,
    credentials: Option<PathBuf>,
    certificates: Option<PathBuf>,
    stays_with_urls: bool,
    monitors: Vec<String>,
    system_credentials: Option<PathBuf>,
    requires_durable: bool,
}

impl Nats {
    /// Returns the servers at these addresses, separated by commas: `nats://host:4222`, or `tls://host:4222` where they
    /// want TLS. A user and a password stand before the host: `nats://user:password@host:4222`. The client learns of
    /// further servers from these.
    pub fn at(urls: impl Into<String>) -> Self {
        Self {
            urls: urls.into(),
            namespace: "rtb".into(),
            replicas: 3,
            is_in_memory: false,
            credentials: None,
            certificates: None,
            stays_with_urls: false,
            monitors: Vec::new(),
            system_credentials: None,
            requires_durable: false,
        }
    }

    /// Sets the namespace, by which installations that share servers are told apart: 1 to 32 of `a` to `z`, `0` to `9`,
    /// `_` and `-`. Default `rtb`.
    #[must_use]
    pub fn namespace(self, namespace: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), ..self }
    }

    /// Sets how many servers have each entry before it is acknowledged: 1, 3 or 5. Default 3. With 1, the loss of one
    /// server loses rooms.
    #[must_use]
    pub fn replicas(self, replicas: usize) -> Self {
        Self { replicas, ..self }
    }

    /// Keeps the log in the servers' memory: it is lost when most of them end.
    #[must_use]
    pub fn in_memory(self) -> Self {
        Self { is_in_memory: true, ..self }
    }

    /// Authenticates by a credentials file, as `nsc` writes it.
    #[must_use]
    pub fn credentials_file(self, path: impl AsRef<Path>) -> Self {
        Self { credentials: Some(path.as_ref().to_owned()), ..self }
    }

    /// Trusts the certificate authorities in this file of PEM, besides those of the operating system.
    #[must_use]
    pub fn root_certificates(self, path: impl AsRef<Path>) -> Self {
        Self { certificates: Some(path.as_ref().to_owned()), ..self }
    }

    /// Connects to the addresses that were given and to no server that these tell of, as where nodes reach the servers
    /// through a proxy.
    #[must_use]
    pub fn only_these(self) -> Self {
        Self { stays_with_urls: true, ..self }
    }

    /// Asks the monitoring addresses of the servers (`http://host:8222`, one of each server) whether they sync each write,
    /// which other clients are not told.
    #[must_use]
    pub fn monitors<T: Into<String>>(self, addresses: impl IntoIterator<Item = T>) -> Self {
        Self { monitors: addresses.into_iter().map(Into::into).collect(), ..self }
    }

    /// Asks the servers on their system account whether they sync each write, as the user of this credentials file.
    #[must_use]
    pub fn system_credentials_file(self, path: impl AsRef<Path>) -> Self {
        Self { system_credentials: Some(path.as_ref().to_owned()), ..self }
    }

    /// Refuses to start unless it is proven, by [`monitors`](Self::monitors) or
    /// [`system_credentials_file`](Self::system_credentials_file), that acknowledged messages survive the loss of power of
    /// all servers: [`Durability::ClusterDisk`].
    #[must_use]
    pub fn require_durable(self) -> Self {
        Self { requires_durable: true, ..self }
    }

    /// Connects, makes the stream if there is none, and checks it.
    pub(crate) async fn open(&self, config: &Config) -> Result<OpenedNats, NatsError> {
        let Some(secret) = config.secret.clone() else { return Err(NatsError::NoSecret) };
        let settings = Settings::of(self, config)?;
        let followers = Arc::new(Followers::default());
        let (connected, is_connected) = watch::channel(true);
        let client = self.connect(&followers, connected).await?;
        let log = Arc::new(NatsLog::new(client.clone(), &self.namespace, settings.clone(), followers));
        let (told, health) = watch::channel(Health::Failing);
        let now = match settings.ensure(&client).await {
            Ok(now) => {
                told.send_replace(Health::Fine);
                tokio::spawn(judge(is_connected, told));
                Some(now)
            }
            Err(error) if error.is_temporary() => {
                tracing::error!(error = %chain(&error), "no rooms until NATS answers");
                tokio::spawn(async move {
                    settings.ensure_until_done(&client).await;
                    told.send_replace(Health::Fine);
                    judge(is_connected, told).await;
                });
                None
            }
            Err(error) => return Err(error),
        };
        let engine = SharedEngine::start(log, Arc::new(OsRandom), health);
        let lives = Arc::new(Lives::only(Life::random(&OsRandom)));
        Ok(OpenedNats { opened: OpenedEngine { engine: Arc::new(engine), rooms: Vec::new(), lives, secret }, now })
    }

    async fn connect(
        &self,
        followers: &Arc<Followers>,
        connected: watch::Sender<bool>,
    ) -> Result<async_nats::Client, NatsError> {
        let followers = Arc::clone(followers);
        let servers = self.urls.split(',').map(|url| url.trim().parse::<ServerAddr>());
        let servers: Vec<_> = servers.collect::<Result<_, _>>().map_err(NatsError::Address)?;
        let options = ConnectOptions::new()
            .name("rtbroadcaster")
            .retry_on_initial_connect()
            // What a node whispers is for the others.
            .no_echo()
            .connection_timeout(ANSWER)
            .request_timeout(Some(ANSWER))
            .subscription_capacity(super::shared::FEED_EVENTS_MAX)
            .event_callback(move |event| {
                let (followers, connected) = (Arc::clone(&followers), connected.clone());
                async move {
                    match event {
                        async_nats::Event::Connected => {
                            connected.send_replace(true);
                            followers.connected();
                        }
                        async_nats::Event::Disconnected => _ = connected.send_replace(false),
                        async_nats::Event::SlowConsumer(_) => followers.missed(),
                        _ => {}
                    }
                    tracing::debug!(%event, "NATS");
                }
            });
        let options = match &self.credentials {
            Some(path) => {
                options.credentials_file(path).await.map_err(|error| NatsError::Credentials(path.clone(), error))?
            }
            None => options,
        };
        let options = match &self.certificates {
            Some(path) => options.add_root_certificates(path.clone()),
            None => options,
        };
        let options = if self.stays_with_urls { options.ignore_discovered_servers() } else { options };
        options.connect(servers).await.map_err(NatsError::Connect)
    }
}

/// What opening gives.
pub(crate) struct OpenedNats {
    pub(crate) opened: OpenedEngine,
    /// The log's time, since 1970; `None` while NATS does not answer.
    pub(crate) now: Option<Duration>,
}

/// Returns an error and its causes as one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

/// Says that rooms cannot be written once there has been no connection for a while.
async fn judge(mut connected: watch::Receiver<bool>, health: watch::Sender<Health>) {
    loop {
        let is_connected = *connected.borrow_and_update();
        health.send_if_modified(|known| is_connected && std::mem::replace(known, Health::Fine) != Health::Fine);
        let changed = connected.changed();
        if is_connected {
            if changed.await.is_err() {
                return;
            }
            continue;
        }
        match tokio::time::timeout(DISCONNECTED, changed).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                health.send_replace(Health::Failing);
                if connected.wait_for(|connected| *connected).await.is_err() {
                    return;
                }
            }
        }
    }
}

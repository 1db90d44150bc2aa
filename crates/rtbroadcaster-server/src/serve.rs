//! `rtbroadcaster serve`: starts the server, runs it until a signal, and shuts it down.
//! Must not know HTTP or WebSocket.

mod admin;
mod announce;
mod arrivals;
mod connection;
mod files;
mod hosts;
mod listener;
mod listeners;
mod monitored;
mod proxies;
mod proxy_header;
mod reload;
mod site;
mod sockets;
mod totals;

use std::io::Write;
use std::net::SocketAddr;
use std::panic::resume_unwind;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Disk, DiskError, EngineError, Limit, Manager, Nats};
use rustix::fs::Mode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log::LogHandle;
use crate::metrics::{MetricsSource, Process};
use crate::nats_servers::{NatsFile, NatsMonitors, NatsServers};
use crate::output::Output;
use crate::secret_file::{SecretError, SecretFile};
use crate::settings::Settings;
use crate::signals::{Hangups, TerminationSignal, TerminationSignals};
use admin::Admin;
use arrivals::Arrivals;
use connection::ConnectionServer;
use hosts::Hosts;
use listener::ListenError;
use listeners::BoundListeners;
use reload::{Load, Reload};
use site::Site;
use sockets::{SocketLimits, Sockets};

/// How long all connections together may take to end after a signal.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// The error with which the server fails to start, or ends.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("--secret-file: {0}")]
    Secret(#[from] SecretError),
    #[error("--data-dir: {error}{}", hint(error))]
    Disk {
        #[from]
        error: DiskError,
    },
    #[error("--nats: {}", causes(.0))]
    Cluster(#[source] EngineError),
    #[error("--data-dir: the directory cannot be used any more; the log says why")]
    Lost,
}

/// Returns the causes of an error, behind it, as one line.
fn causes(error: &EngineError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Returns the flag that accepts the error, if there is one.
fn hint(error: &DiskError) -> String {
    match error {
        DiskError::Loss { word, .. } => format!(" (--accept-data-loss {word})"),
        _ => String::new(),
    }
}

/// Serves until a signal, and returns the process's exit code. Logs the `warnings` of the configuration first. `load`
/// reads the settings again.
pub(crate) fn run(settings: &Settings, warnings: &[String], load: impl Load) -> ExitCode {
    let log = match LogHandle::start(&settings.log, settings.log_format) {
        Ok(log) => Arc::new(log),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "rtbroadcaster: cannot start the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match start(settings, load, &log) {
        Ok(code) => code,
        Err(error) => {
            // A plain line, not a log line: a person reads it.
            log.stderr().add(format!("rtbroadcaster: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings, load: impl Load, log: &Arc<LogHandle>) -> Result<ExitCode, ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    // Before anything that may take long. Until here a signal kills the process.
    let listening = {
        let _here = runtime.enter();
        TerminationSignals::new().and_then(|signals| Ok((signals, Hangups::new()?)))
    };
    let (signals, hangups) = listening.map_err(ServeError::Signals)?;
    // All files that the server creates contain messages of rooms.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let reload = Reload::new(hangups, load, settings.clone(), Arc::clone(log));
    // On a worker thread, like all tasks that it spawns, so that accepting and serving share the workers fairly.
    let serving = runtime.spawn(serve(settings.clone(), signals, reload, log.stderr().clone()));
    let outcome = runtime.block_on(serving);
    // Does not wait for connections that are still open, nor for a directory that is still being opened.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

/// A server that is ready to accept connections.
struct ReadyServer {
    listeners: BoundListeners,
    manager: Manager,
    sockets: Arc<Sockets>,
    admin: Option<Admin>,
}

impl ReadyServer {
    /// Prepares everything that the first connection needs.
    async fn make(mut settings: Settings, log: Output) -> Result<Self, ServeError> {
        let process = Process::started_now();
        let beyond = bound_connections(&mut settings.config);
        let listeners = BoundListeners::bind(&settings.listen, "--listen").await?;
        // Before the first connection is accepted: a client that waits in the accept queue finds its room.
        let manager = manager(&settings).await?;
        let (all, per_address) = (settings.config.connections_max, settings.http_connections_per_address_max);
        let sockets = Sockets::new(SocketLimits { all, beyond, per_address }, Some(manager.clone()));
        let counted = Arc::clone(&sockets);
        let source = MetricsSource { manager: manager.clone(), http: Arc::new(move || counted.counts()), process, log };
        let admin = Admin::bind(&settings, &manager, source).await?;
        Ok(Self { listeners, manager, sockets, admin })
    }
}

async fn serve(
    settings: Settings,
    mut signals: TerminationSignals,
    reload: Reload<impl Load>,
    log: Output,
) -> Result<ExitCode, ServeError> {
    let ready = tokio::select! {
        biased;
        signal = signals.next() => {
            tracing::info!(%signal, "shutting down: the server was not ready yet");
            return Ok(ExitCode::SUCCESS);
        }
        ready = ReadyServer::make(settings.clone(), log) => ready?,
    };
    let ReadyServer { listeners, manager, sockets, admin } = ready;
    let addresses = listeners.addresses();
    let port = addresses.first().map_or(0, SocketAddr::port);
    let site = Site::new(&settings.path, port, manager.clone());
    let (connections, stop) = (TaskTracker::new(), CancellationToken::new());
    let keep_alive = settings.keep_alive_timeout;
    let (arrivals, config) = (Arc::new(Arrivals::new(&settings)), Arc::new(settings.config.clone()));
    let server = ConnectionServer { arrivals, site, config: Arc::clone(&config), keep_alive, stop: stop.clone() };
    let admin_addresses = admin.as_ref().map(Admin::addresses).unwrap_or_default();
    announce::ready(&addresses, &admin_addresses, &settings);
    for address in addresses {
        tracing::info!(%address, path = %settings.path, "listening");
    }
    for address in admin_addresses {
        tracing::info!(%address, "metrics at /metrics");
    }
    let hosts = |address| Hosts::of(address, &settings.allow_hosts);
    if let Some(admin) = admin {
        // Until the last client is gone, so that its close is still in the metrics.
        admin.serve(hosts, &config, keep_alive, &connections, &stop);
    }
    // Also during the shutdown: new connections get 503.
    listeners.serve(&server, hosts, &sockets, &connections);
    let mut reload = pin!(reload.run(&manager));
    let mut totals = pin!(totals::log_totals(&manager));
    let mut lost = pin!(manager.log_lost());
    let cause = tokio::select! {
        signal = signals.next() => ShutdownCause::Signal(signal),
        () = &mut lost => ShutdownCause::Lost,
        never = &mut reload => match never {},
        never = &mut totals => match never {},
    };
    let open = manager.connections();
    // Before the log line: from here on handshakes and `/readyz` answer 503.
    let clients_are_gone = manager.shutdown();
    match cause {
        ShutdownCause::Signal(signal) => tracing::info!(%signal, connections = open, "shutting down"),
        ShutdownCause::Lost => tracing::error!(connections = open, "shutting down: rooms cannot be kept any more"),
    }
    let mut end = pin!(async {
        tokio::select! {
            () = tokio::time::sleep(SHUTDOWN) => {
                tracing::warn!(connections = manager.connections(), "some connections did not close in time");
            }
            () = finish(clients_are_gone, &manager, &connections, &stop) => tracing::info!("all connections are closed"),
        }
    });
    tokio::select! {
        () = &mut end => match cause {
            ShutdownCause::Signal(_) => Ok(ExitCode::SUCCESS),
            ShutdownCause::Lost => Err(ServeError::Lost),
        },
        second = signals.next() => {
            tracing::warn!(signal = %second, "second signal: the process ends at once");
            Ok(second.exit_code())
        }
    }
}

/// The reason for the shutdown.
enum ShutdownCause {
    Signal(TerminationSignal),
    /// The data directory cannot be written any more.
    Lost,
}

/// Lowers the limit of connections to what the limit of open files allows, so that the store always has files. Returns
/// how many connections beyond that limit may be open for a moment.
fn bound_connections(config: &mut Config) -> usize {
    const BEYOND: usize = 32;
    let Some(sockets) = files::sockets_max() else { return BEYOND };
    let beyond = BEYOND.min(sockets / 4);
    let (asked, carried) = (config.connections_max, (sockets - beyond).max(1));
    config.connections_max = asked.min(Limit::Max(carried));
    if let Limit::Max(asked) = asked
        && asked > carried
    {
        let advice = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower connections_max";
        tracing::warn!(connections_max = asked, carried, "the limit of open files allows fewer connections: {advice}");
    }
    beyond
}

/// Returns the manager, with all rooms of the data directory.
async fn manager(settings: &Settings) -> Result<Manager, ServeError> {
    let secret = settings.secret_file.as_ref().map(SecretFile::read).transpose()?;
    let config = Config { secret, ..settings.config.clone() };
    if let Some(servers) = &settings.nats {
        return cluster(settings, config, servers).await;
    }
    let Some(directory) = &settings.data_dir else { return Ok(Manager::new(config)) };
    let began = Instant::now();
    let disk = Disk::at(directory).with_ack(settings.ack);
    let disk = match &settings.accept_data_loss {
        Some(word) => disk.accept_loss(word),
        None => disk,
    };
    let manager = Manager::open(config, &disk).await?;
    let (rooms, elapsed) = (manager.rooms().len(), began.elapsed());
    let (directory, ack) = (directory.display(), settings.ack.word());
    tracing::info!(%directory, ack, rooms, ?elapsed, "rooms are kept");
    Ok(manager)
}

/// Returns the manager of a node, whose rooms other nodes have, too.
async fn cluster(settings: &Settings, config: Config, servers: &NatsServers) -> Result<Manager, ServeError> {
    let nats =
        Nats::at(servers.to_string()).namespace(settings.nats_namespace.to_string()).replicas(settings.nats_replicas);
    let nats = if settings.nats_memory { nats.in_memory() } else { nats };
    let nats = match &settings.nats_credentials {
        Some(NatsFile(path)) => nats.credentials_file(path),
        None => nats,
    };
    let nats = match &settings.nats_ca {
        Some(NatsFile(path)) => nats.root_certificates(path),
        None => nats,
    };
    let nats = match &settings.nats_monitor {
        Some(NatsMonitors(addresses)) => nats.monitors(addresses),
        None => nats,
    };
    let nats = match &settings.nats_system_credentials {
        Some(NatsFile(path)) => nats.system_credentials_file(path),
        None => nats,
    };
    let nats = if settings.require_durable { nats.require_durable() } else { nats };
    Manager::builder(config).engine(nats).open().await.map_err(ServeError::Cluster)
}

/// Waits until all clients are gone, and then until all connections are closed.
async fn finish(
    clients_are_gone: impl Future<Output = ()>,
    manager: &Manager,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    // Plain HTTP is served meanwhile: `/readyz` answers 503.
    clients_are_gone.await;
    stop.cancel();
    connections.close();
    connections.wait().await;
    // Closes clients whose upgrade was not complete before.
    manager.shutdown().await;
}

//! `rtbroadcaster serve`: from the settings to the last connection.
//! Must not know HTTP or WebSocket.

mod admin;
mod announce;
mod arrivals;
mod connection;
mod files;
mod hosts;
mod listener;
mod listeners;
mod proxies;
mod proxy_header;
mod site;
mod sockets;
mod watched;

use std::io::Write;
use std::panic::resume_unwind;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Disk, DiskError, Manager};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log;
use crate::metrics::Process;
use crate::settings::Settings;
use crate::signals::{Came, Signals};
use admin::Admin;
use arrivals::Arrivals;
use connection::Server;
use hosts::Hosts;
use listener::ListenError;
use listeners::Listeners;
use site::Site;
use sockets::{Limits, Sockets};

/// How long all connections together may take to end after a signal.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] std::io::Error),
    #[error("cannot wait for signals: {0}")]
    Signals(#[source] std::io::Error),
    #[error(transparent)]
    Listen(#[from] ListenError),
    #[error("--data-dir: {error}{}", hint(error))]
    Disk {
        #[from]
        error: DiskError,
    },
    #[error("--data-dir: the directory cannot be used any more; the log says why")]
    Lost,
}

/// How what an error says is done here.
fn hint(error: &DiskError) -> String {
    match error {
        DiskError::Loss { word, .. } => format!(" (--accept-data-loss {word})"),
        _ => String::new(),
    }
}

/// Serves until a signal and gives the process's exit code.
/// What the configuration has to be warned of is logged first.
pub(crate) fn run(settings: &Settings, warnings: &[String]) -> ExitCode {
    log::start(&settings.log, settings.log_format);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    match start(settings) {
        Ok(code) => code,
        Err(error) => {
            // Without a log line around it: this is for whoever typed the command.
            let _ = writeln!(std::io::stderr(), "rtbroadcaster: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings) -> Result<ExitCode, ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    // On a worker, as all that it spawns: whoever accepts takes turns with those who are here.
    let serving = runtime.spawn(serve(settings.clone()));
    let outcome = runtime.block_on(serving).unwrap_or_else(|error| resume_unwind(error.into_panic()));
    // Whoever has not gone by now is not waited for.
    runtime.shutdown_background();
    outcome
}

async fn serve(mut settings: Settings) -> Result<ExitCode, ServeError> {
    let process = Process::begins();
    let beyond = bound_connections(&mut settings.config);
    // Before the ready line, so that whoever reads it may already send a signal.
    let mut signals = Signals::new().map_err(ServeError::Signals)?;
    let listeners = Listeners::bind(&settings.listen, "--listen").await?;
    let addresses = listeners.addresses();
    // Before the first connection is accepted: whoever waits in the queue of the port finds its room.
    let manager = manager(&settings).await?;
    let site = Site::new(&settings.path, manager.clone());
    let (connections, stop) = (TaskTracker::new(), CancellationToken::new());
    let keep_alive = settings.keep_alive_timeout;
    let server = Server { arrivals: Arc::new(Arrivals::new(&settings)), site, keep_alive, stop: stop.clone() };
    let limits =
        Limits { all: settings.config.connections_max, beyond, per_address: settings.http_connections_per_address_max };
    let sockets = Sockets::new(limits, Some(manager.clone()));
    let admin = Admin::bind(&settings, &manager, &sockets, process).await?;
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
        // Until the last client is gone, so that its end is counted where somebody looks.
        admin.serve(hosts, keep_alive, &connections, &stop);
    }
    // Until then too: who comes while it ends is told to come later.
    listeners.serve(&server, hosts, &sockets, &connections);
    let mut lost = pin!(manager.log_lost());
    let cause = tokio::select! {
        signal = signals.next() => Cause::Signal(signal),
        () = &mut lost => Cause::Lost,
    };
    let open = manager.connections();
    // Before it is said: from then on nobody is let in and `/readyz` says so.
    let clients_are_gone = manager.shutdown();
    match cause {
        Cause::Signal(signal) => tracing::info!(%signal, connections = open, "shutting down"),
        Cause::Lost => tracing::error!(connections = open, "shutting down: rooms cannot be kept any more"),
    }
    let mut end = pin!(async {
        tokio::select! {
            () = tokio::time::sleep(SHUTDOWN) => {
                tracing::warn!(connections = manager.connections(), "left connections that did not end in time");
            }
            () = finish(clients_are_gone, &manager, &connections, &stop) => tracing::info!("every connection has ended"),
        }
    });
    tokio::select! {
        () = &mut end => match cause {
            Cause::Signal(_) => Ok(ExitCode::SUCCESS),
            Cause::Lost => Err(ServeError::Lost),
        },
        second = signals.next() => {
            tracing::warn!(signal = %second, "ending at once");
            Ok(second.exit_code())
        }
    }
}

/// Why the server ends.
enum Cause {
    Signal(Came),
    /// What rooms keep can never be written again.
    Lost,
}

/// Lowers the limit of connections to what the open files carry, so that the store never lacks one. Returns how many more
/// there may be for a moment.
fn bound_connections(config: &mut Config) -> usize {
    const BEYOND: usize = 32;
    let Some(sockets) = files::sockets_max() else { return BEYOND };
    let beyond = BEYOND.min(sockets / 4);
    let (asked, carried) = (config.connections_max, (sockets - beyond).max(1));
    if asked == 0 || asked > carried {
        config.connections_max = carried;
    }
    if asked > carried {
        let advice = "raise the limit of open files (ulimit -n, LimitNOFILE), or lower connections_max";
        tracing::warn!(connections_max = asked, carried, "open files carry fewer connections: {advice}");
    }
    beyond
}

/// The manager, with the rooms that are kept.
async fn manager(settings: &Settings) -> Result<Manager, DiskError> {
    let Some(directory) = &settings.data_dir else { return Ok(Manager::new(settings.config.clone())) };
    let began = Instant::now();
    let disk = Disk::at(directory).with_ack(settings.ack);
    let disk = match &settings.accept_data_loss {
        Some(word) => disk.accept_loss(word),
        None => disk,
    };
    let manager = Manager::open(settings.config.clone(), &disk).await?;
    let (rooms, elapsed) = (manager.rooms().len(), began.elapsed());
    let (directory, ack) = (directory.display(), settings.ack.word());
    tracing::info!(%directory, ack, rooms, ?elapsed, "rooms are kept");
    Ok(manager)
}

/// Waits until every client is gone, and then until every connection is.
async fn finish(
    clients_are_gone: impl Future<Output = ()>,
    manager: &Manager,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    // Plain HTTP goes on meanwhile: its answer is that this server is not ready any more.
    clients_are_gone.await;
    stop.cancel();
    connections.close();
    connections.wait().await;
    // An upgrade that was on its way is told too.
    manager.shutdown().await;
}

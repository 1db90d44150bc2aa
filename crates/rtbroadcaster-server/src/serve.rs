//! `rtbroadcaster serve`: from the settings to the last connection.
//! Must not know HTTP or WebSocket.

mod admin;
mod announce;
mod arrivals;
mod connection;
mod hosts;
mod listener;
mod proxies;
mod proxy_header;
mod reload;
mod site;
mod totals;

use std::io::Write;
use std::panic::resume_unwind;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rtbroadcaster::{Disk, DiskError, Manager};
use rustix::fs::Mode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::log::Log;
use crate::metrics::{Process, Source};
use crate::output::Output;
use crate::settings::Settings;
use crate::signals::{Came, Hangups, Signals};
use admin::Admin;
use arrivals::Arrivals;
use hosts::Hosts;
use listener::{ListenError, Listener};
use reload::{Load, Reload};
use site::Site;

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

/// Serves until a signal and gives the process's exit code. `load` reads the settings again.
pub(crate) fn run(settings: &Settings, load: impl Load) -> ExitCode {
    let log = match Log::start(&settings.log, settings.log_format) {
        Ok(log) => Arc::new(log),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "rtbroadcaster: cannot start the log: {error}");
            return ExitCode::FAILURE;
        }
    };
    match start(settings, load, &log) {
        Ok(code) => code,
        Err(error) => {
            // Without a log line around it: this is for whoever typed the command.
            log.stderr().add(format!("rtbroadcaster: {error}\n").as_bytes());
            ExitCode::FAILURE
        }
    }
}

fn start(settings: &Settings, load: impl Load, log: &Arc<Log>) -> Result<ExitCode, ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(ServeError::Runtime)?;
    // Before anything that may take long: until here a signal has ended the process by itself.
    let watched = {
        let _here = runtime.enter();
        Signals::new().and_then(|signals| Ok((signals, Hangups::new()?)))
    };
    let (signals, hangups) = watched.map_err(ServeError::Signals)?;
    // All files that it makes are what rooms have said.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let reload = Reload::new(hangups, load, settings.clone(), Arc::clone(log));
    // On a worker, as all that it spawns: whoever accepts takes turns with those who are here.
    let serving = runtime.spawn(serve(settings.clone(), signals, reload, log.stderr().clone()));
    let outcome = runtime.block_on(serving);
    // Whoever has not gone by now is not waited for, nor a directory that is still being opened.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|error| resume_unwind(error.into_panic()))
}

/// What a server has when it is ready.
struct Ready {
    listener: Listener,
    manager: Manager,
    admin: Option<Admin>,
}

impl Ready {
    /// Does all that comes before the first connection is accepted.
    async fn make(settings: &Settings, log: Output) -> Result<Self, ServeError> {
        let process = Process::begins();
        let listener = Listener::bind(settings.listen, "--listen")?;
        // Before the first connection is accepted: whoever waits in the queue of the port finds its room.
        let manager = manager(settings).await?;
        let admin = Admin::bind(settings, &manager, Source::new(&manager, process, log))?;
        Ok(Self { listener, manager, admin })
    }
}

async fn serve(
    settings: Settings,
    mut signals: Signals,
    reload: Reload<impl Load>,
    log: Output,
) -> Result<ExitCode, ServeError> {
    let ready = tokio::select! {
        biased;
        signal = signals.next() => {
            tracing::info!(%signal, "ending: the server was not ready yet");
            return Ok(ExitCode::SUCCESS);
        }
        ready = Ready::make(&settings, log) => ready?,
    };
    let Ready { mut listener, manager, admin } = ready;
    let address = listener.address();
    let hosts = Hosts::of(address, &settings.allow_hosts);
    let site = Site::new(&settings.path, address.port(), manager.clone(), hosts);
    let arrivals = Arc::new(Arrivals::new(&settings));
    let (connections, stop) = (TaskTracker::new(), CancellationToken::new());
    announce::ready(address, admin.as_ref().map(Admin::address), &settings);
    tracing::info!(%address, path = %settings.path, "listening");
    if let Some(admin) = admin {
        tracing::info!(address = %admin.address(), "metrics at /metrics");
        // Until the last client is gone, so that its end is counted where somebody looks.
        connections.spawn(admin.serve(connections.clone(), stop.clone()));
    }
    let mut reload = pin!(reload.run(&manager));
    let mut totals = pin!(totals::tell(&manager));
    let mut lost = pin!(manager.log_lost());
    let cause = loop {
        tokio::select! {
            signal = signals.next() => break Cause::Signal(signal),
            () = &mut lost => break Cause::Lost,
            never = &mut reload => match never {},
            never = &mut totals => match never {},
            accepted = listener.accept() => {
                connections.spawn(connection::serve(accepted, Arc::clone(&arrivals), site.clone(), stop.clone()));
            }
        }
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
    loop {
        tokio::select! {
            () = &mut end => return match cause {
                Cause::Signal(_) => Ok(ExitCode::SUCCESS),
                Cause::Lost => Err(ServeError::Lost),
            },
            second = signals.next() => {
                tracing::warn!(signal = %second, "ending at once");
                return Ok(second.exit_code());
            }
            // Who comes now is told to come later, as long as somebody is here to tell it.
            accepted = listener.accept(), if !stop.is_cancelled() => {
                connections.spawn(connection::serve(accepted, Arc::clone(&arrivals), site.clone(), stop.clone()));
            }
        }
    }
}

/// Why the server ends.
enum Cause {
    Signal(Came),
    /// What rooms keep can never be written again.
    Lost,
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

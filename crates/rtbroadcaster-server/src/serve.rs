//! `rtbroadcaster serve`: settings in, a running server, a polite end.
//! Must not know HTTP or connections.

mod announce;
mod connections;
mod hosts;
mod logs;
mod routes;
mod signals;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use rtbroadcaster::Manager;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::settings::Settings;
use hosts::Hosts;
pub(crate) use routes::RESERVED_PATHS;
use signals::Signals;

/// How long the end may take: a successor can be there when the first client comes back.
const END: Duration = Duration::from_secs(3);

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}{}", advice(error))]
    Listen { address: SocketAddr, error: io::Error },
    /// The runtime or the signals cannot be had.
    #[error("cannot start: {0}")]
    Start(#[from] io::Error),
}

/// What to do about an address that cannot be listened on.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "\nAnother program has this port: end it, or choose another with --listen ADDR:PORT"
        }
        io::ErrorKind::PermissionDenied => "\nPorts below 1024 need privileges: choose another with --listen ADDR:PORT",
        io::ErrorKind::AddrNotAvailable => "\nThis machine has no such address: choose another with --listen ADDR:PORT",
        _ => "",
    }
}

/// Serves until a signal comes.
pub(crate) fn run(settings: &Settings) -> Result<ExitCode, ServeError> {
    logs::start(&settings.log, settings.log_format);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(settings))
}

async fn serve(settings: &Settings) -> Result<ExitCode, ServeError> {
    let mut signals = Signals::new()?;
    let listener = listen(settings.listen).map_err(|error| ServeError::Listen { address: settings.listen, error })?;
    let address = listener.local_addr()?;
    let manager = Manager::new(settings.config.clone());
    let hosts = Hosts::of(address, &settings.allow_hosts);
    let router = routes::router(&settings.path, manager.clone(), hosts);

    let (ending, connections) = (CancellationToken::new(), TaskTracker::new());
    let accepting = tokio::spawn(connections::accept(listener, router, ending.clone(), connections.clone()));
    announce::ready(address, settings);
    tracing::info!(%address, path = settings.path.as_str(), "ready");

    let signal = signals.next().await;
    tracing::info!(signal = signal.name(), rooms = manager.rooms().len(), "ending; a second signal ends at once");
    let end = async {
        ending.cancel();
        // It ends with the token; a panic in it was its own end.
        let _ = accepting.await;
        connections.close();
        tokio::join!(manager.shutdown(), connections.wait());
    };
    tokio::select! {
        done = tokio::time::timeout(END, end) => {
            if done.is_err() {
                tracing::warn!(connections = manager.connections(), "connections left that did not end in time");
            }
            tracing::info!("ended");
            Ok(ExitCode::SUCCESS)
        }
        second = signals.next() => Ok(ExitCode::from(second.exit_code())),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

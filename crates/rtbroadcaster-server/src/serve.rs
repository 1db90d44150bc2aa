//! `rtbroadcaster serve`: options in, a running server, a polite end.
//! Must not know HTTP or connections.

mod connections;
mod logs;
mod routes;
mod signals;

use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use rtbroadcaster::{Config, Manager};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing_subscriber::EnvFilter;

use logs::LogFormat;
use signals::Signals;

/// How long the end may take: a successor can be there when the first client comes back.
const END: Duration = Duration::from_secs(3);

/// Connections that wait to be accepted.
const BACKLOG: i32 = 4_096;

/// The options of `serve`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Path of the WebSocket endpoint
    #[arg(long, value_name = "PATH", default_value = "/broadcasting", value_parser = path)]
    path: String,
    /// What to log: error, warn, info, debug, trace, or a filter such as `info,rtbroadcaster=debug`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: EnvFilter,
    /// How to write the log, which goes to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// A path that a router takes literally.
fn path(text: &str) -> Result<String, String> {
    let literal = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    if !text.starts_with('/') {
        Err("a path begins with '/'".into())
    } else if !text.bytes().all(literal) {
        Err("a path has letters, digits and / - . _ ~ only".into())
    } else if routes::RESERVED.contains(&text) {
        Err("this path is the server's own".into())
    } else {
        Ok(text.into())
    }
}

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
pub(crate) fn run(options: &Options) -> Result<ExitCode, ServeError> {
    logs::start(&options.log, options.log_format);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(options))
}

async fn serve(options: &Options) -> Result<ExitCode, ServeError> {
    let mut signals = Signals::new()?;
    let listener = listen(options.listen).map_err(|error| ServeError::Listen { address: options.listen, error })?;
    let address = listener.local_addr()?;
    let manager = Manager::new(Config::default());
    let router = routes::router(&options.path, manager.clone());

    let (ending, connections) = (CancellationToken::new(), TaskTracker::new());
    let accepting = tokio::spawn(connections::accept(listener, router, ending.clone(), connections.clone()));
    announce(address, &options.path);
    tracing::info!(%address, path = options.path, "ready");

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

/// Says on standard output where the server is. Nobody may be reading it.
fn announce(address: SocketAddr, path: &str) {
    let _ = writeln!(io::stdout(), "rtbroadcaster is ready on ws://{address}{path}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_literal_and_not_the_servers_own() {
        for good in ["/", "/broadcasting", "/a/b-c_d.e~f/"] {
            assert_eq!(path(good).as_deref(), Ok(good));
        }
        for bad in ["", "broadcasting", "/{room}", "/a b", "/a?b", "/healthz", "/readyz"] {
            assert!(path(bad).is_err(), "{bad}");
        }
    }
}

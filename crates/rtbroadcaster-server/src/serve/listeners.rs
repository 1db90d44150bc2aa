//! The listening sockets of one setting: resolves names, binds every address, and accepts in a task for each.
//! Must not know the responses.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::connection::{self, ConnectionServer};
use super::hosts::Hosts;
use super::listener::{DualStack, ListenError, Listener};
use super::sockets::Sockets;
use crate::address::ListenAddress;
use crate::host_name::HostName;

/// The most attempts to find a port that is free on all addresses of a name.
const ATTEMPTS: u32 = 16;

/// At least one listening socket.
pub(super) struct BoundListeners(Vec<Listener>);

impl BoundListeners {
    /// Listens on all `addresses`, which are set by `flag`. A name stands for all its addresses that this machine has.
    pub(super) async fn bind(addresses: &[ListenAddress], flag: &'static str) -> Result<Self, ListenError> {
        let mut listeners = Vec::new();
        for address in addresses {
            match address {
                ListenAddress::Ip(ip) => {
                    let takes_v4 = |other: &ListenAddress| matches!(other, ListenAddress::Ip(other) if other.is_ipv4());
                    let shares =
                        |other: &&ListenAddress| takes_v4(other) && other.port() == ip.port() && ip.port() != 0;
                    let dual =
                        if addresses.iter().any(|other| shares(&other)) { DualStack::No } else { DualStack::Yes };
                    let listener = Listener::bind(*ip, dual);
                    listeners.push(listener.map_err(|error| ListenError::new(address.to_string(), flag, error))?);
                }
                ListenAddress::Name(name, port) => listeners.extend(bind_name(name, *port, flag).await?),
            }
        }
        Ok(Self(listeners))
    }

    /// Returns the bound addresses, with the real ports.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().map(Listener::address).collect()
    }

    /// Accepts on all sockets until the `server` stops, each in a task of its own among the `connections`. `hosts`
    /// returns the host names that a socket accepts, by its address.
    pub(super) fn serve(
        self,
        server: &ConnectionServer,
        hosts: impl Fn(SocketAddr) -> Hosts,
        sockets: &Arc<Sockets>,
        connections: &TaskTracker,
    ) {
        for listener in self.0 {
            let server = ConnectionServer { site: server.site.under(hosts(listener.address())), ..server.clone() };
            connections.spawn(accept(listener, server, Arc::clone(sockets), connections.clone()));
        }
    }
}

/// Serves each connection that `sockets` admits.
async fn accept(mut listener: Listener, server: ConnectionServer, sockets: Arc<Sockets>, connections: TaskTracker) {
    loop {
        tokio::select! {
            () = server.stop.cancelled() => return,
            accepted = listener.accept() => {
                if let Ok(counted) = sockets.enter(server.arrivals.counted(accepted.peer)) {
                    connections.spawn(connection::serve(accepted, counted, server.clone()));
                }
            }
        }
    }
}

/// Listens on the addresses of a name, all with the same port.
async fn bind_name(name: &HostName, port: u16, flag: &'static str) -> Result<Vec<Listener>, ListenError> {
    let given = format!("{name}:{port}");
    let addresses = tokio::net::lookup_host((name.as_ref(), port)).await;
    let mut addresses: Vec<_> = addresses.map_or_else(|_| Vec::new(), Iterator::collect);
    // Some systems list an address once for each socket type.
    addresses.sort();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(ListenError::Unknown(given, flag));
    }
    let mut attempt = 1;
    loop {
        match bind_all(&addresses) {
            Ok(listeners) => return Ok(listeners),
            // The port of the first address is in use on another one.
            Err((_, error)) if port == 0 && error.kind() == io::ErrorKind::AddrInUse && attempt < ATTEMPTS => {
                attempt += 1
            }
            Err((address, error)) => return Err(ListenError::new(format!("{given} ({address})"), flag, error)),
        }
    }
}

/// Listens on all of `addresses` that this machine has, with the port that the first one gets.
fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<Listener>, (SocketAddr, io::Error)> {
    let mut listeners: Vec<Listener> = Vec::new();
    let mut missing = None;
    for address in addresses {
        let port = listeners.first().map_or(address.port(), |first| first.address().port());
        let address = SocketAddr::new(address.ip(), port);
        match Listener::bind(address, DualStack::No) {
            Ok(listener) => listeners.push(listener),
            // Such as ::1 for localhost on a machine without IPv6.
            Err(error) if is_of_elsewhere(&error) => missing = Some((address, error)),
            Err(error) => return Err((address, error)),
        }
    }
    match missing {
        Some(missing) if listeners.is_empty() => Err(missing),
        _ => Ok(listeners),
    }
}

/// Returns whether this machine has no such address, or no addresses of its family.
fn is_of_elsewhere(error: &io::Error) -> bool {
    let no_family = error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    error.kind() == io::ErrorKind::AddrNotAvailable || no_family
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn bind(addresses: &[&str]) -> Result<Vec<SocketAddr>, String> {
        let addresses: Vec<ListenAddress> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let listeners = BoundListeners::bind(&addresses, "--listen").await;
        listeners.map(|listeners| listeners.addresses()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_name_is_all_its_addresses_with_one_port() {
        let addresses = bind(&["localhost:0"]).await.unwrap();
        assert!(!addresses.is_empty());
        for address in &addresses {
            assert!(address.ip().is_loopback(), "{address}");
            assert_ne!(address.port(), 0);
            assert_eq!(address.port(), addresses[0].port());
        }
    }

    #[tokio::test]
    async fn each_of_several_addresses_is_bound_and_an_error_names_the_address() {
        let held = BoundListeners::bind(&["127.0.0.1:0".parse().unwrap()], "--listen").await.unwrap();
        let port = held.addresses()[0].port();
        let addresses = bind(&["127.0.0.2:0", "127.0.0.3:0"]).await.unwrap();
        let ips: Vec<_> = addresses.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(ips, ["127.0.0.2", "127.0.0.3"]);
        for (listen, expected) in [
            (format!("127.0.0.1:{port}"), format!("cannot listen on 127.0.0.1:{port}: another program uses")),
            (format!("localhost:{port}"), format!("cannot listen on localhost:{port} (127.0.0.1:{port}): another")),
            ("192.0.2.1:0".into(), "cannot listen on 192.0.2.1:0: this machine has no such address.".into()),
            (
                "no-such-host.invalid:0".into(),
                "cannot listen on no-such-host.invalid:0: the name does not resolve.".into(),
            ),
        ] {
            let error = bind(&["127.0.0.4:0", &listen]).await.unwrap_err();
            assert!(error.starts_with(&expected), "{error}\nis not\n{expected}");
        }
    }

    #[tokio::test]
    async fn all_addresses_of_both_families_can_be_listed() {
        let mut error = String::new();
        // Another program may take the free port meanwhile, but not each time.
        for _ in 0..ATTEMPTS {
            let held = BoundListeners::bind(&["127.0.0.1:0".parse().unwrap()], "--listen").await.unwrap();
            let port = held.addresses()[0].port();
            drop(held);
            match bind(&[&format!("0.0.0.0:{port}"), &format!("[::]:{port}")]).await {
                Ok(addresses) => return assert_eq!(addresses.len(), 2),
                Err(found) => error = found,
            }
        }
        // A machine without IPv6 has no such address.
        assert!(!error.contains("another program"), "{error}");
    }
}

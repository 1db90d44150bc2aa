//! The reasons why a run has no result, with advice. Must not know how a run is carried out.

use std::io;
use std::net::SocketAddr;

use crate::frame::BadFrame;
use crate::handshake::UpgradeRefusal;
use crate::plan::Protocol;
use crate::speech::RequestRefusal;

/// Why a run has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{0} cannot be found: {1}")]
    Name(String, #[source] io::Error),
    #[error(
        "no server listens on {0}. Start one, for example with\n  rtbroadcaster \
         --connections-per-address-max none --handshakes-per-address-per-second none"
    )]
    NotThere(SocketAddr),
    #[error(transparent)]
    Refused(#[from] UpgradeRefusal),
    #[error(transparent)]
    Denied(#[from] RequestRefusal),
    #[error(
        "this needs {needed} open files, and a process may have {allowed}: \
         fewer --viewers or --joins, or more with `ulimit -n` (hard limit: `ulimit -Hn`)"
    )]
    Files { needed: u64, allowed: u64 },
    #[error("this machine has no port left for another connection to that address: fewer --viewers or --joins")]
    Ports,
    #[error("the server did not answer within 10 s when it was asked to {what}{}", advice(.protocol))]
    Silent { what: &'static str, protocol: Protocol },
    #[error("no message of the publisher reaches all viewers: this is no relay. Try --protocol classic or v2")]
    NoRelay,
    #[error("the server closed the connection of a {who} ({code}){}", reason(*.code))]
    Closed { who: &'static str, code: u16 },
    #[error(transparent)]
    Frame(#[from] BadFrame),
    #[error("the connection failed: {0}")]
    Connection(#[source] io::Error),
    #[error("the operating system refused a call: {0}")]
    System(#[source] io::Error),
    #[error("a thread ended by a fault of this program")]
    Thread,
}

impl BenchError {
    /// Returns the failure of a connection to `address`.
    pub(crate) fn of_connection(error: io::Error, address: SocketAddr) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Self::NotThere(address),
            io::ErrorKind::AddrNotAvailable => Self::Ports,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Self::Silent { what: "connect", protocol: Protocol::Relay }
            }
            _ => Self::Connection(error),
        }
    }
}

fn advice(protocol: &Protocol) -> &'static str {
    match protocol {
        Protocol::Classic => ": does it speak classic? Others are --protocol v2 and relay",
        Protocol::V2 => ": does it speak version 2? Others are --protocol classic and relay",
        Protocol::Relay => "",
    }
}

/// Returns the meaning of a close code that a run may cause.
fn reason(code: u16) -> &'static str {
    match code {
        1009 => {
            ": a message is too big. Start the server with a greater --message-bytes-max, or choose a smaller --size"
        }
        4008 => ": the client did not read its messages in time",
        4501 => ": the server does not understand the client. Is --protocol right?",
        4012 => ": the server received nothing from the client in time",
        _ => "",
    }
}

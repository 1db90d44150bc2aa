//! The signals that end the process, and the one that has it look at its configuration again.
//! Must not know how it ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// From its creation on, these signals do not kill the process.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// From its creation on, SIGHUP does not kill the process.
pub(crate) struct Hangups(Signal);

impl Hangups {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next one; several that came meanwhile are one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        // It ends only with the process.
        let _ = self.0.recv().await;
    }
}

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    Terminate,
    Interrupt,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next one. Cancel safe.
    pub(crate) async fn next(&mut self) -> Came {
        tokio::select! {
            _ = self.terminate.recv() => Came::Terminate,
            _ = self.interrupt.recv() => Came::Interrupt,
        }
    }
}

impl Came {
    /// What a shell reports for a process that such a signal killed: 128 and its number.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

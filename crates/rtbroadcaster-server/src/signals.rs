//! The signals SIGTERM and SIGINT, which end the process, and SIGHUP, on which the server reads its configuration
//! again.
//! Must not know how the process ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT. From its creation on, they do not kill the process.
pub(crate) struct TerminationSignals {
    terminate: Signal,
    interrupt: Signal,
}

/// SIGHUP. From its creation on, it does not kill the process.
pub(crate) struct Hangups(Signal);

impl Hangups {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(signal(SignalKind::hangup())?))
    }

    /// Waits for the next SIGHUP; several that came since the last call count as one. Cancel safe.
    pub(crate) async fn next(&mut self) {
        // The stream of signals ends only with the process.
        let _ = self.0.recv().await;
    }
}

/// A signal that ends the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TerminationSignal {
    Terminate,
    Interrupt,
}

impl TerminationSignals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns the next signal, as soon as it comes. Cancel safe.
    pub(crate) async fn next(&mut self) -> TerminationSignal {
        tokio::select! {
            _ = self.terminate.recv() => TerminationSignal::Terminate,
            _ = self.interrupt.recv() => TerminationSignal::Interrupt,
        }
    }
}

impl TerminationSignal {
    /// Returns the exit code that a shell reports for a process that this signal has killed: 128 plus its number.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        })
    }
}

impl fmt::Display for TerminationSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        })
    }
}

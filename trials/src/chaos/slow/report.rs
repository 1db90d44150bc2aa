//! The findings of clients on a slow link, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::{BYTES_PER_SECOND, ClientOutcome, MESSAGE_BYTES, MESSAGES, Role, STATE_BYTES};
use crate::report::Judged;
use crate::steps::Failure;

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) pasts: Vec<ClientOutcome>,
    pub(super) time: Duration,
}

impl ClientOutcome {
    fn is_good(&self) -> bool {
        self.done.is_some() && self.connections == 1 && self.failed == 0
    }
}

impl Judged for Findings {
    /// Fails if a client did not get through, or gave up a connection that carried bytes.
    fn verdict(&self) -> Result<(), Failure> {
        match self.pasts.iter().filter(|past| !past.is_good()).count() {
            0 => Ok(()),
            count => Err(Failure::new(format!("{count} of {} clients on a slow link", self.pasts.len()))),
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "slow: {BYTES_PER_SECOND} bytes a second each way; viewers join a state of {STATE_BYTES} bytes, owners publish \
             {MESSAGES} messages of {MESSAGE_BYTES} bytes"
        )?;
        for past in &self.pasts {
            let name = if past.role == Role::Viewer { "viewer" } else { "owner" };
            let done = past.done.map_or_else(|| "never".into(), |done| format!("after {:.1} s", done.as_secs_f64()));
            writeln!(
                f,
                "  {name:<6} {:<12}: done {done}, {} connections, {} messages refused{}",
                past.kind.name(),
                past.connections,
                past.failed,
                past.ended.as_ref().map(|why| format!("; over: {why}")).unwrap_or_default()
            )?;
        }
        write!(f, "  time       {:.1} s in all", self.time.as_secs_f64())
    }
}

//! The findings of restarts with many rooms, and the verdict. Must not know how they were measured.

use std::fmt;
use std::time::Duration;

use super::arrival::ArrivalDelays;
use super::{MESSAGES, Plan, Restart, ServerEnd};
use crate::model::fault::Faults;
use crate::report::Judged;
use crate::steps::Failure;

/// The most time from the start of a server until it is ready, and until the first viewer is in a room.
const READY_MAX: Duration = Duration::from_secs(2);

/// The findings of one run.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) plan: Plan,
    pub(super) restarts: Vec<Restart>,
    pub(super) faults: Faults,
    pub(super) time: Duration,
}

/// Returns these times in order, in milliseconds.
fn times(restarts: &[&Restart], of: impl Fn(&Restart) -> Duration) -> String {
    let times: Vec<_> = restarts.iter().map(|restart| format!("{:.0}", of(restart).as_secs_f64() * 1e3)).collect();
    format!("{} ms", times.join(", "))
}

impl Judged for Findings {
    /// Fails if a server was ready too late, or if a viewer could not resume or does not have the owner's state.
    fn verdict(&self) -> Result<(), Failure> {
        let rooms = self.plan.rooms as usize;
        let missing: usize = self.restarts.iter().map(|restart| rooms - restart.arrival.resumed).sum();
        let faults = self.faults.all();
        if faults > 0 || missing > 0 {
            return Err(Failure::new(format!("{faults} faults, {missing} viewers were not let resume all of it")));
        }
        let slowest = self.restarts.iter().map(|restart| restart.arrival.ready.max(restart.arrival.first)).max();
        match slowest {
            Some(slowest) if slowest <= READY_MAX => Ok(()),
            slowest => Err(Failure::new(format!("ready and with a viewer after {slowest:?}, not {READY_MAX:?}"))),
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, rooms, restarts, keeping } = self.plan;
        writeln!(
            f,
            "restarts: seed {seed}, {rooms} rooms, {restarts} of each kind, {keeping}; from the start of the next server"
        )?;
        for messages in MESSAGES {
            for (way, name) in [(ServerEnd::Stopped, "SIGTERM"), (ServerEnd::Killed, "SIGKILL")] {
                let is_one = |restart: &&Restart| restart.messages == messages && restart.way == way;
                let ones: Vec<_> = self.restarts.iter().filter(is_one).collect();
                let resumed = ones.iter().map(|restart| restart.arrival.resumed).min().unwrap_or(0);
                let arrival = |of: fn(&ArrivalDelays) -> Duration| times(&ones, |restart| of(&restart.arrival));
                writeln!(
                    f,
                    "  {messages:>3} messages, {name}: the port open {}; ready {}; first join whole {}; {resumed} of {rooms} \
                     viewers resumed {}; every owner back, and acknowledged, {}",
                    arrival(|arrival| arrival.port),
                    arrival(|arrival| arrival.ready),
                    arrival(|arrival| arrival.first),
                    arrival(|arrival| arrival.all),
                    times(&ones, |restart| restart.owners)
                )?;
            }
        }
        writeln!(f, "  time       {:.1} s in all", self.time.as_secs_f64())?;
        write!(f, "{}", self.faults)
    }
}

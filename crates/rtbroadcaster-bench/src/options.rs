//! The command line of a run, and the plan that follows from it. Must not know how it is carried out.

use std::time::Duration;

use clap::Args;

use crate::message::PARAMS_BYTES_MIN;
use crate::plan::{Pacing, Protocol, RunPlan, Workload};
use crate::target::Target;

/// Messages in flight when neither --rate nor --window is given.
const WINDOW: u32 = 1;

/// The options of `rtbroadcaster bench`.
#[derive(Debug, Args)]
pub struct Options {
    /// WebSocket address of the server
    #[arg(value_name = "URL", default_value = "ws://127.0.0.1:8080/broadcasting")]
    target: Target,
    /// Protocol of the server
    #[arg(long, value_enum, default_value_t = Protocol::Classic)]
    protocol: Protocol,
    /// How many viewers in all, spread evenly over the rooms [default: 1000, with --joins 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    viewers: Option<u32>,
    /// How many rooms, each with a publisher of its own
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rooms: u32,
    /// Bytes of each message's parameters; with --protocol relay of the whole message
    #[arg(long, value_name = "BYTES", default_value_t = 512,
        value_parser = clap::value_parser!(u32).range(PARAMS_BYTES_MIN..=1024 * 1024))]
    size: u32,
    /// Length of the measurement, in seconds
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    seconds: u32,
    /// Length of the warm-up before it, in seconds
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(..=3_600))]
    warmup: u32,
    /// Open loop: messages per second in each room, sent when they are due even if the server is slow
    #[arg(long, value_name = "N", conflicts_with = "window", value_parser = rate)]
    rate: Option<f64>,
    /// Closed loop: messages in flight in each room; the next one is sent when the last viewer has received one
    /// [default: 1]
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    window: Option<u32>,
    /// Kind of the messages
    #[arg(long, value_enum, default_value_t = Workload::Event)]
    kind: Workload,
    /// Join storm: instead of messages, N further viewers join as fast as the server admits them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        conflicts_with_all = ["rate", "window"])]
    joins: Option<u32>,
    /// Share of the viewers, 0 to 0.99, that stop reading once they have joined
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    stalled: f64,
    /// Process of the server, to measure what a delivery, a join and an idle viewer cost it
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// Threads of viewers, beside the one that publishes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    threads: u32,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

/// Why valid options contradict each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("--kind {0} needs --protocol {1}")]
    Kind(&'static str, &'static str),
    #[error("--rooms must be 1 with --protocol relay: it has no rooms")]
    RelayRooms,
    #[error("every room needs a viewer that reads: fewer --rooms, more --viewers or a smaller --stalled")]
    EmptyRoom,
    #[error("--pid {0}: there is no such process, or this user may not inspect it")]
    Process(u32),
}

impl Options {
    /// Returns whether the report is to be JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Returns the plan, or why the options contradict each other.
    pub(crate) fn plan(&self) -> Result<RunPlan, PlanError> {
        let plan = RunPlan {
            target: self.target.clone(),
            protocol: self.protocol,
            viewers: self.viewers.unwrap_or(if self.joins.is_some() { 0 } else { 1_000 }),
            rooms: self.rooms,
            size: self.size,
            seconds: Duration::from_secs(self.seconds.into()),
            warmup: Duration::from_secs(self.warmup.into()),
            pace: self.rate.map_or(Pacing::Window(self.window.unwrap_or(WINDOW)), Pacing::Rate),
            kind: self.kind,
            joins: self.joins,
            stalled: self.stalled,
            pid: self.pid,
            threads: self.threads,
        };
        match (plan.protocol, plan.kind) {
            (Protocol::Classic | Protocol::Relay, Workload::Ephemeral) => {
                return Err(PlanError::Kind("ephemeral", "v2"));
            }
            (Protocol::Relay, Workload::State) => return Err(PlanError::Kind("state", "classic or v2")),
            (Protocol::Relay, Workload::Mixed) => return Err(PlanError::Kind("mixed", "classic or v2")),
            _ => {}
        }
        if plan.protocol == Protocol::Relay && plan.rooms > 1 {
            return Err(PlanError::RelayRooms);
        }
        if plan.joins.is_none() && plan.receivers().contains(&0) {
            return Err(PlanError::EmptyRoom);
        }
        Ok(plan)
    }
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=1e6).contains(rate));
    rate.ok_or_else(|| "expected messages a second, 0.001 to 1000000".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=0.99).contains(share));
    share.ok_or_else(|| "expected a share, 0 to 0.99".into())
}

#[cfg(test)]
mod tests {
    use clap::{Command, FromArgMatches};

    use super::*;

    fn plan(arguments: &str) -> Result<RunPlan, String> {
        let command = Options::augment_args(Command::new("bench").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments.split_whitespace()).map_err(|error| error.to_string())?;
        Options::from_arg_matches(&matches).unwrap().plan().map_err(|error| error.to_string())
    }

    #[test]
    fn without_options_a_thousand_viewers_hear_one_message_at_a_time() {
        let plan = plan("").unwrap();
        assert_eq!((plan.viewers, plan.rooms, plan.size, plan.pace), (1_000, 1, 512, Pacing::Window(1)));
        assert_eq!((plan.protocol, plan.kind, plan.joins), (Protocol::Classic, Workload::Event, None));
        assert_eq!((plan.seconds.as_secs(), plan.warmup.as_secs(), plan.threads), (10, 2, 1));
        assert_eq!(plan.target.to_string(), "ws://127.0.0.1:8080/broadcasting");
        assert_eq!(plan.interval_nanos(), None);
    }

    #[test]
    fn options_that_make_no_sense_are_refused_with_the_reason() {
        for (arguments, why) in [
            ("--rate 5 --window 2", "cannot be used with"),
            ("--joins 5 --rate 2", "cannot be used with"),
            ("--rate 0", "expected messages a second"),
            ("--rate NaN", "expected messages a second"),
            ("--stalled 1", "expected a share"),
            ("--size 8", "is not in"),
            ("--window 0", "is not in"),
            ("--protocol go", "possible values"),
            ("wss://a/", "TLS"),
            ("--protocol relay --rooms 2", "it has no rooms"),
            ("--kind ephemeral", "--kind ephemeral needs --protocol v2"),
            ("--protocol relay --kind state", "--kind state needs --protocol classic or v2"),
            ("--protocol relay --kind mixed", "--kind mixed needs --protocol classic or v2"),
            ("--viewers 0", "every room needs a viewer"),
            ("--viewers 9 --rooms 10", "every room needs a viewer"),
        ] {
            let error = plan(arguments).expect_err(arguments);
            assert!(error.contains(why), "{arguments}: {error}");
        }
    }

    #[test]
    fn viewers_and_those_that_stall_are_spread_evenly_over_the_rooms() {
        let even = plan("--viewers 100 --rooms 10 --stalled 0.1").unwrap();
        assert_eq!(even.receivers(), [9; 10]);
        let uneven = plan("--viewers 10 --rooms 3").unwrap();
        assert_eq!(uneven.receivers(), [4, 3, 3]);
        let storm = plan("--joins 4 --rooms 2").unwrap();
        assert_eq!((storm.viewers, storm.clients()), (0, 4));
        let rooms: Vec<_> = (0..4).map(|viewer| storm.assignment(viewer).room).collect();
        assert_eq!(rooms, [0, 0, 1, 1]);
    }

    #[test]
    fn a_rate_is_a_time_between_messages() {
        assert_eq!(plan("--rate 0.5").unwrap().interval_nanos(), Some(2_000_000_000));
        assert_eq!(plan("--rate 1000").unwrap().interval_nanos(), Some(1_000_000));
    }
}

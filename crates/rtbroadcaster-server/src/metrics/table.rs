//! The table of all metrics: name, type, labels, help and value.
//! Must not know the text format.

use rtbroadcaster::{Histogram, LogStatus, Metrics};

use super::PlainHttp;
use super::process::ProcessStats;

/// All numbers, read at one moment.
pub(super) struct Numbers {
    pub(super) manager: Metrics,
    pub(super) http: PlainHttp,
    pub(super) process: ProcessStats,
    pub(super) log_lines_dropped: u64,
}

/// One metric.
pub(super) struct MetricRow {
    /// The name by the rules of Prometheus: a counter ends in `_total`, and units are seconds and bytes.
    pub(super) name: &'static str,
    pub(super) kind: MetricKind,
    /// The names of the labels.
    pub(super) labels: &'static [&'static str],
    /// The help text, without a full stop.
    pub(super) help: &'static str,
    pub(super) read: fn(&Numbers) -> Samples<'_>,
}

/// The type of a metric in the text format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MetricKind {
    /// A count that only grows, until the server ends.
    Counter,
    /// A value that can rise and fall.
    Gauge,
    /// Durations, counted in buckets.
    Histogram,
}

impl MetricKind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// The samples of one metric.
pub(super) enum Samples<'a> {
    /// One sample without labels; `None` if the system does not report the value.
    One(Option<SampleValue>),
    /// One sample for each list of label values, in the order of the labels.
    Each(Vec<(Vec<String>, u64)>),
    /// A histogram.
    Times(&'a Histogram),
}

/// The value of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum SampleValue {
    Whole(u64),
    Seconds(f64),
}

macro_rules! metrics {
    ($($kind:ident $name:literal [$($label:literal),*] $help:literal => $read:expr;)*) => {
        /// Every metric, in the order of docs/metrics.md.
        pub(super) static TABLE: &[MetricRow] = &[$(MetricRow {
            name: $name,
            kind: MetricKind::$kind,
            labels: &[$($label),*],
            help: $help,
            read: $read,
        },)*];
    };
}

metrics! {
    Gauge "rtbroadcaster_connections" []
        "WebSocket connections that are open now, in rooms or not"
        => |numbers| whole(numbers.manager.connections);
    Counter "rtbroadcaster_connections_opened_total" []
        "WebSocket connections that were opened"
        => |numbers| whole(numbers.manager.connections_opened);
    Counter "rtbroadcaster_closes_total" ["code", "reason"]
        "WebSocket connections that the server ended, by close code and its word in PROTOCOL.md"
        => |numbers| {
            let closes = numbers.manager.closes.iter();
            each(closes.map(|(reason, count)| (vec![reason.code().to_string(), reason.word().into()], *count)))
        };
    Counter "rtbroadcaster_client_closes_total" []
        "WebSocket connections that the client ended with a close frame"
        => |numbers| whole(numbers.manager.closed_by_clients);
    Counter "rtbroadcaster_connections_lost_total" []
        "WebSocket connections that ended without a close frame from either side"
        => |numbers| whole(numbers.manager.connections_lost);
    Gauge "rtbroadcaster_http_connections" []
        "Connections of plain HTTP that are open now, handshakes included"
        => |numbers| whole(numbers.http.open);
    Counter "rtbroadcaster_http_closes_total" ["reason"]
        "Connections of plain HTTP that were closed because there were too many: refused at their accept, or displaced by a new one while they waited for a request"
        => |numbers| words([("refused", numbers.http.refused), ("displaced", numbers.http.displaced)]);
    Gauge "rtbroadcaster_rooms" []
        "Rooms that exist now"
        => |numbers| whole(numbers.manager.rooms);
    Gauge "rtbroadcaster_log_unavailable" []
        "1 while rooms cannot be written, for example because the disk is full or NATS does not answer, else 0"
        => |numbers| whole(u64::from(numbers.manager.log_status != LogStatus::Writable));
    Counter "rtbroadcaster_shared_log_entries_total" ["by"]
        "Entries of the log of several servers that this one has applied: its own, and those of others"
        => |numbers| {
            let log = &numbers.manager.shared_log;
            words([("this", log.entries_written), ("others", log.entries_followed)])
        };
    Counter "rtbroadcaster_shared_log_entries_ignored_total" ["reason"]
        "Entries of that log that count on no server; not 0 only if the log has broken its own rule"
        => |numbers| words(numbers.manager.shared_log.entries_ignored.iter().copied());
    Counter "rtbroadcaster_shared_log_holes_total" []
        "Entries of that log that came before one that was missing"
        => |numbers| whole(numbers.manager.shared_log.holes);
    Counter "rtbroadcaster_shared_log_looks_total" []
        "Questions to that log for what is stored behind the last entry of a room"
        => |numbers| whole(numbers.manager.shared_log.looks);
    Counter "rtbroadcaster_shared_log_refilled_total" []
        "Entries of that log that were got by such a question"
        => |numbers| whole(numbers.manager.shared_log.refilled);
    Counter "rtbroadcaster_shared_log_doubt_seconds_total" []
        "Time during which that log did not answer for a room, added up over rooms, counted when it ends"
        => |numbers| Samples::One(Some(SampleValue::Seconds(numbers.manager.shared_log.doubt.as_secs_f64())));
    Counter "rtbroadcaster_shared_log_checkpoints_total" ["outcome"]
        "Checkpoints of rooms that were stored in that log, and attempts that failed"
        => |numbers| {
            let log = &numbers.manager.shared_log;
            words([("stored", log.checkpoints), ("failed", log.checkpoints_failed)])
        };
    Counter "rtbroadcaster_shared_log_losses_total" []
        "Times at which that log was seen to have lost entries"
        => |numbers| whole(numbers.manager.shared_log.losses);
    Counter "rtbroadcaster_shared_log_copies_total" []
        "Rooms that this server has written to that log again after a loss"
        => |numbers| whole(numbers.manager.shared_log.copies);
    Gauge "rtbroadcaster_viewers" []
        "Connections of viewers that are in rooms now, paused ones included"
        => |numbers| whole(numbers.manager.viewers);
    Gauge "rtbroadcaster_voters" []
        "Choices that rooms remember now, each of one viewer for one key with oncePerViewer"
        => |numbers| whole(numbers.manager.voters);
    Counter "rtbroadcaster_messages_total" ["kind"]
        "Messages that were applied, each counted once for all viewers"
        => |numbers| {
            let messages = numbers.manager.messages;
            words([
                ("event", messages.events),
                ("state", messages.states),
                ("clear", messages.clears),
                ("ephemeral", messages.ephemerals),
            ])
        };
    Counter "rtbroadcaster_sent_frames_total" []
        "WebSocket frames that were written to sockets in full: messages, answers, heartbeats and close frames"
        => |numbers| whole(numbers.manager.frames_sent);
    Counter "rtbroadcaster_sent_bytes_total" []
        "Bytes that were written to sockets after the handshake"
        => |numbers| whole(numbers.manager.bytes_sent);
    Gauge "rtbroadcaster_backlog_bytes" []
        "Bytes of frames that wait now for clients whose sockets are full"
        => |numbers| whole(numbers.manager.backlog_bytes);
    Counter "rtbroadcaster_superseded_total" ["where"]
        "Messages that were dropped while they waited, for all viewers in a lane or for one in its backlog: a newer one had their key, or they were ephemeral and too much waited"
        => |numbers| {
            let superseded = numbers.manager.superseded;
            words([("lane", superseded.in_lanes), ("backlog", superseded.in_backlogs)])
        };
    Counter "rtbroadcaster_resumes_total" ["outcome", "reason"]
        "Viewers that were brought up to date with their room, by how, and by the reason if they could not resume"
        => |numbers| {
            let resumes = &numbers.manager.resumes;
            let whole = [("snapshot", "", resumes.snapshot), ("resumed", "", resumes.resumed)];
            let resets = resumes.resets.iter().map(|(reason, count)| ("reset", *reason, *count));
            each(whole.into_iter().chain(resets).map(|(how, why, count)| (vec![how.into(), why.into()], count)))
        };
    Counter "rtbroadcaster_refusals_total" ["code"]
        "Requests of clients that were refused, by the code of the error in PROTOCOL.md"
        => |numbers| words(numbers.manager.refusals.iter().copied());
    Counter "rtbroadcaster_upgrade_refusals_total" ["reason"]
        "WebSocket handshakes that were refused"
        => |numbers| words(numbers.manager.upgrade_refusals.iter().copied());
    Counter "rtbroadcaster_signals_total" ["outcome", "reason"]
        "Valid signals of viewers, by outcome, and by the reason if they were refused"
        => |numbers| {
            let signals = &numbers.manager.signals;
            let whole = [("told", "", signals.told), ("counted", "", signals.counted)];
            let refused = signals.refused.iter().map(|(reason, count)| ("refused", *reason, *count));
            each(whole.into_iter().chain(refused).map(|(outcome, why, count)| (vec![outcome.into(), why.into()], count)))
        };
    Counter "rtbroadcaster_panics_total" []
        "Panics that were caught: each one ends a client or a room, and is a defect of the server"
        => |numbers| whole(numbers.manager.panics);
    Counter "rtbroadcaster_log_lines_dropped_total" []
        "Lines of the server's own log that were dropped, because stderr was blocked or failed"
        => |numbers| whole(numbers.log_lines_dropped);
    Histogram "rtbroadcaster_apply_to_written_seconds" []
        "Time from the moment a message was applied to the end of the pass that wrote it to a room's viewers in a lane"
        => |numbers| Samples::Times(&numbers.manager.apply_to_written);
    Counter "process_cpu_seconds_total" []
        "Total user and system CPU time spent in seconds"
        => |numbers| Samples::One(numbers.process.cpu.map(|cpu| SampleValue::Seconds(cpu.as_secs_f64())));
    Gauge "process_resident_memory_bytes" []
        "Resident memory size in bytes"
        => |numbers| Samples::One(numbers.process.resident_bytes.map(SampleValue::Whole));
    Gauge "process_open_fds" []
        "Number of open file descriptors"
        => |numbers| Samples::One(numbers.process.open_files.map(SampleValue::Whole));
    Gauge "process_max_fds" []
        "Maximum number of open file descriptors"
        => |numbers| Samples::One(numbers.process.open_files_max.map(SampleValue::Whole));
    Gauge "process_start_time_seconds" []
        "Start time of the process since unix epoch in seconds"
        => |numbers| Samples::One(Some(SampleValue::Seconds(numbers.process.started.as_secs_f64())));
}

fn whole(value: u64) -> Samples<'static> {
    Samples::One(Some(SampleValue::Whole(value)))
}

/// Returns samples with one label each.
fn words(counts: impl IntoIterator<Item = (&'static str, u64)>) -> Samples<'static> {
    each(counts.into_iter().map(|(word, count)| (vec![word.to_owned()], count)))
}

fn each(samples: impl Iterator<Item = (Vec<String>, u64)>) -> Samples<'static> {
    Samples::Each(samples.collect())
}

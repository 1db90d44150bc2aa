//! The findings of the attacks, and the verdict. Must not know how they are made.

use std::fmt;
use std::time::Duration;

use super::attack::{Attack, Made};
use super::memory::ServerLoad;
use super::target::{HeldResources, Log, RoomStore};
use super::witnesses::{VIEWERS, WitnessRecord};
use crate::report::Judged;
use crate::steps::Failure;

/// The most by which the log may grow.
const LOG_BYTES_MAX: u64 = 1_000_000;

/// The attacks that cost the attacker nothing, and the most time of a good join or request meanwhile.
const FREE: [Attack; 3] = [Attack::Slow, Attack::Silent, Attack::Unanswered];
const PROMPT: Duration = Duration::from_millis(250);

/// The most open files of the server besides sockets: those of the store, the log and the admin address.
const FILES_BASE: u64 = 256;

/// The number of faults of an attack that are shown; the others are like them.
const FAULTS_TOLD: usize = 3;

/// The findings of one attack.
#[derive(Debug)]
pub(super) struct AttackFindings {
    pub(super) attack: Attack,
    pub(super) made: Made,
    pub(super) time: Duration,
    pub(super) before: HeldResources,
    pub(super) peak: HeldResources,
    pub(super) after: HeldResources,
    pub(super) heard: WitnessRecord,
}

/// The findings of all attacks.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) rows: Vec<AttackFindings>,
    /// Before the first attack, and after the last.
    pub(super) first: HeldResources,
    pub(super) last: HeldResources,
    pub(super) log: Log,
}

impl AttackFindings {
    /// Returns the most that the server may have held.
    fn bound(&self) -> u64 {
        // Their history is 256 messages of some hundred bytes, twice.
        let viewers = VIEWERS as u64 + 2;
        let stores = u64::from(self.before.store == RoomStore::Disk);
        let witnesses =
            ServerLoad { connections: viewers, rooms: 1, pinned_bytes: 512 * 1024, stores, ..ServerLoad::default() };
        self.made.load.and(witnesses).bound()
    }

    /// Returns how many files the server may have had open.
    fn files_bound(&self) -> u64 {
        let ServerLoad { connections, handshakes, .. } = self.made.load;
        FILES_BASE + VIEWERS as u64 + connections + handshakes
    }

    /// Returns the faults.
    fn faults(&self) -> Vec<String> {
        let Self { made, heard, before, peak, after, .. } = self;
        let mut faults: Vec<_> = made.faults.iter().take(FAULTS_TOLD).cloned().collect();
        if made.faults.len() > FAULTS_TOLD {
            faults.push(format!("and {} faults more", made.faults.len() - FAULTS_TOLD));
        }
        if heard.lost + heard.repeated > 0 {
            faults.push(format!("good viewers lost {} messages and got {} twice", heard.lost, heard.repeated));
        }
        faults.extend(heard.ends.iter().take(FAULTS_TOLD).cloned());
        let is_late = heard.slowest_join.max(heard.slowest_request) > PROMPT;
        if FREE.contains(&self.attack) && (is_late || heard.joins == 0 || heard.requests == 0) {
            faults.push(format!(
                "a good join took {:?} of {} joins, a request {:?} of {}",
                heard.slowest_join, heard.joins, heard.slowest_request, heard.requests
            ));
        }
        if peak.files > self.files_bound() {
            faults.push(format!("{} files were open, of {} that there may be", peak.files, self.files_bound()));
        }
        if !after.is_near(*before) {
            faults.push(format!("not given back: {before} before, {after} after"));
        }
        if peak.rss > self.bound() {
            faults.push(format!("the formula allows {}, held were {}", Mebibytes(self.bound()), Mebibytes(peak.rss)));
        }
        faults
    }
}

impl fmt::Display for AttackFindings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { attack, made, time, before, peak, after, heard } = self;
        writeln!(f, "{attack:?}: {} in {:.1} s", made.count, time.as_secs_f64())?;
        let answers: Vec<_> = made.answers.iter().map(|(answer, count)| format!("{answer}: {count}")).collect();
        writeln!(f, "  answers   {}", answers.join(", "))?;
        writeln!(
            f,
            "  held      {before} before, {peak} at most, {after} after; allowed are {} and {} files",
            Mebibytes(self.bound()),
            self.files_bound()
        )?;
        writeln!(
            f,
            "  witnesses {} lost, {} repeated of {}; latency p50 {}, p99 {}; {} joins, the slowest {:.0} ms; \
             {} requests, the slowest {:.0} ms",
            heard.lost,
            heard.repeated,
            heard.late_micros.len(),
            quantile(&heard.late_micros, 50),
            quantile(&heard.late_micros, 99),
            heard.joins,
            heard.slowest_join.as_secs_f64() * 1e3,
            heard.requests,
            heard.slowest_request.as_secs_f64() * 1e3,
        )?;
        for fault in self.faults() {
            writeln!(f, "  FAULT     {fault}")?;
        }
        Ok(())
    }
}

impl Judged for Findings {
    /// Fails if anything was lost, not given back, over its bound, or broken.
    fn verdict(&self) -> Result<(), Failure> {
        let mut faults: Vec<String> = Vec::new();
        for row in &self.rows {
            faults.extend(row.faults().into_iter().map(|fault| format!("{:?}: {fault}", row.attack)));
        }
        let Log { bytes, panics, path } = &self.log;
        if *panics > 0 {
            faults.push(format!("{panics} panics in {}", path.display()));
        }
        if *bytes > LOG_BYTES_MAX {
            faults.push(format!("the log has {bytes} bytes: {}", path.display()));
        }
        if faults.is_empty() { Ok(()) } else { Err(Failure::new(faults.join("; "))) }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<11} {:>9} {:>7} {:>11} {:>11} {:>11} {:>6} {:>6} {:>6} {:>5} {:>9} {:>9} {:>9}",
            "attack",
            "count",
            "s",
            "RSS before",
            "at most",
            "after",
            "files",
            "most",
            "after",
            "lost",
            "p99",
            "join",
            "request"
        )?;
        for AttackFindings { attack, made, time, before, peak, after, heard } in &self.rows {
            writeln!(
                f,
                "{:<11} {:>9} {:>7.1} {:>11} {:>11} {:>11} {:>6} {:>6} {:>6} {:>5} {:>9} {:>9} {:>9}",
                format!("{attack:?}").to_lowercase(),
                made.count,
                time.as_secs_f64(),
                Mebibytes(before.rss).to_string(),
                Mebibytes(peak.rss).to_string(),
                Mebibytes(after.rss).to_string(),
                before.files,
                peak.files,
                after.files,
                heard.lost,
                quantile(&heard.late_micros, 99),
                format!("{:.0} ms", heard.slowest_join.as_secs_f64() * 1e3),
                format!("{:.0} ms", heard.slowest_request.as_secs_f64() * 1e3),
            )?;
        }
        let Log { bytes, panics, .. } = &self.log;
        write!(f, "in all: {} before, {} after; {panics} panics, {bytes} bytes of log", self.first, self.last)
    }
}

impl fmt::Display for HeldResources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} and {} files", Mebibytes(self.rss), self.files)
    }
}

/// Bytes, shown for people.
struct Mebibytes(u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 * 10 / (1024 * 1024);
        write!(f, "{}.{} MiB", tenths / 10, tenths % 10)
    }
}

/// Returns the smallest of the sorted `micros` that `percent` of them do not exceed.
fn quantile(micros: &[u32], percent: usize) -> String {
    let rank = (micros.len() * percent).div_ceil(100).max(1);
    match micros.get(rank - 1) {
        Some(&micros) => format!("{:.1} ms", f64::from(micros) / 1e3),
        None => "none".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attack: Attack, after: u64, heard: WitnessRecord) -> AttackFindings {
        let held =
            |mebibytes: u64| HeldResources { store: RoomStore::Memory, rss: mebibytes * 1024 * 1024, files: 300 };
        let (before, peak) = (held(10), held(15));
        AttackFindings { attack, made: Made::default(), time: Duration::ZERO, before, peak, after: held(after), heard }
    }

    fn verdict(row: AttackFindings, log: Log) -> Result<(), Failure> {
        let held = row.before;
        Findings { rows: vec![row], first: held, last: held, log }.verdict()
    }

    #[test]
    fn what_is_lost_kept_late_or_logged_fails() {
        let log = |bytes, panics| Log { bytes, panics, path: "log".into() };
        let late = |millis| WitnessRecord {
            joins: 1,
            requests: 1,
            slowest_join: Duration::from_millis(millis),
            ..WitnessRecord::default()
        };
        assert!(verdict(row(Attack::Slow, 11, late(100)), log(999_999, 0)).is_ok());
        assert!(verdict(row(Attack::Slow, 11, late(300)), log(0, 0)).is_err());
        assert!(verdict(row(Attack::Frames, 11, late(300)), log(0, 0)).is_ok());
        assert!(verdict(row(Attack::Frames, 12, late(1)), log(0, 0)).is_err());
        assert!(verdict(row(Attack::Frames, 10, WitnessRecord { lost: 1, ..late(1) }), log(0, 0)).is_err());
        assert!(
            verdict(row(Attack::Frames, 10, WitnessRecord { ends: vec!["x".into()], ..late(1) }), log(0, 0)).is_err()
        );
        assert!(verdict(row(Attack::Frames, 10, late(1)), log(0, 1)).is_err());
        assert!(verdict(row(Attack::Frames, 10, late(1)), log(1_000_001, 0)).is_err());
        let none = WitnessRecord { requests: 0, ..late(1) };
        assert!(verdict(row(Attack::Silent, 10, none), log(0, 0)).is_err());
        let slow = WitnessRecord { slowest_request: Duration::from_millis(300), ..late(1) };
        assert!(verdict(row(Attack::Silent, 10, slow), log(0, 0)).is_err());
        let mut open = row(Attack::Frames, 10, late(1));
        open.peak.files = open.files_bound() + 1;
        assert!(verdict(open, log(0, 0)).is_err());
        let mut fat = row(Attack::Frames, 10, late(1));
        fat.peak.rss = fat.bound() + 1;
        assert!(verdict(fat, log(0, 0)).is_err());
    }
}

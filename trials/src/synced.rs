//! Checks that a start has its writes on the disk before it accepts clients: seen from outside, by its system calls.
//! Must not know what is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::apt;
use crate::load::server::Server;
use crate::load::target;
use crate::steps::{Failure, Steps, command, output};

/// The system calls of the trace.
const CALLS: &str = "trace=write,writev,pwrite64,pwritev,fsync,fdatasync";

/// The most time until the trace shows what the server has announced.
const DEADLINE: Duration = Duration::from_secs(10);

/// Starts the server in a new directory and again in the same one, after a kill. Fails if the first write to a journal
/// of the store, which begins the life, was not synced when the server announced its address.
pub(crate) fn run(steps: &mut Steps) -> Result<(), Failure> {
    ensure(steps)?;
    steps.run(&mut command("cargo", "build --bin rtbroadcaster"))?;
    let here = target().join("synced");
    let failed = |error| Failure::new(format!("{}: {error}", here.display()));
    let _ = fs::remove_dir_all(&here);
    fs::create_dir_all(&here).map_err(failed)?;
    for start in ["first", "second"] {
        let trace = here.join(start);
        let unsynced = after_a_start(&here.join("data"), &trace)?;
        if !unsynced.is_empty() {
            let trace = trace.display();
            return Err(Failure::new(format!("announced with {unsynced:?} not synced at the {start} start: {trace}")));
        }
    }
    println!("A new directory and an old one: every journal was synced before the address was announced.");
    steps.pass();
    Ok(())
}

/// Returns the journals that were not synced when the server announced its address.
fn after_a_start(data: &Path, trace: &Path) -> Result<BTreeSet<String>, Failure> {
    let mut strace = Command::new("strace");
    // The server is the child, so that it and not the tracer is killed.
    strace.args(["-D", "-f", "-y", "-s", "4096", "-e", CALLS, "-o"]).arg(trace);
    strace.arg(target().join("debug/rtbroadcaster")).args(["--listen", "127.0.0.1:0", "--log", "warn"]);
    let server = Server::spawn(strace.arg("--data-dir").arg(data))?;
    let deadline = Instant::now() + DEADLINE;
    let unsynced = loop {
        if let Some(unsynced) = unsynced(&fs::read_to_string(trace).unwrap_or_default()) {
            break unsynced;
        }
        if Instant::now() > deadline {
            return Err(Failure::new(format!("{} does not show that an address was announced", trace.display())));
        }
        thread::sleep(Duration::from_millis(20));
    };
    server.kill()?;
    Ok(unsynced)
}

/// Returns the journals of which the first write, which begins the life, was not synced when an address was written to
/// stdout; later writes belong to no start. None if no address was announced, or nothing was written before.
fn unsynced(trace: &str) -> Option<BTreeSet<String>> {
    let mut journals: BTreeMap<&str, bool> = BTreeMap::new();
    let mut syncs: BTreeMap<&str, &str> = BTreeMap::new();
    for line in trace.lines() {
        let (thread, call) = line.split_once(' ')?;
        let call = call.trim_start();
        if call.starts_with("write(1<") && call.contains("ws://") {
            let open = journals.iter().filter(|(_, synced)| !**synced);
            return (!journals.is_empty()).then(|| open.map(|(journal, _)| (*journal).to_owned()).collect());
        }
        let is_sync = call.contains("sync(") || call.contains("sync resumed>");
        match journal(call) {
            Some(journal) if is_sync && call.contains("<unfinished") => _ = syncs.insert(thread, journal),
            // A sync that fails has synced nothing.
            Some(journal) if is_sync && call.ends_with("= 0") => sync(&mut journals, journal),
            Some(journal) if !is_sync && !journals.contains_key(journal) => {
                // A sync that had begun need not cover this.
                syncs.retain(|_, syncing| *syncing != journal);
                journals.insert(journal, false);
            }
            None if is_sync && call.ends_with("= 0") => {
                if let Some(journal) = syncs.remove(thread) {
                    sync(&mut journals, journal);
                }
            }
            _ => {}
        }
    }
    None
}

/// Records that a journal was synced, with its first write if that had come.
fn sync<'a>(journals: &mut BTreeMap<&'a str, bool>, journal: &'a str) {
    if let Some(is_synced) = journals.get_mut(journal) {
        *is_synced = true;
    }
}

/// Returns the journal of the store that a call names.
fn journal(call: &str) -> Option<&str> {
    let path = call.split_once('<')?.1.split_once('>')?.0;
    path.ends_with(".jnl").then_some(path)
}

fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    let missing = || Failure::new("`strace` cannot be run: install it (Debian: apt-get install strace)");
    let is_there = || output("strace", "-V").map(|_| ()).ok_or_else(missing);
    is_there().or_else(|missing| {
        apt::install(steps, "strace", apt::Systems::Relatives, missing)?;
        is_there()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITE: &str = "7 write(12</d/store/0.jnl>, \"\\1\"..., 259) = 259\n";
    const SYNC: &str = "7 fsync(12</d/store/0.jnl>) = 0\n";
    const READY: &str = "9 write(1<pipe:[5]>, \"  WebSocket  ws://127.0.0.1:4/broadcasting\\n\", 43) = 43\n";

    fn judge(lines: &[&str]) -> Option<usize> {
        unsynced(&lines.concat()).map(|journals| journals.len())
    }

    #[test]
    fn the_first_write_of_a_journal_must_be_synced() {
        assert_eq!(judge(&[WRITE, SYNC, READY]), Some(0));
        assert_eq!(judge(&[WRITE, SYNC, WRITE, READY]), Some(0), "later writes are no part of the start");
        assert_eq!(judge(&[SYNC, WRITE, READY]), Some(1));
        assert_eq!(judge(&[WRITE, READY, SYNC]), Some(1));
        assert_eq!(judge(&[WRITE, "7 fsync(12</d/store/0.jnl>) = -1 EIO (Input/output error)\n", READY]), Some(1));
        let other = "7 fsync(12</d/store/1.jnl>) = 0\n";
        assert_eq!(judge(&[WRITE, other, READY]), Some(1));
    }

    #[test]
    fn a_sync_counts_when_it_has_returned() {
        let (begun, done) =
            ("7 fsync(12</d/store/0.jnl> <unfinished ...>\n", "7 <... fsync resumed>)            = 0\n");
        assert_eq!(judge(&[WRITE, begun, READY, done]), Some(1));
        assert_eq!(judge(&[WRITE, begun, done, READY]), Some(0));
        assert_eq!(judge(&[begun, WRITE, done, READY]), Some(1), "the write came too late for it");
    }

    #[test]
    fn nothing_is_announced_before_the_address() {
        assert_eq!(judge(&[WRITE, SYNC]), None);
        assert_eq!(judge(&[READY]), None, "a trace without a journal shows nothing");
    }
}

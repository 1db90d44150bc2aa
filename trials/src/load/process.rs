//! Linux's figures of a process or a thread (`proc(5)`). Must not know which one it is.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::steps::Failure;

/// The unit of CPU time in `/proc`: `USER_HZ`, 100 a second on all common machines.
const TICK: Duration = Duration::from_millis(10);

/// The counter of receive windows that closed because their owner did not read.
const CLOSED_WINDOWS: &str = "TCPToZeroWindowAdv";

/// `ESRCH`: the error when reading a file of a thread that has ended since the file was opened.
const NO_SUCH_PROCESS: i32 = 3;

/// The most time until a process is stopped.
const STOP: Duration = Duration::from_secs(5);

/// Returns the resident memory of a process, in bytes.
pub(crate) fn rss(pid: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/status");
    parse_rss(&read(&path)?).ok_or_else(|| Failure::new(format!("{path} has no VmRSS")))
}

/// Returns the CPU time that a process has used.
pub(crate) fn cpu(pid: u32) -> Result<Duration, Failure> {
    cpu_at(&format!("/proc/{pid}/stat"))
}

/// Returns the CPU time that the calling thread has used.
pub(crate) fn cpu_of_this_thread() -> Result<Duration, Failure> {
    cpu_at("/proc/thread-self/stat")
}

/// Returns how many files a process has open.
pub(crate) fn open_files(pid: u32) -> Result<u64, Failure> {
    let path = format!("/proc/{pid}/fd");
    let failed = |error| Failure::new(format!("{path} cannot be read: {error}"));
    // Since Linux 6.2 the length is the count, which takes no time; before, it is 0.
    match fs::metadata(&path).map_err(failed)?.len() {
        0 => Ok(fs::read_dir(&path).map_err(failed)?.count() as u64),
        files => Ok(files),
    }
}

/// A thread of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) name: String,
    /// The CPU time that it has used.
    pub(crate) ran: Duration,
}

/// Returns the threads of a process, always in the same order, without any that ends meanwhile.
pub(crate) fn threads(pid: u32) -> Result<Vec<Thread>, Failure> {
    let path = format!("/proc/{pid}/task");
    let tasks = fs::read_dir(&path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))?;
    let mut numbers: Vec<u32> = tasks.flatten().filter_map(|task| task.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers.into_iter().filter_map(|number| thread_at(&Path::new(&path).join(number.to_string())).transpose()).collect()
}

/// Returns the thread of a folder of `/proc`, or none if it has ended.
fn thread_at(folder: &Path) -> Result<Option<Thread>, Failure> {
    let read = |name| match fs::read_to_string(folder.join(name)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound || error.raw_os_error() == Some(NO_SUCH_PROCESS) => Ok(None),
        Err(error) => Err(Failure::new(format!("{} cannot be read: {error}", folder.join(name).display()))),
    };
    let (Some(name), Some(time)) = (read("comm")?, read("schedstat")?) else { return Ok(None) };
    let ran = parse_ran(&time).ok_or_else(|| Failure::new(format!("{} has no times", folder.display())))?;
    Ok(Some(Thread { name: name.trim_end().into(), ran }))
}

/// Returns how many TCP connections of this machine have closed their receive window since its start, if the kernel
/// reports it: their buffers are unread and full.
pub(crate) fn closed_windows() -> Option<u64> {
    parse_counter(&fs::read_to_string("/proc/net/netstat").ok()?, CLOSED_WINDOWS)
}

/// Returns how long since the machine's start some task has waited for a core, if the kernel reports it (`proc(5)`,
/// PSI).
pub(crate) fn cpu_pressure() -> Option<Duration> {
    parse_pressure(&fs::read_to_string("/proc/pressure/cpu").ok()?)
}

/// Sends a signal, for example `TERM`, to a process that this program has started and not waited for.
pub(crate) fn signal(pid: u32, signal: &str) -> Result<(), Failure> {
    // The standard library sends only SIGKILL.
    let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", signal, &pid.to_string()]).status();
    if sent.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::new(format!("SIG{signal} cannot be sent")))
}

/// Stops a process and waits until it is stopped.
pub(crate) fn stop(pid: u32) -> Result<(), Failure> {
    signal(pid, "STOP")?;
    let deadline = Instant::now() + STOP;
    while !is_stopped(pid)? {
        if Instant::now() > deadline {
            return Err(Failure::new(format!("a process does not stop within {STOP:?}")));
        }
        thread::sleep(Duration::from_micros(200));
    }
    Ok(())
}

/// Returns whether a process is stopped by a signal.
fn is_stopped(pid: u32) -> Result<bool, Failure> {
    let path = format!("/proc/{pid}/stat");
    Ok(parse_state(&read(&path)?) == Some('T'))
}

fn cpu_at(path: &str) -> Result<Duration, Failure> {
    parse_cpu(&read(path)?).ok_or_else(|| Failure::new(format!("{path} has no times")))
}

fn read(path: &str) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| Failure::new(format!("{path} cannot be read: {error}")))
}

fn parse_rss(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

/// Reads fields 14 and 15. The second field, the name, may itself hold spaces and brackets.
fn parse_cpu(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ').skip(11);
    let ticks = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
    Some(TICK * ticks)
}

/// Reads field 3.
fn parse_state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}

/// Reads field 1, in nanoseconds.
fn parse_ran(schedstat: &str) -> Option<Duration> {
    Some(Duration::from_nanos(schedstat.split_whitespace().next()?.parse().ok()?))
}

/// Reads a counter: each line of names is followed by one of as many numbers.
fn parse_counter(netstat: &str, name: &str) -> Option<u64> {
    let mut lines = netstat.lines();
    while let (Some(names), Some(numbers)) = (lines.next(), lines.next()) {
        if let Some(at) = names.split(' ').position(|each| each == name) {
            return numbers.split(' ').nth(at)?.parse().ok();
        }
    }
    None
}

fn parse_pressure(pressure: &str) -> Option<Duration> {
    let some = pressure.lines().find(|line| line.starts_with("some "))?;
    let (_, total) = some.rsplit_once("total=")?;
    Some(Duration::from_micros(total.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_and_time_are_read_from_the_files_of_linux() {
        assert_eq!(parse_rss("Name:\ta\nVmRSS:\t    5120 kB\nThreads:\t1\n"), Some(5_242_880));
        assert_eq!(parse_rss("Name:\ta\n"), None);
        let stat = "12 (a) b) S 1 2 3 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 1";
        assert_eq!(parse_cpu(stat), Some(Duration::from_secs(3)));
        assert_eq!(parse_cpu("12 (a) S 1"), None);
        assert_eq!((parse_state(stat), parse_state("12 (a")), (Some('S'), None));
        let pressure = "some avg10=1.00 avg60=2.00 avg300=3.00 total=1500000\nfull avg10=0.00 total=7\n";
        assert_eq!(parse_pressure(pressure), Some(Duration::from_millis(1_500)));
        assert_eq!(parse_pressure(""), None);
        assert!(cpu_of_this_thread().is_ok());
    }

    #[test]
    fn threads_files_and_closed_windows_are_read_from_the_files_of_linux() {
        assert_eq!(parse_ran("1500000000 67 8\n"), Some(Duration::from_millis(1_500)));
        assert_eq!(parse_ran(""), None);
        let netstat = "TcpExt: A TCPToZeroWindowAdv B\nTcpExt: 1 20 3\nIpExt: C\nIpExt: 4\n";
        assert_eq!(parse_counter(netstat, CLOSED_WINDOWS), Some(20));
        assert_eq!((parse_counter(netstat, "C"), parse_counter(netstat, "D")), (Some(4), None));
        let pid = std::process::id();
        assert!(open_files(pid).is_ok_and(|files| files > 2));
        assert!(threads(pid).is_ok_and(|threads| !threads.is_empty()));
    }

    #[test]
    fn a_thread_that_has_ended_is_none_and_no_failure() {
        let pid = std::process::id();
        assert!(thread_at(Path::new(&format!("/proc/{pid}/task/{pid}"))).is_ok_and(|thread| thread.is_some()));
        assert!(thread_at(Path::new(&format!("/proc/{pid}/task/0"))).is_ok_and(|thread| thread.is_none()));
        for _ in 0..200 {
            let ends = thread::spawn(|| ());
            threads(pid).unwrap();
            ends.join().unwrap();
        }
    }
}

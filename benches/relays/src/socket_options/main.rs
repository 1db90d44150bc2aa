//! Measures the effect of `TCP_NOTSENT_LOWAT` and `SO_SNDBUF` over loopback (docs/socket-options.md): on the age of
//! superseded values, on how late a stalled reader is noticed, on throughput and on memory. Must not know the library.
//! Linux only.
//!
//! `cargo run --release -p rtbroadcaster-relays --bin socket-options` takes less than two minutes.
//!
//! One row for each reader (local, far, narrow) and each pair of options:
//! - **age**: how old values are when a reader that takes 100 KiB/s reads them. A new value of 512 bytes is made every
//!   millisecond, and supersedes values that the kernel has not taken. Of the last 15 s of a minute. **arrived** is the
//!   part of it that waits in the reader's kernel: no option of the sender reaches it.
//! - **noticed**: how long until the kernel refuses a message for a reader that reads nothing, at 50 KiB/s.
//! - **taken, unacked**: the bytes that the kernel took for one of 200 readers that read nothing, 64 messages a call,
//!   and those of them that are still in the sender's kernel.
//! - **memory**: the growth of the machine's TCP pages meanwhile, for each reader. Other programs' sockets count too,
//!   and the kernel's figure may be late by 1 MiB a core.
//! - **MB/s, writes, waits, CPU**: one reader as fast as it can, 64 messages a call; calls, waits and the sender's CPU
//!   for a MB.

mod link;
mod measures;

use std::io;
use std::time::Duration;

use link::{Options, Reader};

const KIB: usize = 1024;

fn main() -> io::Result<()> {
    let mut cells = Vec::new();
    for reader in [Reader::Local, Reader::Far, Reader::Narrow] {
        for unsent_bytes_max in [None, Some(16 * 1024), Some(128 * 1024)] {
            for send_buffer_bytes in [None, Some(64 * KIB), Some(256 * KIB)] {
                cells.push((Options { unsent_bytes_max, send_buffer_bytes }, reader));
            }
        }
    }
    let lags = measures::lag(&cells)?;
    println!(
        "reader  LOWAT SNDBUF  age p50     max arrived noticed    taken  unacked   memory   MB/s writes waits   CPU"
    );
    println!(
        "          KiB    KiB       ms      ms     KiB       s      KiB      KiB      KiB          /MB   /MB us/MB"
    );
    for ((options, reader), lag) in cells.into_iter().zip(lags) {
        let hold = measures::hold(options, reader)?;
        let cost = measures::cost(options, reader)?;
        let name = match reader {
            Reader::Local => "local",
            Reader::Far => "far",
            Reader::Narrow => "narrow",
        };
        let lowat = options.unsent_bytes_max.map_or("-".into(), |bytes| (bytes / 1024).to_string());
        let buffer = options.send_buffer_bytes.map_or("-".into(), |bytes| (bytes / KIB).to_string());
        let age = |index: usize| lag.ages.get(index).map_or("-".into(), |age| age.as_millis().to_string());
        let (median, oldest) = (age(lag.ages.len() / 2), age(lag.ages.len().saturating_sub(1)));
        let noticed = lag.noticed.map_or("> 60".into(), |after: Duration| format!("{:.1}", after.as_secs_f64()));
        let [arrived, taken, unacknowledged] = [lag.arrived, hold.taken, hold.unacknowledged].map(|bytes| bytes / 1024);
        let (memory, mb) = (hold.memory / 1024, cost.bytes_per_second / 1e6);
        let (writes, waits, cpu) = (cost.writes_per_mb, cost.waits_per_mb, cost.cpu_per_mb.as_micros());
        println!(
            "{name:6} {lowat:>6} {buffer:>6} {median:>8} {oldest:>7} {arrived:>7} {noticed:>7} {taken:>8} \
             {unacknowledged:>8} {memory:>8} {mb:>6.0} {writes:>6.1} {waits:>5.1} {cpu:>5}"
        );
    }
    Ok(())
}

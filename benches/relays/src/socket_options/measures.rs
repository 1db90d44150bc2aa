//! The measures: the age of values that arrive, the time until a stalled reader is noticed, the memory that it holds,
//! and the cost of a fast one. Must not know which options are compared.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice, Read};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::link::{MESSAGE_BYTES, Options, Reader, Taking, TcpLink};

/// The time between two values.
const TICK: Duration = Duration::from_millis(1);
/// The ticks between two reads of 1 KiB by a slow reader (100 KiB/s), and between two messages to a stalled one (50
/// KiB/s).
const TICKS_PER_STEP: u32 = 10;
/// The ticks without any read, while the buffers fill up.
const FILL_TICKS: u32 = 1000;
/// All ticks: enough for the 2.8 MiB that the kernel takes by default to run out before the measurement.
const ALL_TICKS: u32 = 60_000;
/// The last ticks, in which ages count.
const MEASURED_TICKS: u32 = 15_000;
/// A socket that stays blocked for so long is not about to take more.
const SETTLE: Duration = Duration::from_millis(100);
/// The number of readers that stall at once: so many that the pages that the kernel keeps for each core matter little.
const STALLED: usize = 200;
/// The number of messages in one call of the fast sender.
const MESSAGES_PER_CALL: usize = 64;
/// The length of the measurement.
const FAST_FOR: Duration = Duration::from_millis(1500);

/// A sender of the newest value of one key, and a reader that is too slow for it.
struct LaggingPair {
    link: TcpLink,
    /// At most the rest of a value that was begun, and the newest one.
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes of the first value are written.
    begun: usize,
    taking: Taking,
    heard: Vec<u8>,
    ages: Vec<Duration>,
    /// The bytes that waited in the reader's kernel, summed over all reads.
    arrived: u64,
    reads: u64,
}

impl LaggingPair {
    /// Queues a new value, and supersedes the waiting one of which no byte is written yet.
    fn say(&mut self, start: Instant) {
        let mut value = vec![0; MESSAGE_BYTES];
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        value[..8].copy_from_slice(&micros.to_le_bytes());
        self.waiting.truncate(usize::from(self.begun > 0));
        self.waiting.push_back(value);
    }

    /// Writes the waiting values as far as the kernel takes them, once it has signalled that it takes more.
    fn write(&mut self) -> io::Result<Taking> {
        if self.taking == Taking::NoMore {
            self.taking = self.link.wait(Duration::ZERO)?;
        }
        while self.taking == Taking::More
            && let Some(value) = self.waiting.front()
        {
            let written = self.link.write(&[IoSlice::new(&value[self.begun..])])?;
            self.taking = if written == 0 { Taking::NoMore } else { Taking::More };
            self.begun += written;
            if self.begun == MESSAGE_BYTES {
                self.begun = 0;
                self.waiting.pop_front();
            }
        }
        Ok(self.taking)
    }

    /// Reads 1 KiB and records the ages of its values.
    fn read(&mut self, start: Instant) -> io::Result<()> {
        self.arrived += self.link.arrived()?;
        self.reads += 1;
        let mut step = [0; 1024];
        match self.link.reader.read(&mut step) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            read => self.heard.extend_from_slice(&step[..read?]),
        }
        while let Some(made) = self.heard.first_chunk().copied().filter(|_| self.heard.len() >= MESSAGE_BYTES) {
            let made = Duration::from_micros(u64::from_le_bytes(made));
            self.ages.push(start.elapsed().saturating_sub(made));
            self.heard.drain(..MESSAGE_BYTES);
        }
        Ok(())
    }
}

/// The figures of slow and stalled readers within a minute.
pub(crate) struct LagFigures {
    /// The ages of the values that arrived, in order.
    pub(crate) ages: Vec<Duration>,
    /// The bytes that waited in the reader's kernel, on average.
    pub(crate) arrived: u64,
    /// When the kernel refused a message for a reader that had stalled from the beginning.
    pub(crate) noticed: Option<Duration>,
}

/// Measures all `cells` at once, in one thread: they mostly wait.
pub(crate) fn lag(cells: &[(Options, Reader)]) -> io::Result<Vec<LagFigures>> {
    let (mut lagging, mut stalled) = (Vec::new(), Vec::new());
    for &(options, reader) in cells {
        let link = TcpLink::open(options, reader)?;
        let (waiting, heard, ages) = (VecDeque::new(), Vec::new(), Vec::new());
        lagging.push(LaggingPair { link, waiting, begun: 0, taking: Taking::More, heard, ages, arrived: 0, reads: 0 });
        stalled.push((TcpLink::open(options, reader)?, None));
    }
    let begin = Instant::now();
    for tick in 0..ALL_TICKS {
        let is_step = tick % TICKS_PER_STEP == 0;
        for cell in &mut lagging {
            cell.say(begin);
            while cell.write()? == Taking::More && tick < FILL_TICKS {
                cell.say(begin);
            }
            if is_step && tick >= FILL_TICKS {
                cell.read(begin)?;
            }
            if tick == ALL_TICKS - MEASURED_TICKS {
                cell.ages.clear();
                (cell.arrived, cell.reads) = (0, 0);
            }
        }
        for (link, noticed) in stalled.iter_mut().filter(|(_, noticed)| is_step && noticed.is_none()) {
            if link.write(&[IoSlice::new(&[0; MESSAGE_BYTES])])? < MESSAGE_BYTES {
                *noticed = Some(begin.elapsed());
            }
        }
        thread::sleep((begin + TICK * (tick + 1)).saturating_duration_since(Instant::now()));
    }
    let seen = lagging.into_iter().zip(stalled).map(|(mut cell, (_, noticed))| {
        cell.ages.sort_unstable();
        LagFigures { ages: cell.ages, arrived: cell.arrived / cell.reads.max(1), noticed }
    });
    Ok(seen.collect())
}

/// The bytes held by one of many stalled readers when the kernel takes no more for it.
pub(crate) struct StalledFigures {
    /// The bytes that the kernel took.
    pub(crate) taken: u64,
    /// Those of them that did not reach the reader's kernel.
    pub(crate) unacknowledged: u64,
    /// The memory of the pages of both ends, by the growth of the whole machine's (`mem` of `/proc/net/sockstat`).
    pub(crate) memory: i64,
}

pub(crate) fn hold(options: Options, reader: Reader) -> io::Result<StalledFigures> {
    let links = (0..STALLED).map(|_| TcpLink::open(options, reader)).collect::<io::Result<Vec<_>>>()?;
    let before = tcp_memory()?;
    let (mut taken, mut last) = (0, u64::MAX);
    while last != taken {
        last = taken;
        for link in &links {
            while link.wait(Duration::ZERO)? == Taking::More {
                taken += link.write(&batch())? as u64;
            }
        }
        thread::sleep(SETTLE);
    }
    let memory = (tcp_memory()? - before) / STALLED as i64;
    let arrived = links.iter().map(TcpLink::arrived).sum::<io::Result<u64>>()?;
    Ok(StalledFigures { taken: taken / STALLED as u64, unacknowledged: (taken - arrived) / STALLED as u64, memory })
}

/// Returns the bytes of the pages that all TCP sockets of the machine hold.
fn tcp_memory() -> io::Result<i64> {
    let text = std::fs::read_to_string("/proc/net/sockstat")?;
    let pages = text.lines().find(|line| line.starts_with("TCP:")).and_then(|line| line.rsplit(' ').next());
    let pages: i64 = pages.and_then(|pages| pages.parse().ok()).ok_or(ErrorKind::InvalidData)?;
    Ok(pages * rustix::param::page_size() as i64)
}

/// The cost of keeping one fast reader busy.
pub(crate) struct FastFigures {
    pub(crate) bytes_per_second: f64,
    pub(crate) writes_per_mb: f64,
    /// How often the sender had to wait until the kernel took more, per MB.
    pub(crate) waits_per_mb: f64,
    /// The CPU time of the sending thread, per MB.
    pub(crate) cpu_per_mb: Duration,
}

pub(crate) fn cost(options: Options, reader: Reader) -> io::Result<FastFigures> {
    let TcpLink { sender, reader } = TcpLink::open(options, reader)?;
    let link = TcpLink { sender, reader: reader.try_clone()? };
    reader.set_nonblocking(false)?;
    let drain = thread::spawn(move || io::copy(&mut { reader }, &mut io::sink()));
    let (begin, cpu_begin) = (Instant::now(), clock_gettime(ClockId::ThreadCPUTime));
    let (mut bytes, mut writes, mut waits) = (0, 0.0, 0.0);
    while begin.elapsed() < FAST_FOR {
        let mut batch = batch();
        let mut rest = &mut batch[..];
        while !rest.is_empty() {
            let written = link.write(rest)?;
            IoSlice::advance_slices(&mut rest, written);
            bytes += written;
            writes += 1.0;
            if written == 0 {
                waits += 1.0;
                link.wait(FAST_FOR)?;
            }
        }
    }
    let cpu = clock_gettime(ClockId::ThreadCPUTime) - cpu_begin;
    let (bytes, seconds) = (bytes as f64, begin.elapsed().as_secs_f64());
    drop(link);
    drain.join().map_err(|_| ErrorKind::Other)??;
    let mb = bytes / 1e6;
    let cpu_per_mb = Duration::try_from(cpu).map_err(io::Error::other)?.div_f64(mb);
    let (writes_per_mb, waits_per_mb) = (writes / mb, waits / mb);
    Ok(FastFigures { bytes_per_second: bytes / seconds, writes_per_mb, waits_per_mb, cpu_per_mb })
}

/// Returns the messages of one call.
fn batch() -> [IoSlice<'static>; MESSAGES_PER_CALL] {
    [IoSlice::new(&[0; MESSAGE_BYTES]); MESSAGES_PER_CALL]
}

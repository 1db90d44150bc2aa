//! Streams that block, are slow, or fail.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::time::Instant;

use rustix::pipe::{fcntl_setpipe_size, pipe};

use super::*;

/// The limit for steps without a limit of their own.
const DEADLINE: Duration = Duration::from_secs(5);

/// The least that a pipe holds.
const PIPE_BYTES: usize = 4096;

/// Both ends of a small pipe.
fn small_pipe() -> (File, OwnedFd) {
    let (reader, writer) = pipe().unwrap();
    fcntl_setpipe_size(&writer, PIPE_BYTES).unwrap();
    (reader.into(), writer)
}

/// Returns an output to which its own notices add lines.
fn output(stream: impl AsFd + Send + 'static) -> Output {
    let (sender, receiver) = mpsc::channel::<Output>();
    let notices = move |lines: u64| {
        let output = receiver.recv().unwrap();
        output.add(format!("{lines} dropped\n").as_bytes());
    };
    let output = Output::start("test", stream, notices).unwrap();
    // One for each notice of a test.
    for _ in 0..1_000 {
        sender.send(output.clone()).unwrap();
    }
    output
}

/// Fills the pipe and the queue. Returns the number of lines that were queued before the first one was dropped.
fn fill(output: &Output) -> usize {
    let line = [&[b'x'; 999][..], b"\n"].concat();
    let mut taken = 0;
    while output.dropped() == 0 {
        output.add(&line);
        taken += 1;
    }
    taken - 1
}

#[test]
fn a_reader_that_does_not_read_costs_lines_and_no_time() {
    let (mut reader, writer) = small_pipe();
    let output = output(writer);
    let begun = Instant::now();
    let taken = fill(&output);
    assert!(taken * (1_000 + LINE_BYTES) <= WAITING_BYTES_MAX + PIPE_BYTES + 1_000, "{taken} lines wait");
    for _ in 1..7 {
        output.add(&[b'y'; 2_000]);
    }
    assert_eq!(output.dropped(), 7);
    output.flush(Duration::from_millis(50));
    assert!(begun.elapsed() < DEADLINE);
    // A reader that reads at last gets all queued lines, and then the number of the dropped ones.
    let mut text = vec![0; taken * 1_000];
    reader.read_exact(&mut text).unwrap();
    assert!(text.chunks(1_000).all(|line| line[..999].iter().all(|sign| *sign == b'x') && line[999] == b'\n'));
    let mut notice = [0; 10];
    reader.read_exact(&mut notice).unwrap();
    assert_eq!(&notice, b"7 dropped\n");
    output.add(b"and on\n");
    let mut more = [0; 7];
    reader.read_exact(&mut more).unwrap();
    assert_eq!((&more, output.dropped()), (b"and on\n", 7));
}

#[test]
fn a_slow_reader_gets_whole_lines_and_is_told_how_many_it_did_not_get() {
    let (mut reader, writer) = small_pipe();
    let output = output(writer);
    let mut said = 0;
    let mut text = String::new();
    let mut piece = [0; 700];
    while said < 8_000 || output.dropped() == 0 {
        for _ in 0..20 {
            output.add(format!("line {said} {}\n", "z".repeat(500)).as_bytes());
            said += 1;
        }
        let read = reader.read(&mut piece).unwrap();
        text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
    }
    output.add(b"the last one\n");
    let told = |text: &str| -> u64 {
        let notices = text.lines().filter_map(|line| line.strip_suffix(" dropped"));
        notices.map(|count| count.parse::<u64>().unwrap()).sum()
    };
    let begun = Instant::now();
    while !text.ends_with('\n') || told(&text) < output.dropped() {
        let read = reader.read(&mut piece).unwrap();
        text.push_str(std::str::from_utf8(&piece[..read]).unwrap());
        assert!(begun.elapsed() < DEADLINE, "{} of {} are told", told(&text), output.dropped());
    }
    let mut lines = text.lines().filter(|line| line.starts_with("line "));
    assert!(lines.all(|line| line.ends_with(&"z".repeat(500))), "a line is torn");
    let got = text.lines().filter(|line| line.starts_with("line ") || *line == "the last one").count();
    assert_eq!(got as u64 + output.dropped(), said + 1);
}

#[test]
fn a_stream_that_fails_loses_its_lines_and_each_is_counted() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (reader, closed) = pipe().unwrap();
    drop(reader);
    for stream in [full.into(), closed] {
        let output = output(stream);
        for _ in 0..10 {
            output.add(b"a line\n");
        }
        output.flush(DEADLINE);
        assert_eq!(output.dropped(), 10);
    }
}

#[test]
fn everything_is_written_when_a_flush_ends() {
    let (mut reader, writer) = pipe().map(|(reader, writer)| (File::from(reader), writer)).unwrap();
    let mut output = output(writer);
    for number in 0..100 {
        writeln!(output, "{number}").unwrap();
    }
    output.flush(DEADLINE);
    let mut text = [0; 290];
    reader.read_exact(&mut text).unwrap();
    assert!(text.ends_with(b"98\n99\n"));
}

#[test]
fn a_stream_that_another_process_made_non_blocking_is_waited_for() {
    let (mut reader, writer) = small_pipe();
    rustix::io::ioctl_fionbio(&writer, true).unwrap();
    let output = output(writer);
    let line = [b'x'; 3 * PIPE_BYTES];
    output.add(&line);
    let mut text = [0; 3 * PIPE_BYTES];
    reader.read_exact(&mut text).unwrap();
    output.flush(DEADLINE);
    assert_eq!((text, output.dropped()), (line, 0));
}

//! An outbox over real sockets: a lane and a client task write to one member at the same time.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::task::{Context, Poll, Waker};

use rtbroadcaster_core::backlog::Hold;
use rtbroadcaster_core::backlog::{Frame, Rank};
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::Key;
use rtbroadcaster_core::protocol::{OnOverflow, Transport};
use rtbroadcaster_core::wire::encode;
use tokio::io::AsyncReadExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::direct::LaneDelivery;
use super::*;
use crate::fanout::mute::MUTE;
use crate::os_random::OsRandom;
use crate::socket::Stream;
use crate::socket::pairs::{self, KINDS, PairKind};

const DEADLINE: Duration = Duration::from_secs(20);

/// A member's socket on the server's side, and the member's end of it.
async fn pair(kind: PairKind) -> (Arc<LaneSocket>, Box<dyn Stream>) {
    let (server, member) = pairs::pair(kind).await;
    (Arc::new(server), member)
}

/// An outbox for `socket` and the client task that drains it to its close.
fn start(socket: Arc<LaneSocket>, config: &Config) -> (Arc<Outbox>, JoinHandle<io::Result<Drained>>) {
    start_in(&MUTE, socket, config)
}

/// The same for a client of this dialect.
fn start_in(
    dialect: &'static Dialect,
    socket: Arc<LaneSocket>,
    config: &Config,
) -> (Arc<Outbox>, JoinHandle<io::Result<Drained>>) {
    let outbox = Outbox::new(Some(Arc::clone(&socket)), dialect, Clock::start(), &Counters::idle(), config);
    let task = tokio::spawn(drain(socket, Arc::clone(&outbox)));
    (outbox, task)
}

async fn drain(socket: Arc<LaneSocket>, outbox: Arc<Outbox>) -> io::Result<Drained> {
    let drained = poll_fn(|cx| {
        let drained = outbox.poll_drain(cx, |cx, slices| socket.poll_write(cx, slices));
        // What a lane or the last write has left encrypted.
        match socket.poll_flush(cx) {
            Poll::Ready(Err(error)) if drained.is_pending() => Poll::Ready(Err(error)),
            _ => drained,
        }
    });
    let drained = drained.await?;
    poll_fn(|cx| socket.poll_flush(cx)).await?;
    Ok(drained)
}

/// A text frame whose payload is `number`, filled up to `size` bytes.
fn frame(number: u32, size: usize, rank: Rank) -> Frame {
    let mut payload = number.to_be_bytes().to_vec();
    payload.resize(size.max(4), 0);
    Frame { bytes: encode::text(&payload), rank, seq: None }
}

fn offer(outbox: &Outbox, frames: &[Frame]) {
    Member::of(outbox).offer(&Batch::new(frames.to_vec()));
}

/// A heartbeat of a lane.
fn heartbeat(outbox: &Outbox) {
    let ping = Frame::answer(encode::ping(&Control::default()));
    Member::of(outbox).heartbeat(&Batch::new(vec![ping]), Seq::ZERO, None);
}

/// What a member reads: the numbers of text frames, then the code of the close frame.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    numbers: Vec<u32>,
    close: Option<u16>,
}

/// Reads up to the close frame, `pause` letting others run between the reads.
async fn read_all(member: &mut (dyn Stream + '_), pauses: usize) -> Seen {
    let (mut bytes, mut seen) = (Vec::new(), Seen::default());
    while seen.close.is_none() {
        let mut part = [0; 3_000];
        let read = timeout(DEADLINE, member.read(&mut part)).await.expect("the stream goes on").unwrap();
        assert!(read > 0, "the stream ended in the middle: {seen:?}");
        bytes.extend_from_slice(&part[..read]);
        while let Some(header) = bytes.get(1).map(|length| if *length == 126 { 4 } else { 2 }) {
            let length = match header {
                4 if bytes.len() >= 4 => usize::from(u16::from_be_bytes([bytes[2], bytes[3]])),
                4 => break,
                _ => usize::from(bytes[1]),
            };
            let Some(payload) = bytes.get(header..header + length) else { break };
            match bytes[0] {
                0x81 => seen.numbers.push(u32::from_be_bytes(payload[..4].try_into().unwrap())),
                0x88 => seen.close = Some(u16::from_be_bytes([payload[0], payload[1]])),
                0x89 => {}
                other => panic!("not at a frame boundary: {other:#x}"),
            }
            bytes.drain(..header + length);
        }
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_and_a_client_task_write_whole_frames_in_order() {
    for (round, kind) in (0..40_u32).flat_map(|round| KINDS.iter().map(move |kind| (round, *kind))) {
        let (socket, mut member) = pair(kind).await;
        let (outbox, task) = start(socket, &Config { backlog_bytes_max: Limit::None, ..Config::default() });
        let lane = Arc::clone(&outbox);
        let said = tokio::spawn(async move {
            let mut said: Vec<(u32, Rank)> = Vec::new();
            for number in 0..200_u32 {
                let mix = number.wrapping_mul(2_654_435_761).rotate_left(round);
                let rank =
                    if mix % 3 == 0 { Rank::State(Key::new(&format!("k{}", mix % 5)).unwrap()) } else { Rank::Event };
                offer(&lane, &[frame(number, (mix % 20_000) as usize, rank.clone())]);
                said.push((number, rank));
                if mix % 7 == 0 {
                    lane.beat(Seq::ZERO, None);
                    tokio::task::yield_now().await;
                }
            }
            lane.finish(CloseReason::Done);
            said
        });
        let seen = read_all(&mut member, round as usize % 4).await;
        let said = said.await.unwrap();
        assert_eq!(task.await.unwrap().unwrap(), Drained::Closed);
        assert_eq!(seen.close, Some(1000));
        assert_invariant(&said, &seen.numbers);
    }
}

/// What a viewer receives is a subsequence of what the owner said, in order, and once caught up it holds the newest
/// value of every key.
fn assert_invariant(said: &[(u32, Rank)], seen: &[u32]) {
    let mut rest = said.iter();
    for number in seen {
        assert!(rest.any(|(said, _)| said == number), "{number} is repeated or out of order");
    }
    let newest: HashMap<&Rank, u32> = said.iter().map(|(number, rank)| (rank, *number)).collect();
    for (number, rank) in said {
        let must_come = *rank == Rank::Event || newest[rank] == *number;
        assert!(!must_come || seen.contains(number), "{number} is missing");
    }
}

#[tokio::test]
async fn a_member_that_does_not_read_gets_whole_frames_and_then_4008() {
    for kind in KINDS {
        let (socket, mut member) = pair(*kind).await;
        let (outbox, task) = start(socket, &Config { backlog_bytes_max: Limit::Max(10_000), ..Config::default() });
        let mut said = 0;
        while outbox.ending() == Ending::Open {
            offer(&outbox, &[frame(said, 700, Rank::Event)]);
            said += 1;
            assert!(said < 100_000, "the limit is never reached");
            tokio::task::yield_now().await;
        }
        offer(&outbox, &[frame(said, 700, Rank::Event)]);
        let seen = read_all(&mut member, 0).await;
        assert_eq!(seen.close, Some(CloseReason::Slow.code()));
        assert!(
            seen.numbers.iter().copied().eq(0..u32::try_from(seen.numbers.len()).unwrap()),
            "in order, without a hole"
        );
        assert!(seen.numbers.len() < said as usize - 10, "what waited in the backlog is dropped");
        assert_eq!(task.await.unwrap().unwrap(), Drained::Closed);
    }
}

#[tokio::test]
async fn values_wait_in_constant_memory_for_a_member_that_does_not_read() {
    for kind in KINDS {
        let (socket, mut member) = pair(*kind).await;
        let (outbox, task) = start(socket, &Config { backlog_bytes_max: Limit::Max(10_000), ..Config::default() });
        let key = Key::new("k").unwrap();
        let mut said = 0;
        // Until one waits: how much the system takes before that is its own business, and may grow meanwhile.
        while said < 20_000 || outbox.stalls_at().is_none() {
            offer(&outbox, &[frame(said, 700, Rank::State(key.clone()))]);
            said += 1;
            assert!(said < 1_000_000, "none of them ever waits");
            tokio::task::yield_now().await;
        }
        assert_eq!(outbox.ending(), Ending::Open, "one key never reaches the limit");
        outbox.finish(CloseReason::Done);
        let seen = read_all(&mut member, 0).await;
        assert_eq!(seen.numbers.last(), Some(&(said - 1)));
        assert!(seen.numbers.is_sorted());
        task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_lane_writes_what_it_is_given_by_itself_while_the_member_reads() {
    for kind in KINDS {
        let (socket, mut member) = pair(*kind).await;
        // No client task: whatever comes was written by the lane.
        let outbox = Outbox::new(Some(socket), &MUTE, Clock::start(), &Counters::idle(), &Config::default());
        for number in 0..200 {
            let frame = frame(number, 700, Rank::Event);
            let sent = Member::of(&outbox).offer(&Batch::new(vec![frame.clone()]));
            assert_eq!((sent.frames, sent.bytes), (1, frame.bytes.len()), "{kind:?}");
            let mut came = vec![0; frame.bytes.len()];
            timeout(DEADLINE, member.read_exact(&mut came)).await.unwrap().unwrap();
            assert_eq!(came, frame.bytes, "{kind:?}");
        }
        assert!(outbox.lock().backlog.as_ref().is_none_or(|backlog| backlog.waiting_since().is_none()), "{kind:?}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn a_record_that_a_lane_leaves_half_sent_arrives_though_nothing_follows() {
    let (socket, mut member) = pair(PairKind::Tls).await;
    let (outbox, task) = start(Arc::clone(&socket), &Config::default());
    // The client task waits now.
    tokio::task::yield_now().await;
    let (mut said, mut is_left) = (Vec::new(), false);
    while !is_left {
        let frame = frame(7, 12_000, Rank::Event);
        let sent = Member::of(&outbox).offer(&Batch::new(vec![frame.clone()]));
        assert_eq!(sent.frames, 1, "what is encrypted is sent, as far as the outbox knows");
        said.extend_from_slice(&frame.bytes);
        // A write of nothing waits for what is encrypted, and does not take the place of the client task as a flush
        // would.
        is_left = socket.poll_write(&mut Context::from_waker(Waker::noop()), &[]).is_pending();
    }
    let mut came = vec![0; said.len()];
    timeout(DEADLINE, member.read_exact(&mut came)).await.expect("the rest of the record comes").unwrap();
    assert!(came == said);
    task.abort();
}

#[tokio::test]
async fn a_silent_member_is_closed_at_the_second_heartbeat() {
    let (socket, mut member) = pair(PairKind::Tcp).await;
    let (outbox, task) = start(socket, &Config::default());
    heartbeat(&outbox);
    outbox.hear();
    heartbeat(&outbox);
    assert_eq!(outbox.ending(), Ending::Open);
    heartbeat(&outbox);
    assert_eq!(outbox.ending(), Ending::Cut);
    assert_eq!(read_all(&mut member, 0).await, Seen { numbers: vec![], close: Some(CloseReason::NoPong.code()) });
    task.await.unwrap().unwrap();
}

/// A dialect over a transport that goes one way: its clients never speak, and its bytes are no frames of a WebSocket.
static ONE_WAY: Dialect = Dialect {
    liveness: Liveness::Silent,
    transport: Transport {
        ping: || Some(Bytes::from_static(b":\n")),
        pong: |_| None,
        close: |_| None,
        close_echo: |_| None,
    },
    write: |notice| match notice {
        Notice::Alive { seq, .. } => Some(format!("alive {seq}\n").into()),
        Notice::Closed { reason, .. } => Some(format!("closed {}\n", reason.word()).into()),
        _ => None,
    },
    ..MUTE
};

#[tokio::test]
async fn a_member_that_never_speaks_is_kept_and_told_everything_in_the_words_of_its_dialect() {
    let (socket, mut member) = pair(PairKind::Tcp).await;
    let (outbox, task) = start_in(&ONE_WAY, socket, &Config::default());
    for beat in 1..=5 {
        let seq = Seq::new(beat).unwrap();
        if beat % 2 == 0 {
            outbox.beat(seq, None);
        } else {
            let alive = Frame::notice(&Notice::Alive { seq, next: None }, &ONE_WAY).unwrap();
            let ping = Frame::answer((ONE_WAY.transport.ping)().unwrap());
            Member::of(&outbox).heartbeat(&Batch::new(vec![ping, alive]), seq, None);
        }
        let mut came = vec![0; format!(":\nalive {beat}\n").len()];
        timeout(DEADLINE, member.read_exact(&mut came)).await.unwrap().unwrap();
        assert_eq!(String::from_utf8(came).unwrap(), format!(":\nalive {beat}\n"));
        assert_eq!(outbox.ending(), Ending::Open, "after {beat} heartbeats without an answer");
    }
    outbox.pong(&Control::default());
    outbox.finish(CloseReason::Restart);
    assert_eq!(timeout(DEADLINE, task).await.unwrap().unwrap().unwrap(), Drained::Closed);
    drop(outbox);
    let mut rest = String::new();
    timeout(DEADLINE, member.read_to_string(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, "closed restart\n", "a transport without a close says no more than the dialect");
}

#[tokio::test]
async fn a_client_closes_over_a_transport_without_a_close() {
    let outbox = unread(&ONE_WAY, Limit::Max(1_000));
    outbox.echo_close(Some(1000));
    let drained = outbox.poll_drain(&mut Context::from_waker(Waker::noop()), |_, _| panic!("nothing is said"));
    assert!(matches!(drained, Poll::Ready(Ok(Drained::Closed))));
    assert_eq!(outbox.end(), Some(End::Client));
}

/// Counts how often a client task would have been woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// An outbox, and a client task that has found nothing to write. Gives how often it is woken by `change`, where
/// `blocked` says that its socket takes nothing.
fn wakes(blocked: bool, change: impl FnOnce(&Outbox)) -> usize {
    let outbox = Outbox::new(None, &MUTE, Clock::start(), &Counters::idle(), &Config::default());
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    if blocked {
        outbox.answer(Bytes::from_static(b"waits"));
    }
    let drained = outbox.poll_drain(&mut Context::from_waker(&waker), |_, _| Poll::Pending);
    assert!(drained.is_pending());
    let before = wakes.0.load(Ordering::Relaxed);
    change(&outbox);
    wakes.0.load(Ordering::Relaxed) - before
}

#[tokio::test]
async fn a_client_task_is_woken_only_for_what_it_has_to_do() {
    let event = || frame(1, 4, Rank::Event);
    assert_eq!(wakes(false, |outbox| offer(outbox, &[event()])), 1);
    assert_eq!(wakes(true, |outbox| offer(outbox, &[event()])), 0, "it waits for the socket");
    assert_eq!(wakes(true, |outbox| outbox.cut(CloseReason::Slow)), 1, "it has a deadline now");
    assert_eq!(wakes(true, Outbox::wake), 1);
}

#[tokio::test]
async fn what_comes_during_a_direct_write_is_not_forgotten_after_it() {
    let (socket, mut member) = pair(PairKind::Tcp).await;
    let outbox = Outbox::new(Some(Arc::clone(&socket)), &MUTE, Clock::start(), &Counters::idle(), &Config::default());
    assert_eq!(outbox.delivery(true, None), LaneDelivery::Direct);
    assert_eq!(outbox.delivery(true, None), LaneDelivery::Queue, "one write at a time");
    let task = tokio::spawn(drain(socket, Arc::clone(&outbox)));
    tokio::task::yield_now().await;
    outbox.finish(CloseReason::Done);
    tokio::task::yield_now().await;
    assert!(!task.is_finished(), "the lane is still writing");
    outbox.end_direct_write(None);
    assert_eq!(read_all(&mut member, 0).await.close, Some(1000));
    task.await.unwrap().unwrap();
}

#[test]
fn a_heartbeat_asks_before_what_waits() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let _entered = runtime.enter();
    let outbox = Outbox::new(None, &MUTE, Clock::start(), &Counters::idle(), &Config::default());
    let announcement = encode::text(b"connected");
    outbox.replay(Replay {
        announcement: announcement.clone(),
        entries: Arc::from([]),
        seq: Seq::ZERO,
        hold: Hold::default(),
    });
    outbox.answer(encode::text(b"later"));
    heartbeat(&outbox);
    let mut out = Vec::new();
    let write = |_: &mut Context<'_>, slices: &[IoSlice<'_>]| {
        slices.iter().for_each(|slice| out.extend_from_slice(slice));
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    };
    assert!(outbox.poll_drain(&mut Context::from_waker(Waker::noop()), write).is_pending());
    let expected = [encode::ping(&Control::default()), announcement, encode::text(b"later")].concat();
    assert_eq!(out, expected);
}

/// A protocol that can say that messages were lost.
static TELLING: Dialect = Dialect { on_overflow: OnOverflow::Reset, ..MUTE };

/// A protocol with a farewell.
static POLITE: Dialect =
    Dialect { write: |notice| matches!(notice, Notice::Farewell(_)).then(|| Bytes::from_static(b"farewell")), ..MUTE };

/// An outbox without a socket, in which `limit` bytes may wait.
fn unread(dialect: &'static Dialect, limit: Limit) -> Arc<Outbox> {
    let config = Config { backlog_bytes_max: limit, ..Config::default() };
    Outbox::new(None, dialect, Clock::start(), &Counters::idle(), &config)
}

#[tokio::test]
async fn a_rooms_end_that_overtakes_the_request_for_its_state_ends_the_client() {
    let outbox = unread(&TELLING, Limit::Max(1_000));
    let mut out = Vec::new();
    let mut write = |_: &mut Context<'_>, slices: &[IoSlice<'_>]| {
        slices.iter().for_each(|slice| out.extend_from_slice(slice));
        Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()))
    };
    let context = &mut Context::from_waker(Waker::noop());
    offer(&outbox, &[frame(1, 900, Rank::Event), frame(2, 900, Rank::Event)]);
    assert!(matches!(outbox.poll_drain(context, &mut write), Poll::Ready(Ok(Drained::Lost))));
    // The lane comes first.
    assert!(outbox.is_lost());
    outbox.replay(Replay {
        announcement: encode::text(b"reset"),
        entries: Arc::from([]),
        seq: Seq::ZERO,
        hold: Hold::default(),
    });
    outbox.farewell(&RoomId::random(&OsRandom), CloseReason::RoomClosed, RoomEnd::Admin);
    assert!(!outbox.order_state(), "nothing is to be made any more");
    assert!(matches!(outbox.poll_drain(context, &mut write), Poll::Ready(Ok(Drained::Closed))));
    assert!(out.ends_with(&encode::close(CloseReason::RoomClosed)));
}

#[tokio::test]
async fn a_farewell_is_said_however_much_waits() {
    let outbox = unread(&POLITE, Limit::Max(500));
    offer(&outbox, &[frame(1, 100, Rank::Event), frame(2, 100, Rank::Event)]);
    outbox.farewell(&RoomId::random(&OsRandom), CloseReason::Done, RoomEnd::Admin);
    assert_eq!(outbox.ending(), Ending::Finishing, "what was said goes out first, then the farewell");
}

#[tokio::test]
async fn an_outbox_that_a_panic_left_half_changed_says_nothing_more_and_ends() {
    let (socket, mut member) = pair(PairKind::Tcp).await;
    let (outbox, task) = start(Arc::clone(&socket), &Config::default());
    offer(&outbox, &[frame(1, 4, Rank::Event)]);
    crate::fault::catch("a test", &Counters::idle(), || outbox.change(|_, _| panic!("a test wants this"))).unwrap_err();
    offer(&outbox, &[frame(2, 4, Rank::Event)]);
    outbox.answer(encode::text(b"answer"));
    outbox.finish(CloseReason::Fault);
    assert_eq!(outbox.ending(), Ending::Cut);
    assert_eq!(timeout(DEADLINE, task).await.unwrap().unwrap().unwrap(), Drained::Closed);
    drop((socket, outbox));
    let mut came = Vec::new();
    timeout(DEADLINE, member.read_to_end(&mut came)).await.unwrap().unwrap();
    assert_eq!(came, frame(1, 4, Rank::Event).bytes, "what went out before, and no part of anything else");
}

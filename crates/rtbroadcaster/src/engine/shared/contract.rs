//! The duties of every shared log, as tests that each of them has to pass.
//! Must not know which log is tested.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rtbroadcaster_core::chain::Offset;
use rtbroadcaster_core::id::RoomId;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{Asked, CopyId, EntryKind, FEED_EVENTS_MAX, FeedEvent, NodeId, Published, SharedLog, StoredEntry, Unsure};
use crate::os_random::OsRandom;

const SOON: Duration = Duration::from_secs(10);

/// How many events may be missing in a row.
const TRIES: usize = 5;

fn room() -> RoomId {
    RoomId::random(&OsRandom)
}

fn text(number: usize) -> Bytes {
    format!("entry {number}").into()
}

/// Publishes the next entry, and returns where it is.
async fn publish<L: SharedLog>(log: &L, room: &RoomId, after: Offset, text: Bytes) -> Offset {
    loop {
        match log.publish(room, after, text.clone(), EntryKind::Next).await {
            Published::Stored => return log.last(room).await.unwrap().unwrap().offset,
            Published::Busy => {}
            outcome => panic!("{outcome:?}"),
        }
    }
}

async fn next_entry(events: &mut mpsc::Receiver<FeedEvent>) -> StoredEntry {
    loop {
        match timeout(SOON, events.recv()).await.expect("in time").expect("it is followed") {
            FeedEvent::Entry(entry) => return entry,
            FeedEvent::Missed | FeedEvent::Whisper(_) => {}
        }
    }
}

/// Runs every test on the log as two nodes reach it.
pub(crate) async fn keeps_the_contract<L: SharedLog>(nodes: [Arc<L>; 2]) {
    one_place_has_one_entry(&nodes).await;
    what_is_stored_is_read_in_order_by_every_node(&nodes).await;
    what_is_stored_and_whispered_is_told(&nodes).await;
    an_end_removes_what_is_before_it(&nodes).await;
    a_checkpoint_replaces_the_one_before_and_removes_what_is_unneeded(&nodes).await;
    an_entry_that_continues_a_copy_removes_what_is_before_it(&nodes).await;
    beacons_reach_the_other_nodes(&nodes).await;
    a_node_that_is_asked_replies_in_time_or_not_at_all(&nodes).await;
}

async fn one_place_has_one_entry<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let room = room();
    assert_eq!(here.last(&room).await, Ok(None));
    let first = publish(&**here, &room, Offset::START, text(1)).await;
    assert_eq!(there.publish(&room, Offset::START, text(2), EntryKind::Next).await, Published::Taken);
    let second = publish(&**there, &room, first, text(2)).await;
    assert!(second > first);
    assert_eq!(here.publish(&room, first, text(3), EntryKind::Next).await, Published::Taken);
    // The same once more is taken too: by itself.
    assert_eq!(there.publish(&room, first, text(2), EntryKind::Next).await, Published::Taken);
    let last = here.last(&room).await.unwrap().unwrap();
    assert_eq!((last.offset, last.text), (second, text(2)));
    for (offset, number) in [(first, 1), (second, 2)] {
        let entry = there.entry(&room, offset).await.unwrap().unwrap();
        assert_eq!((entry.offset, entry.text), (offset, text(number)));
    }
    assert_eq!(there.entry(&room, Offset(second.0 + 10_000)).await, Ok(None));
    // Both at once: one wins.
    for _ in 0..20 {
        let after = here.last(&room).await.unwrap().unwrap().offset;
        let (one, other) = tokio::join!(
            here.publish(&room, after, text(4), EntryKind::Next),
            there.publish(&room, after, text(5), EntryKind::Next)
        );
        let stored = [one, other].iter().filter(|outcome| **outcome == Published::Stored).count();
        assert!(stored <= 1, "{one:?} {other:?}");
    }
}

async fn what_is_stored_is_read_in_order_by_every_node<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let (room, other) = (room(), room());
    let mut after = Offset::START;
    for number in 0..300 {
        after = publish(&**here, &room, after, text(number)).await;
    }
    publish(&**here, &other, Offset::START, text(0)).await;
    let mut read: Vec<StoredEntry> = Vec::new();
    while read.len() < 300 {
        let entries = there.read(&room, read.last().map_or(Offset::START, |last| last.offset)).await.unwrap();
        read.extend(entries);
    }
    assert!(read.iter().enumerate().all(|(number, entry)| entry.text == text(number)));
    assert!(read.is_sorted_by_key(|entry| entry.offset) && read.is_sorted_by_key(|entry| entry.at));
    assert_eq!(there.read(&room, after).await, Ok(Vec::new()));
    let heads = there.heads(&[room.clone(), RoomId::random(&OsRandom), other.clone()]).await.unwrap();
    assert_eq!(heads.len(), 2);
    assert!(heads.contains(&(room, after)));
}

async fn what_is_stored_and_whispered_is_told<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let room = room();
    let (events, mut told) = mpsc::channel(FEED_EVENTS_MAX);
    there.follow(&room, events).await.unwrap();
    // An event may be missing, but not all of them.
    let mut offset = Offset::START;
    for number in 1..=TRIES {
        offset = publish(&**here, &room, offset, text(number)).await;
        if let Ok(entry) = timeout(Duration::from_secs(2), next_entry(&mut told)).await {
            assert_eq!((entry.offset, entry.text), (offset, text(number)));
            break;
        }
        assert!(number < TRIES, "nothing is told");
    }
    here.whisper(&room, "psst".into());
    let whisper = timeout(SOON, async {
        loop {
            if let FeedEvent::Whisper(text) = told.recv().await.expect("it is followed") {
                return text;
            }
        }
    });
    assert_eq!(whisper.await.expect("in time"), "psst");
    // A node is not told its own whispers.
    let (events, mut own) = mpsc::channel(FEED_EVENTS_MAX);
    here.follow(&room, events).await.unwrap();
    here.whisper(&room, "once more".into());
    let second = publish(&**here, &room, offset, text(2)).await;
    match timeout(SOON, own.recv()).await.expect("in time") {
        Some(FeedEvent::Entry(entry)) => assert_eq!(entry.offset, second),
        other => panic!("{other:?}"),
    }
}

async fn an_end_removes_what_is_before_it<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let room = room();
    let first = publish(&**here, &room, Offset::START, text(1)).await;
    let second = publish(&**here, &room, first, text(2)).await;
    assert_eq!(there.publish(&room, first, text(3), EntryKind::Last).await, Published::Taken, "it is no exception");
    assert_eq!(there.publish(&room, second, text(3), EntryKind::Last).await, Published::Stored);
    let all = here.read(&room, Offset::START).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>(), [text(3)]);
    assert_eq!(here.publish(&room, second, text(4), EntryKind::Next).await, Published::Taken);
}

async fn a_checkpoint_replaces_the_one_before_and_removes_what_is_unneeded<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let room = room();
    assert_eq!(here.checkpoint(&room).await, Ok(None));
    let first = publish(&**here, &room, Offset::START, text(1)).await;
    let second = publish(&**here, &room, first, text(2)).await;
    // Larger than any message may be, and smaller again.
    for bytes in [10, 1_300_000, 2_600_000, 20, 30] {
        let checkpoint: Bytes = (0..bytes).map(|at| b'a' + u8::try_from(at % 23).unwrap()).collect();
        here.keep_checkpoint(&room, checkpoint.clone(), Offset::START).await.unwrap();
        assert_eq!(there.checkpoint(&room).await.unwrap().map(|found| found.len()), Some(bytes));
        assert!(there.checkpoint(&room).await == Ok(Some(checkpoint)));
    }
    assert_eq!(there.read(&room, Offset::START).await.unwrap().len(), 2);
    here.keep_checkpoint(&room, "end".into(), first).await.unwrap();
    let left = there.read(&room, Offset::START).await.unwrap();
    assert_eq!(left.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [second]);
    let third = publish(&**there, &room, second, text(3)).await;
    assert!(third > second, "the place of the last entry is what it was");
}

async fn an_entry_that_continues_a_copy_removes_what_is_before_it<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let room = room();
    let first = publish(&**here, &room, Offset::START, text(1)).await;
    let second = publish(&**here, &room, first, text(2)).await;
    here.keep_checkpoint(&room, "checkpoint".into(), Offset::START).await.unwrap();
    let copies: Vec<Bytes> = [30, 1_300_000].map(|bytes| Bytes::from(vec![b'x'; bytes])).into();
    for (id, copy) in (1..).zip(&copies) {
        here.keep_copy(&room, CopyId(id), copy.clone()).await.unwrap();
    }
    for (id, copy) in (1..).zip(copies) {
        assert!(there.copy(&room, CopyId(id)).await == Ok(Some(copy)));
    }
    assert_eq!(there.copy(&room, CopyId(3)).await, Ok(None));
    assert_eq!(there.checkpoint(&room).await, Ok(Some("checkpoint".into())), "a copy is none");
    assert_eq!(there.publish(&room, first, text(3), EntryKind::Copy).await, Published::Taken, "it is no exception");
    assert_eq!(there.publish(&room, second, text(3), EntryKind::Copy).await, Published::Stored);
    let all = here.read(&room, Offset::START).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.text.clone()).collect::<Vec<_>>(), [text(3)]);
    let (here, there) = (here.extent().await.unwrap(), there.extent().await.unwrap());
    assert_eq!(here, there);
    assert!(here.last >= all[0].offset);
}

async fn beacons_reach_the_other_nodes<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let mut told = there.beacons();
    let beacon = timeout(SOON, async {
        loop {
            here.beacon("I am".into());
            match timeout(Duration::from_millis(200), told.recv()).await {
                Ok(beacon) => return beacon,
                Err(_) => continue,
            }
        }
    });
    assert_eq!(beacon.await.expect("in time").as_deref(), Some(&b"I am"[..]));
}

#[tokio::test(start_paused = true)]
async fn the_simulated_log_keeps_the_contract() {
    let sea = super::sea::Sea::new(1);
    keeps_the_contract([sea.node(0), sea.node(1)]).await;
}

async fn a_node_that_is_asked_replies_in_time_or_not_at_all<L: SharedLog>([here, there]: &[Arc<L>; 2]) {
    let (node, unknown) = (NodeId::random(&OsRandom), NodeId::random(&OsRandom));
    let mut questions = there.questions(node);
    let within = Duration::from_millis(500);
    let answering = tokio::spawn(async move {
        while let Some(Asked { text, reply }) = questions.recv().await {
            match &*text {
                b"quiet" => drop(reply),
                b"stop" => return,
                _ => _ = reply.send(Bytes::from([b"re: ", &*text].concat())),
            }
        }
    });
    let mut replies = 0;
    // The node may not be subscribed yet.
    for _ in 0..TRIES * 10 {
        if let Ok(reply) = here.ask_node(node, "a".into(), within).await {
            assert_eq!(reply, "re: a");
            replies += 1;
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(replies, 1);
    let many: Vec<_> = (0..20).map(|number| here.ask_node(node, text(number), within)).collect();
    let many = futures_util::future::join_all(many).await;
    for (number, reply) in many.into_iter().enumerate() {
        assert_eq!(reply, Ok(Bytes::from(format!("re: entry {number}"))));
    }
    assert_eq!(here.ask_node(node, "quiet".into(), within).await, Err(Unsure));
    assert_eq!(here.ask_node(unknown, "a".into(), within).await, Err(Unsure));
    assert_eq!(here.ask_node(node, "stop".into(), within).await, Err(Unsure));
    answering.await.unwrap();
}

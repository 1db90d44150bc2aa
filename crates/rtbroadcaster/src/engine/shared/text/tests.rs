//! Whatever is written is read as it was, and what is none of ours is told apart.

use proptest::prelude::*;
use rtbroadcaster_core::chain::Chain;
use rtbroadcaster_core::id::{Life, Numbering};
use rtbroadcaster_core::options::{Counting, RoomOptions};
use rtbroadcaster_core::record::{Checkpoint, Header, LifeIndex, Lives};

use super::*;
use crate::os_random::OsRandom;

fn lease(term: u64) -> Lease {
    Lease { term: Term::new(term).unwrap(), writer: Writer(0xfeed_0000_0000_0001) }
}

fn header(away: bool, life: bool) -> Header {
    let counting = Counting { every: Duration::from_millis(250), once_per_viewer: true };
    let options = RoomOptions::new().with_audience().with_grace(Duration::from_secs(77));
    Header {
        numbering: Numbering::random(&OsRandom),
        life: life.then(|| Life::random(&OsRandom)),
        starts: vec![(LifeIndex(3), Seq::new(1).unwrap())],
        term: Term::new(4).unwrap(),
        key: [7; 32],
        away: away.then_some(Duration::from_millis(1_900_000_000_123)),
        moment: None,
        place: None,
        options: options.with_counting("vote \"", counting).unwrap(),
        unknown: None,
    }
}

fn record() -> impl Strategy<Value = Record> {
    let change = prop_oneof![Just(Change::Event), Just(Change::State), Just(Change::Cleared)];
    let params = prop_oneof![
        Just("[]".to_owned()),
        Just("[ 1.0 , \"a\\u0000\\n\u{1f600}\",\n{\"b\":[null]}]".to_owned()),
        "\\[[0-9]{1,9}\\]".prop_filter("a number", |text| serde_json::from_str::<Vec<u64>>(text).is_ok())
    ];
    let id = proptest::option::of(("[ -~]{1,20}", any::<[u8; 16]>()));
    (1..(1_u64 << 53), change, "[a-z\"\\\\\u{e9}]{1,12}", params, id).prop_map(|(seq, change, key, params, id)| {
        Record {
            seq: Seq::new(seq).unwrap(),
            said: Duration::ZERO,
            term: Term::new(9).unwrap(),
            change,
            key: Key::new(&key).unwrap(),
            params: Params::from_json(&params).unwrap(),
            id: id.map(|(id, fingerprint)| (id.into(), fingerprint)),
            sum: Sum::default(),
        }
    })
}

proptest! {
    #[test]
    fn an_entry_is_read_as_it_was_written(records in prop::collection::vec(record(), 0..6), number in 0..100_u64, after in any::<u64>(), copy in any::<Option<u64>>()) {
        let messages = records.iter().map(|record| Append::Message(record.clone(), Forgotten::default(), None));
        let appends: Vec<_> = messages.chain([Append::Turn, Append::End(RoomEnd::Grace)]).collect();
        let (after, copy) = (Offset(after), copy.map(CopyId));
        let text = write_entry(&Draft { lease: lease(9), number, after, copy, appends: &appends });
        let link = read_link(Offset(5), &text).unwrap();
        let continues_copy = copy.is_some();
        prop_assert_eq!(link, Link { offset: Offset(5), after, lease: lease(9), number, continues_copy });
        prop_assert_eq!(read_copy_id(&text), copy);
        let read = read_appends(&text).unwrap();
        prop_assert_eq!(read.len(), records.len() + 1, "a turn leaves nothing");
        for (append, record) in read.iter().zip(&records) {
            let Append::Message(found, ..) = append else { panic!("{append:?}") };
            prop_assert_eq!(found, record);
        }
        prop_assert!(matches!(read.last(), Some(Append::End(RoomEnd::Grace))));
    }

    #[test]
    fn a_checkpoint_is_read_as_it_was_written(records in prop::collection::vec(record(), 0..6), offset in any::<u64>()) {
        let lives = Lives::from_order(LifeIndex(2), vec![Life::random(&OsRandom), Life::random(&OsRandom)]);
        let ids = records.iter().filter_map(|record| record.id.clone().map(|(id, print)| (record.seq, id, print))).collect();
        let said = Duration::from_millis(1_900_000_000_456);
        let records: Vec<_> = records.into_iter().map(|record| Record { id: None, said, ..record }).collect();
        let seq = Seq::new(77).unwrap();
        let checkpoint = Checkpoint { header: header(true, false), lives, seq, history: seq.next(), records, ids };
        let chain = Chain { newest: Some((lease(4), 12)), offset: Offset(offset) };
        let placed = PlacedCheckpoint { checkpoint, chain, history: Chain::START };
        prop_assert_eq!(read_checkpoint(&write_checkpoint(&placed)), Ok(placed));
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = (read_link(Offset(1), &bytes), read_appends(&bytes), read_checkpoint(&bytes), Whisper::read(&bytes));
    }
}

#[test]
fn a_header_is_read_as_it_was_written() {
    for (away, life) in [(false, true), (true, false)] {
        let header = header(away, life);
        let text = write_entry(&Draft {
            copy: None,
            lease: lease(4),
            number: 0,
            after: Offset::START,
            appends: &[Append::Header(header.clone())],
        });
        let read = read_appends(&text).unwrap();
        let [Append::Header(read)] = &read[..] else { panic!("it is a header: {read:?}") };
        assert_eq!(*read, header);
    }
}

#[test]
fn whispers_are_read_as_they_were_written() {
    let key = Key::new("pointer").unwrap();
    let ephemeral = Whisper::Ephemeral { lease: lease(3), key, params: Params::from_json("[0.5, 1]").unwrap() };
    for whisper in [Whisper::Head(Offset(9)), Whisper::Read(Term::new(4).unwrap(), Offset(0)), ephemeral] {
        assert_eq!(Whisper::read(&whisper.write()), Some(whisper));
    }
}

#[test]
fn what_a_later_version_has_written_is_told_apart_and_members_that_it_adds_are_ignored() {
    let entry = |format: u32, more: &str| {
        format!(r#"{{"format":{format},"term":1,"writer":2,"number":0,"after":0,"appends":[]{more}}}"#)
    };
    let later = entry(2, "");
    assert_eq!(read_link(Offset(1), later.as_bytes()), Err(Unreadable::Newer));
    assert_eq!(read_appends(later.as_bytes()).err(), Some(Unreadable::Newer));
    let more = entry(1, r#","more":{"a":[1]}"#);
    assert!(read_link(Offset(1), more.as_bytes()).is_ok() && read_appends(more.as_bytes()).is_ok());
    for damaged in
        ["", "{}", "[]", r#"{"format":1}"#, r#"{"format":1,"term":0,"writer":2,"number":0,"after":0,"appends":[]}"#]
    {
        assert_eq!(read_link(Offset(1), damaged.as_bytes()), Err(Unreadable::Damaged), "{damaged}");
    }
    let seq = r#"{"format":1,"term":1,"writer":2,"number":0,"after":0,"appends":[{"message":{"seq":9007199254740992,"change":"event","key":"a","params":[]}}]}"#;
    assert_eq!(read_appends(seq.as_bytes()).err(), Some(Unreadable::Damaged));
}

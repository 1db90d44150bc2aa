//! Who a viewer is: its number by its key, over cuts, reloads, second windows and restarts, and what one viewer with many
//! connections may do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtbroadcaster::{Config, Counting, Limit, Manager, Message, Owner, RoomOptions, Signal, Signals};

use tokio::io::{AsyncRead, AsyncWrite};

use super::dice::Dice;
use super::frame::{self, Frame, How, Recognized};
use super::viewer::{connect, connect_in_memory};
use crate::client::Client;
use crate::house::House;
use crate::moment::{LONG, until, within, within_time};

/// The counting of votes: once for each viewer, and sent as soon as may be.
const VOTE: Counting = Counting { every: Duration::from_millis(100), once_per_viewer: true };

/// A room that counts votes, and what its viewers say.
async fn poll(manager: &Manager) -> (Owner, Signals, String) {
    let options = RoomOptions::new().with_counting("vote", VOTE).unwrap();
    let owner = manager.create_room_with(options).await.unwrap();
    let (signals, room) = (owner.signals(), owner.room().to_string());
    (owner, signals, room)
}

/// A viewer of `room` that shows `key`, or none, and who it is.
async fn join(house: &House, room: &str, key: Option<&str>) -> (Client, Recognized) {
    let mut viewer = connect(house).await;
    viewer.send(&key.map_or_else(|| frame::join("j", room, None), |key| frame::join_as("j", room, key))).await;
    match viewer.frame().await {
        Frame::Joined(joined) => (viewer, joined.viewer),
        other => panic!("expected `joined`, but came {other:?}"),
    }
}

/// Says it, and waits until the server has taken it or refused it. Returns the codes of refusals.
async fn say<S: AsyncRead + AsyncWrite + Unpin>(viewer: &mut Client<S>, key: &str, params: &str) -> Vec<String> {
    viewer.send(&frame::signal("i", key, params)).await;
    // Refused behind it. A pong could overtake a refusal.
    viewer.send(&frame::join("last", "here", None)).await;
    let mut codes = Vec::new();
    loop {
        match viewer.frame().await {
            Frame::Error { id, code, .. } if id.as_deref() == Some("last") => {
                assert_eq!(code, "already_in_room");
                return codes;
            }
            Frame::Error { code, .. } => codes.push(code),
            other => panic!("expected refusals, but came {other:?}"),
        }
    }
}

/// Hears totals until they are these.
async fn until_told(signals: &mut Signals, expected: &BTreeMap<String, u64>) {
    let mut last = BTreeMap::new();
    let hearing = async {
        while last != *expected {
            match signals.next().await {
                Some(Signal::Counts { counts, other: 0, .. }) => {
                    last = counts.into_iter().map(|(params, count)| (params.as_str().to_owned(), count)).collect();
                }
                other => panic!("expected totals, but came {other:?}"),
            }
        }
    };
    if tokio::time::timeout(LONG, hearing).await.is_err() {
        panic!("expected {expected:?}, but the last totals were {last:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_with_one_key_are_one_viewer_of_the_audience() {
    let house = House::open(Config::default()).await;
    let (owner, room) = house.rust_owner().await;
    let mut told = owner.audience();
    let (first, one) = join(&house, &room, None).await;
    let (second, same) = join(&house, &room, Some(&one.key)).await;
    let (other, two) = join(&house, &room, None).await;
    assert_eq!(same, one);
    assert_ne!((two.number, &two.key), (one.number, &one.key));
    let audience =
        within("both", told.wait_for(|audience| audience.unwrap().viewers == 2)).await.unwrap().unwrap().viewers;
    assert_eq!((audience, owner.viewers(), house.viewers(&room)), (2, 3, 3), "viewers, and their connections");
    drop(first);
    until("the first connection is gone", || house.viewers(&room) == 2).await;
    assert_eq!(owner.audience().borrow().unwrap().viewers, 2, "its viewer is still there");
    drop(other);
    within("the other is gone", told.wait_for(|audience| audience.unwrap().viewers == 1)).await.unwrap();
    drop(second);
    within("all are gone", told.wait_for(|audience| audience.unwrap().viewers == 0)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_per_room_counts_connections_and_a_pause_is_of_one() {
    let house = House::open(Config { viewers_per_room_max: Limit::Max(2), ..Config::default() }).await;
    let (owner, room) = house.rust_owner().await;
    let (mut paused, one) = join(&house, &room, None).await;
    let (mut live, _) = join(&house, &room, Some(&one.key)).await;
    let mut third = connect(&house).await;
    third.send(&frame::join_as("j", &room, &one.key)).await;
    assert!(matches!(third.frame().await, Frame::Error { code, .. } if code == "room_full"));
    paused.send(frame::PAUSE).await;
    paused.expect_nothing().await;
    owner.publish(Message::event("bell", [1]).unwrap()).await.unwrap();
    assert!(matches!(live.frame().await, Frame::Message(message) if message.key == "bell"));
    paused.send(&frame::unpause("u")).await;
    match paused.frame().await {
        Frame::Joined(joined) => assert_eq!((joined.viewer, joined.how, joined.replay), (one, How::Resumed, 1)),
        other => panic!("expected `joined`, but came {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_of_signals_is_a_viewers_over_all_its_connections_also_those_that_are_gone() {
    const TABS: usize = 10;
    let config = Config {
        signals_per_viewer_per_second: Limit::Max(3),
        signals_per_room_per_second: Limit::None,
        ..Config::default()
    };
    let house = House::open(config).await;
    let (owner, room) = house.rust_owner().await;
    let mut signals = owner.signals();
    let (first, one) = join(&house, &room, None).await;
    let (mut bystander, other) = join(&house, &room, None).await;
    let (began, mut refused) = (Instant::now(), 0);
    for _ in 0..TABS {
        // Each is a new connection, and its own pace would allow it three.
        let (mut tab, _) = join(&house, &room, Some(&one.key)).await;
        for _ in 0..3 {
            let codes = say(&mut tab, "hand", "[]").await;
            assert!(codes.iter().all(|code| code == "rate"), "{codes:?}");
            refused += codes.len();
        }
    }
    let taken = 3 * TABS - refused;
    let most = 3 + usize::try_from(began.elapsed().as_millis() * 3 / 1_000).unwrap() + 1;
    assert!((3..=most).contains(&taken), "{taken} were taken in {:?}", began.elapsed());
    assert_eq!(say(&mut bystander, "hand", "[]").await, [""; 0], "another viewer has its own");
    for _ in 0..taken {
        match within("a signal", signals.next()).await {
            Some(Signal::Single { from, .. }) => assert_eq!(from, Some(one.number)),
            other => panic!("expected a signal, but came {other:?}"),
        }
    }
    match within("a signal", signals.next()).await {
        Some(Signal::Single { from, .. }) => assert_eq!(from, Some(other.number)),
        other => panic!("expected a signal, but came {other:?}"),
    }
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_counted_twice_over_cuts_reloads_and_second_windows() {
    const VOTERS: usize = 40;
    const STEPS: usize = 500;
    let config = Config {
        handshakes_per_address_per_second: Limit::None,
        signals_per_viewer_per_second: Limit::None,
        ping_interval: Limit::None,
        ..Config::default()
    };
    let house = House::open(config).await;
    let (_owner, mut signals, room) = poll(&house.manager).await;
    let mut dice = Dice::new();
    // Of each voter its key, the connections that it has at the moment and what it has chosen last.
    let mut voters: Vec<(Option<Recognized>, Vec<Client>, Option<u64>)> = Vec::new();
    voters.resize_with(VOTERS, Default::default);
    let voting = async {
        for _ in 0..STEPS {
            let (viewer, windows, chosen) = &mut voters[usize::try_from(dice.below(VOTERS as u64)).unwrap()];
            match dice.below(6) {
                // A connection is cut, or a page reloaded, or one more window opened: a join with the key that was
                // sent.
                0 => _ = windows.pop(),
                1 if !windows.is_empty() => {
                    let mut left = windows.remove(0);
                    left.send(r#"{"type":"leave"}"#).await;
                    left.expect_closed(1000, "left").await;
                }
                _ if windows.is_empty() || (windows.len() < 4 && dice.below(3) == 0) => {
                    let key = viewer.as_ref().map(|viewer| viewer.key.as_str());
                    let (window, recognized) = join(&house, &room, key).await;
                    assert!(viewer.as_ref().is_none_or(|viewer| *viewer == recognized), "{viewer:?} is {recognized:?}");
                    *viewer = Some(recognized);
                    windows.push(window);
                }
                _ => {
                    let (window, choice) = (dice.below(windows.len() as u64), dice.below(5));
                    let window = &mut windows[usize::try_from(window).unwrap()];
                    assert_eq!(say(window, "vote", &format!("[{choice}]")).await, [""; 0]);
                    *chosen = Some(choice);
                }
            }
        }
    };
    within_time(4 * LONG, "the voting", voting).await;
    let mut expected = BTreeMap::new();
    for choice in voters.iter().filter_map(|(_, _, chosen)| *chosen) {
        *expected.entry(format!("[{choice}]")).or_default() += 1;
    }
    assert!(expected.values().sum::<u64>() > 20, "{expected:?}");
    until_told(&mut signals, &expected).await;
    assert_eq!(house.manager.metrics().voters, expected.values().sum::<u64>());
    // When all are gone their votes stay, and each is its own when it comes back.
    voters.iter_mut().for_each(|(_, windows, _)| windows.clear());
    until("all are gone", || house.viewers(&room) == 0).await;
    let mut back = Vec::new();
    for (viewer, ..) in voters.iter().filter(|(.., chosen)| chosen.is_some()) {
        let (mut window, _) = join(&house, &room, viewer.as_ref().map(|viewer| viewer.key.as_str())).await;
        assert_eq!(say(&mut window, "vote", "[9]").await, [""; 0]);
        back.push(window);
    }
    until_told(&mut signals, &BTreeMap::from([("[9]".to_owned(), back.len() as u64)])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_remembered_has_a_limit_and_goes_with_clear_and_with_the_room() {
    let config = Config { voters_max: Limit::Max(3), viewers_per_room_max: Limit::Max(20), ..Config::default() };
    let config =
        Config { connections_per_address_max: Limit::None, handshakes_per_address_per_second: Limit::None, ..config };
    let house = House::open(config).await;
    let manager = &house.manager;
    // Without addresses, so that only what is counted in all counts.
    let (owner, _signals, room) = poll(manager).await;
    let (other_owner, _others, other_room) = poll(manager).await;
    let mut voters = Vec::new();
    let mut codes = Vec::new();
    for number in 0..5 {
        let room = if number % 2 == 0 { &room } else { &other_room };
        let mut viewer = connect_in_memory(manager, 64 * 1024).await;
        viewer.send(&frame::join("j", room, None)).await;
        assert!(matches!(viewer.frame().await, Frame::Joined(_)));
        codes.extend(say(&mut viewer, "vote", "[1]").await);
        voters.push(viewer);
    }
    assert_eq!(codes, ["unavailable"; 2], "the fourth and the fifth");
    let metrics = manager.metrics();
    let full = metrics.signals.refused.iter().find(|(reason, _)| *reason == "voters_full");
    assert_eq!((metrics.voters, full), (3, Some(&("voters_full", 2))));
    owner.clear("vote").await.unwrap();
    assert_eq!(manager.metrics().voters, 1, "two of them were in this room");
    other_owner.close().await.unwrap();
    assert_eq!(manager.metrics().voters, 0);
    drop(voters);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_of_its_room_and_of_its_secret() {
    let house = House::open(Config::default()).await;
    let ((_one, room), (_two, other_room)) = (house.rust_owner().await, house.rust_owner().await);
    let (_viewer, one) = join(&house, &room, None).await;
    assert_ne!(join(&house, &other_room, Some(&one.key)).await.1.number, one.number, "another room");
    for wrong in ["", "0", &"0".repeat(64), &"9".repeat(2_000), &one.key.to_uppercase(), &one.key[1..]] {
        let (_viewer, other) = join(&house, &room, Some(wrong)).await;
        assert_ne!(other.number, one.number, "{wrong}");
    }
    // Of another number, with the code of this one.
    let digit = if one.key.starts_with('1') { '2' } else { '1' };
    let (_viewer, other) = join(&house, &room, Some(&format!("{digit}{}", &one.key[1..]))).await;
    assert_ne!((other.number, other.number >> 48), (one.number, u64::from(digit.to_digit(16).unwrap())));
    assert_eq!(join(&house, &room, Some(&one.key)).await.1, one);
}

#[cfg(feature = "disk")]
mod kept {
    use super::*;
    use rtbroadcaster::Disk;

    use crate::house::Directory;

    /// Who the viewer is that comes to `room` with the key of `one`, after which the manager is shut down.
    async fn after_a_start(directory: &Directory, config: Config, room: &str, one: &Recognized) -> Recognized {
        let house = directory.house(config).await;
        let (viewer, again) = join(&house, room, Some(&one.key)).await;
        drop(viewer);
        house.manager.shutdown().await;
        again
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_number_outlives_the_process_with_its_directory_and_its_secret() {
        let directory = Directory::new();
        let house = directory.house(Config::default()).await;
        let (owner, room) = house.rust_owner().await;
        let (viewer, one) = join(&house, &room, None).await;
        drop((owner, viewer));
        house.manager.shutdown().await;
        let start = |config| after_a_start(&directory, config, &room, &one);
        assert_eq!(start(Config::default()).await, one);
        // A secret that is given takes the place of the one in the directory, and that one stays.
        let secret = rtbroadcaster::Secret::random(&rtbroadcaster::OsRandom);
        let given = || Config { secret: Some(secret.clone()), ..Config::default() };
        let other = start(given()).await;
        assert_ne!(other.number, one.number);
        assert_eq!(start(Config::default()).await, one);
        assert_eq!(after_a_start(&directory, given(), &room, &other).await, other);
        // A copy of the directory has its secret.
        let copy = Directory::new();
        let copied = std::process::Command::new("cp").arg("-a").arg(&directory.0).arg(&copy.0).status().unwrap();
        assert!(copied.success());
        assert_eq!(after_a_start(&copy, Config::default(), &room, &one).await, one);
        // Without it, viewers are new ones, and one that came meanwhile keeps its number.
        std::fs::remove_file(directory.0.join("secret")).unwrap();
        let new = start(Config::default()).await;
        assert_ne!(new.number, one.number);
        assert_eq!(after_a_start(&directory, Config::default(), &room, &new).await, new);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_secret_that_is_none_keeps_a_directory_shut_and_nothing_is_changed() {
        let directory = Directory::new();
        directory.house(Config::default()).await.manager.shutdown().await;
        let path = directory.0.join("secret");
        let secret = std::fs::read_to_string(&path).unwrap();
        for text in ["", "short", &secret[..63]] {
            std::fs::write(&path, text).unwrap();
            let refused = Manager::open(Config::default(), &Disk::at(&directory.0)).await.err();
            let told = refused.map(|error| error.to_string()).unwrap_or_default();
            assert!(told.contains("secret") && told.contains("64 hexadecimal digits"), "{told}");
            assert!(text.is_empty() || !told.contains(text), "what is in it is nobody's business: {told}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        let given =
            Config { secret: Some(rtbroadcaster::Secret::random(&rtbroadcaster::OsRandom)), ..Config::default() };
        directory.house(given).await.manager.shutdown().await;
        std::fs::write(&path, secret).unwrap();
        directory.house(Config::default()).await.manager.shutdown().await;
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", &path).unwrap();
        let refused = Manager::open(Config::default(), &Disk::at(&directory.0)).await.unwrap_err().to_string();
        assert!(refused.contains("secret is a symbolic link"), "{refused}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn counting_begins_anew_after_a_start_and_each_is_counted_once_again() {
        let directory = Directory::new();
        let house = directory.house(Config::default()).await;
        let (owner, mut signals, room) = poll(&house.manager).await;
        let (id, key) = (owner.room(), owner.key().clone());
        let (mut viewer, one) = join(&house, &room, None).await;
        assert_eq!(say(&mut viewer, "vote", "[1]").await, [""; 0]);
        until_told(&mut signals, &BTreeMap::from([("[1]".to_owned(), 1)])).await;
        drop((owner, viewer));
        house.manager.shutdown().await;
        let house = directory.house(Config::default()).await;
        let owner = house.manager.own(&id, &key).await.unwrap();
        let mut signals = owner.signals();
        assert_eq!(house.manager.metrics().voters, 0);
        for choice in [1, 2, 1] {
            let (mut viewer, again) = join(&house, &room, Some(&one.key)).await;
            assert_eq!(again, one);
            assert_eq!(say(&mut viewer, "vote", &format!("[{choice}]")).await, [""; 0]);
            until_told(&mut signals, &BTreeMap::from([(format!("[{choice}]"), 1)])).await;
        }
    }
}

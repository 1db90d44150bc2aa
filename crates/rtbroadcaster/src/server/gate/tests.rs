//! Tests of the gate.

use super::*;
use std::net::IpAddr;

const NOW: Duration = Duration::from_secs(100);

fn gate(connections_max: Limit, connections_per_address_max: Limit, rate: Limit<u32>) -> Arc<Gate> {
    Gate::new(&Config {
        connections_max,
        connections_per_address_max,
        handshakes_per_address_per_second: rate,
        ..Config::default()
    })
}

fn place(last: u8) -> Option<AddressBlock> {
    Some(AddressBlock::from(IpAddr::from([192, 0, 2, last])))
}

#[test]
fn there_are_so_many_connections_in_all_and_from_one_address() {
    let gate = gate(Limit::Max(3), Limit::Max(2), Limit::None);
    let first = gate.enter(place(1), NOW).unwrap();
    let _second = gate.enter(place(1), NOW).unwrap();
    assert_eq!(gate.enter(place(1), NOW).err(), Some(TooMany), "two from one address");
    let _third = gate.enter(place(2), NOW).unwrap();
    assert_eq!(gate.enter(None, NOW).err(), Some(TooMany), "three in all");
    drop(first);
    assert!(gate.enter(place(1), NOW).is_ok(), "a place is free again");
}

#[test]
fn an_address_looks_for_so_many_rooms_that_do_not_exist() {
    let gate = gate(Limit::None, Limit::None, Limit::None);
    let _open = [1, 2].map(|last| gate.enter(place(last), NOW).unwrap());
    for _ in 0..=20 {
        assert!(gate.may_search(place(1), NOW));
        gate.searched_in_vain(place(1), NOW);
    }
    assert!(!gate.may_search(place(1), NOW));
    assert!(gate.may_search(place(2), NOW) && gate.may_search(None, NOW), "others are not limited");
    assert!(gate.may_search(place(1), NOW + Duration::from_secs(1)));
}

#[test]
fn an_address_opens_so_many_in_a_second() {
    let gate = gate(Limit::None, Limit::None, Limit::Max(10));
    let enter = |at: Duration| gate.enter(place(1), at).is_ok();
    assert_eq!((0..15).filter(|_| enter(NOW)).count(), 10);
    assert_eq!((0..15).filter(|_| enter(NOW + Duration::from_millis(300))).count(), 3);
    assert_eq!((0..15).filter(|_| enter(NOW + Duration::from_secs(60))).count(), 10, "no more than one second brings");
    assert!(gate.enter(place(2), NOW + Duration::from_secs(60)).is_ok(), "another address has its own");
}

#[test]
fn an_address_is_told_so_much_in_a_second_and_remembered_until_it_may_have_all_again() {
    let gate = Gate::new(&Config {
        replay_bytes_per_address_per_second: Limit::Max(1_000),
        handshakes_per_address_per_second: Limit::None,
        ..Config::default()
    });
    let (one, other) = (place(1).unwrap(), place(2).unwrap());
    let after = |seconds: u64| NOW + Duration::from_secs(seconds);
    let slot = gate.enter(Some(one), NOW).unwrap();
    assert!(gate.may_replay(Some(one), NOW));
    drop(gate.replays(Some(one), 15_000, NOW));
    drop(slot);
    assert!(!gate.may_replay(Some(one), after(4)), "what it was told lasts longer than its connection");
    assert!(gate.may_replay(Some(one), after(5)));
    assert!(gate.may_replay(Some(other), NOW), "another address has its own");
    drop(gate.replays(Some(other), usize::MAX, NOW));
    assert!(gate.may_replay(Some(other), NOW), "an address that came by no handshake is not limited");
    let remembers = |now| {
        for number in 0..=u32::try_from(FORGET_ABOVE).unwrap() {
            let place = AddressBlock::from(IpAddr::from(number.to_be_bytes()));
            drop(gate.enter(Some(place), now));
            drop(gate.replays(Some(place), 1, now));
        }
        gate.lock().forget(now);
        gate.lock().places.contains_key(&one)
    };
    assert!(remembers(after(14)));
    assert!(!remembers(after(15)));
}

#[test]
fn what_clients_have_not_taken_bounds_what_more_are_told_at_one_address_and_in_all() {
    let gate = Gate::new(&Config {
        replay_bytes_per_address_per_second: Limit::None,
        replay_bytes_per_address_max: Limit::Max(1_000),
        replay_bytes_max: Limit::Max(2_500),
        ..Config::default()
    });
    let _tickets = [1, 2, 3].map(|last| gate.enter(place(last), NOW).unwrap());
    let (first, second) = (gate.replays(place(1), 600, NOW), gate.replays(place(1), 600, NOW));
    assert!(!gate.may_replay(place(1), NOW), "it has 1 200 bytes to take");
    assert!(gate.may_replay(place(2), NOW) && gate.may_replay(None, NOW));
    drop(first);
    assert!(gate.may_replay(place(1), NOW), "600 are left");
    let _others = [gate.replays(place(2), 900, NOW), gate.replays(None, 1_000, NOW)];
    assert!(!gate.may_replay(place(3), NOW) && !gate.may_replay(None, NOW), "2 500 in all");
    drop(second);
    assert!(gate.may_replay(place(3), NOW));
}

#[test]
fn by_default_an_audience_behind_one_address_joins_at_once_and_joins_of_a_full_state_are_paced() {
    let gate = Gate::new(&Config::default());
    let joins = |place: AddressBlock, bytes: usize, now: Duration| {
        let may = |_: &usize| {
            let may = gate.may_replay(Some(place), now);
            if may {
                drop(gate.replays(Some(place), bytes, now));
            }
            may
        };
        (0..2_000).take_while(may).count()
    };
    let (audience, attacker) = (place(1).unwrap(), place(2).unwrap());
    let _tickets = [audience, attacker].map(|place| gate.enter(Some(place), NOW).unwrap());
    // As many as may connect, and a state of 100 keys.
    let state = 20 * 1024 + 100 * 128;
    assert!(joins(audience, state, NOW) >= Config::default().connections_per_address_max.most());
    let full = Config::default().state_bytes_max.most();
    let saved = usize::try_from(REPLAY_SECONDS).unwrap() * 4;
    assert_eq!(joins(attacker, full, NOW), saved + 1);
    assert_eq!(joins(attacker, full, NOW), 0);
    for second in 1..=100 {
        assert_eq!(joins(attacker, full, NOW + Duration::from_secs(second)), 4, "after {second} s");
    }
}

#[test]
fn addresses_that_are_gone_are_forgotten() {
    let gate = gate(Limit::None, Limit::None, Limit::Max(1));
    for number in 0..10_000_u32 {
        let place = AddressBlock::from(IpAddr::from(number.to_be_bytes()));
        let at = NOW + Duration::from_millis(u64::from(number) * 10);
        drop(gate.enter(Some(place), at));
    }
    assert!(gate.lock().places.len() <= FORGET_ABOVE + 101, "{}", gate.lock().places.len());
    assert_eq!(gate.lock().open, 0);
}

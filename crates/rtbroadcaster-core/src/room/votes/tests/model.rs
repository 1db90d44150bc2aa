//! Two rooms that count against a model that remembers every viewer, with few viewers, few addresses and low limits. A
//! viewer sends signals over any number of connections, leaves and comes back: all that is known of it is its number.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;

use super::*;
use crate::limit::Limit;

/// How many viewers and addresses there are.
const VIEWERS: u64 = 60;
const PLACES: u64 = 7;

/// Something that happens to one of two rooms.
#[derive(Debug, Clone)]
enum Step {
    /// A viewer sends a signal over a connection from an address, which need not be the one of its first.
    Say { from: u64, value: u16, place: Option<u64> },
    /// The owner clears the key.
    Restart,
    /// The room ends, and another one begins.
    End,
    /// The totals that are due are sent to an owner that takes them or not.
    Tell { takes: bool },
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let place = prop::option::weighted(0.9, 0..PLACES);
    let step = prop_oneof![
        40 => (1..=VIEWERS, 0..200_u16, place).prop_map(|(from, value, place)| Step::Say { from, value, place }),
        1 => Just(Step::Restart),
        1 => Just(Step::End),
        4 => prop::bool::ANY.prop_map(|takes| Step::Tell { takes }),
    ];
    (0..2_usize, step)
}

/// The limits, as a manager has them.
#[derive(Debug, Clone)]
struct Limits {
    voters_max: usize,
    viewers: usize,
    connections: usize,
}

fn limits() -> impl Strategy<Value = Limits> {
    // Zero stands for none.
    let few = |most: usize| prop_oneof![3 => 1..most, 1 => Just(0)];
    (few(90), few(40), few(20)).prop_map(|(voters_max, viewers, connections)| Limits {
        voters_max,
        viewers,
        connections,
    })
}

impl Limits {
    /// Whether one more fits beside `there`, whose addresses these are, and `all` in both rooms.
    fn fits(&self, there: &[Option<u64>], all: &[Option<u64>], place: Option<u64>) -> bool {
        let same = |voters: &[Option<u64>]| voters.iter().filter(|other| place.is_some() && **other == place).count();
        let fifth = |limit: usize| limit / 5 + usize::from(!limit.is_multiple_of(5));
        let (key, all_max) = (2 * self.viewers, self.voters_max);
        let present = if self.connections == 0 { self.viewers } else { self.connections.min(self.viewers) };
        let key_fits = self.viewers == 0 || (there.len() < key && same(there) < fifth(key).max(present));
        let all_fits = all_max == 0 || (all.len() < all_max && same(all) < fifth(all_max));
        key_fits && all_fits
    }
}

/// Everything that was said since the counting began.
#[derive(Debug, Default, Clone)]
struct Model {
    /// Of each viewer its choice and the address of its first.
    chosen: BTreeMap<u64, (String, Option<u64>)>,
    /// What nothing replaces, where each signal counts.
    settled: Vec<String>,
    /// The counts that the owner got last.
    last: BTreeMap<String, u64>,
}

impl Model {
    fn counts(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for text in self.chosen.values().map(|(text, _)| text).chain(&self.settled) {
            *counts.entry(text.clone()).or_default() += 1;
        }
        counts
    }

    fn places(&self) -> Vec<Option<u64>> {
        self.chosen.values().map(|(_, place)| *place).collect()
    }
}

/// Takes the steps, of which no more than 128 values are counted at a time, so that all are counted apart.
fn check(once: bool, limits: &Limits, steps: &[(usize, Step)], values: u16) {
    let Limits { voters_max, viewers, connections } = *limits;
    let limit = |max: usize| if max == 0 { Limit::None } else { Limit::Max(max) };
    let config = Config {
        voters_max: limit(voters_max),
        viewers_per_room_max: limit(viewers),
        connections_per_address_max: limit(connections),
        ..Config::default()
    };
    let voters = Voters::new(&config);
    let mut rooms = [votes_of(once, &voters), votes_of(once, &voters)];
    let (mut models, mut now) = ([Model::default(), Model::default()], 0);
    for (room, step) in steps {
        let votes = &mut rooms[*room];
        match step {
            Step::Say { from, value, place } => {
                let text = format!("[{}]", value % values);
                let all: Vec<_> = models.iter().flat_map(Model::places).collect();
                let model = &mut models[*room];
                let fits = !once || model.chosen.contains_key(from) || limits.fits(&model.places(), &all, *place);
                let address = |place: u64| AddressBlock::from(IpAddr::from([192, 0, 2, u8::try_from(place).unwrap()]));
                let from_there = Voter { number: ViewerNumber::of(*from), place: place.map(address) };
                let said = votes.count(&key("k"), &params(&text), from_there, Duration::from_secs(now));
                assert_eq!(said, if fits { Ok(()) } else { Err(CountError::Full) });
                if !once {
                    model.settled.push(text);
                } else if fits {
                    model.chosen.entry(*from).or_insert((String::new(), *place)).0 = text;
                }
            }
            Step::Restart => {
                votes.restart(&key("k"), Duration::from_secs(now));
                let model = &mut models[*room];
                *model = Model { last: std::mem::take(&mut model.last), ..Model::default() };
            }
            Step::End => {
                rooms[*room] = votes_of(once, &voters);
                models[*room] = Model::default();
            }
            Step::Tell { takes } => {
                now += 1;
                tell(votes, &mut models[*room], now, *takes);
            }
        }
        assert_eq!(voters.choices(), models.iter().map(|model| model.chosen.len()).sum::<usize>());
    }
    drop(rooms);
    assert_eq!(voters.choices(), 0, "ended rooms remember no viewer");
}

/// Checks that what is due at the moment `now` is what the model has, and that nothing is due if that was sent.
fn tell(votes: &mut Votes, model: &mut Model, now: u64, takes: bool) {
    let mut total = None;
    votes.tell(Duration::from_secs(now), |signal| {
        total = Some(signal);
        takes
    });
    if let Some(Signal::Counts { counts, other, .. }) = total {
        assert_eq!(other, 0);
        assert!(counts.is_sorted_by(|one, next| one.1 >= next.1), "{counts:?}");
        let counts: BTreeMap<String, u64> = super::texts(counts).collect();
        assert_eq!(counts, model.counts());
        if takes {
            model.last = counts;
        }
    } else if takes {
        assert_eq!(model.last, model.counts(), "what has changed is sent");
    }
}

proptest! {
    #[test]
    fn totals_are_those_of_every_viewer_with_a_place(
        once in prop::bool::weighted(0.8),
        limits in limits(),
        values in 1..=128_u16,
        steps in prop::collection::vec(step(), 0..300),
    ) {
        check(once, &limits, &steps, values);
    }
}

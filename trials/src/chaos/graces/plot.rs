//! When and how each server is stopped, and how long its rooms wait for their owners. Pure.

use std::fmt;
use std::time::Duration;

/// The way in which a server ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerEnd {
    Term,
    Kill,
}

/// The time without a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    Second,
    Minute,
}

impl Pause {
    pub(super) fn time(self) -> Duration {
        Duration::from_secs(match self {
            Self::Second => 1,
            Self::Minute => 60,
        })
    }
}

/// One end of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) way: ServerEnd,
    pub(super) pause: Pause,
}

impl Stop {
    /// Every kind.
    pub(super) const ALL: [Self; 4] = [
        Self { way: ServerEnd::Term, pause: Pause::Second },
        Self { way: ServerEnd::Term, pause: Pause::Minute },
        Self { way: ServerEnd::Kill, pause: Pause::Second },
        Self { way: ServerEnd::Kill, pause: Pause::Minute },
    ];
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match self.way {
            ServerEnd::Term => "SIGTERM",
            ServerEnd::Kill => "SIGKILL",
        };
        write!(f, "{way}, next start after {:>2} s", self.pause.time().as_secs())
    }
}

/// Returns how the servers on directory number `number` of `servers` end, if all servers together end `all` times.
pub(super) fn stops(number: u32, servers: u32, all: u32) -> impl Iterator<Item = Stop> {
    (0..).take_while(move |turn| turn * servers + number < all).map(move |turn| {
        let way = if (turn + number / 2).is_multiple_of(2) { ServerEnd::Term } else { ServerEnd::Kill };
        let pause = if (turn / 2 + number).is_multiple_of(2) { Pause::Second } else { Pause::Minute };
        Stop { way, pause }
    })
}

/// The longest time for which a room here waits for its owner.
const LONGEST_MS: u64 = 300_000;

/// How the servers on one directory treat owners that are away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GracePlan {
    /// The time between two heartbeats, in seconds.
    ping_s: u64,
    /// The grace of rooms that ask for none.
    owner_grace_ms: u64,
}

impl GracePlan {
    /// Returns that of directory number `number`.
    pub(super) fn of(number: u32) -> Self {
        // The lowest bit decides the pauses.
        let ping_s = if (number / 2).is_multiple_of(2) { 25 } else { 1 };
        let is_least = (number / 4).is_multiple_of(2);
        Self { ping_s, owner_grace_ms: if is_least { least_ms(ping_s) } else { LONGEST_MS } }
    }

    pub(super) fn flags(self) -> Vec<String> {
        let Self { ping_s, owner_grace_ms } = self;
        let (ping, grace) = (format!("{ping_s}s"), format!("{}s", owner_grace_ms / 1_000));
        ["--ping-interval", &ping, "--owner-grace", &grace].map(str::to_owned).into()
    }

    /// Returns the grace that each room's owner asks for.
    pub(super) fn wishes(self) -> [Option<u64>; 5] {
        let least = least_ms(self.ping_s);
        [None, Some(least), Some(1), Some(least * 2), Some(LONGEST_MS)]
    }

    /// Returns how long a room waits whose owner asks for `wish`.
    pub(super) fn of_room(self, wish: Option<u64>) -> u64 {
        wish.map_or(self.owner_grace_ms, |wish| wish.max(least_ms(self.ping_s)))
    }
}

/// Returns the shortest grace that is safe: two heartbeats and 5 s.
fn least_ms(ping_s: u64) -> u64 {
    (2 * ping_s + 5) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_stop_comes_as_often_as_the_others_at_each_grace() {
        for (servers, all) in [(20, 200), (20, 60), (7, 7), (20, 80)] {
            let stops: Vec<_> = (0..servers).flat_map(|number| stops(number, servers, all)).collect();
            assert_eq!(stops.len(), all as usize);
        }
        let stops: Vec<_> = (0..20).flat_map(|number| stops(number, 20, 200)).collect();
        for kind in Stop::ALL {
            assert_eq!(stops.iter().filter(|&&stop| stop == kind).count(), 50, "{kind}");
        }
        let graces: Vec<_> = (0..8).step_by(2).map(|number| GracePlan::of(number).of_room(None)).collect();
        assert_eq!(graces, [55_000, 7_000, 300_000, 300_000]);
        assert_eq!(GracePlan::of(2).flags(), ["--ping-interval", "1s", "--owner-grace", "7s"]);
        assert_eq!((GracePlan::of(4).of_room(Some(1)), GracePlan::of(0).of_room(Some(300_000))), (55_000, 300_000));
    }
}

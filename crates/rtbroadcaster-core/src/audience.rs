//! The audience of a room: how many viewers watch it, and how far they are behind, known without a look at each of
//! them.
//! Must not know rooms or notices. Pure: it takes the time as an argument.

use std::collections::BTreeMap;
use std::time::Duration;

/// How long frames wait for a connection before it lags. Any pass over a large room takes up to that.
const LAGGING_AFTER: Duration = Duration::from_millis(100);

/// The resolution of waiting times, in milliseconds: waits that began in the same stretch are counted together.
const STRETCH_MS: u64 = 10;

/// One viewer in twenty may be further behind than [`Audience::behind_p95`].
const FURTHER_BEHIND: usize = 20;

/// The audience of a room at one moment: how many viewers watch it, and how far they are behind.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rtbroadcaster::{Config, Manager};
///
/// let owner = Manager::new(Config::default()).create_room().await?;
/// let audience = owner.audience().borrow().expect("the owner is there");
/// assert_eq!((audience.viewers, audience.lagging), (0, 0));
/// assert!(audience.behind_p95.is_zero(), "no viewer is behind");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audience {
    /// How many viewers watch, paused ones included, each once however many connections it has.
    pub viewers: usize,
    /// How many of their connections have frames that waited for 100 ms or longer, since their sockets take no more.
    pub lagging: usize,
    /// How long the first waiting frame has waited for the connection at the 95th percentile: 95 % are no further
    /// behind. Zero while that connection does not lag. Exact to 10 ms.
    pub behind_p95: Duration,
}

/// The connections for which frames wait, by the time at which their wait began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages {
    /// The number of connections, by the number of the stretch in which their wait began.
    began: BTreeMap<u64, usize>,
}

impl Ages {
    /// Moves one connection: its first frame has waited since `before`, and now since `after`; `None` if none waits.
    pub fn change(&mut self, before: Option<Duration>, after: Option<Duration>) {
        let (before, after) = (before.map(stretch), after.map(stretch));
        if before == after {
            return;
        }
        if let Some(before) = before
            && let Some(count) = self.began.get_mut(&before)
        {
            *count -= 1;
            if *count == 0 {
                self.began.remove(&before);
            }
        }
        if let Some(after) = after {
            *self.began.entry(after).or_default() += 1;
        }
    }

    /// Adds the connections of another lane.
    pub fn add(&mut self, other: &Self) {
        for (began, count) in &other.began {
            *self.began.entry(*began).or_default() += count;
        }
    }

    /// Returns whether no frame waits for any connection.
    pub fn is_empty(&self) -> bool {
        self.began.is_empty()
    }

    /// Returns the audience of so many `viewers` at the moment `now`.
    pub fn of(&self, viewers: usize, now: Duration) -> Audience {
        let age = |began: u64| now.saturating_sub(Duration::from_millis(began * STRETCH_MS));
        let mut further = viewers / FURTHER_BEHIND;
        let mut audience = Audience { viewers, ..Audience::default() };
        let ages = self.began.iter().map(|(began, count)| (age(*began), *count));
        for (age, count) in ages.take_while(|(age, _)| *age >= LAGGING_AFTER) {
            audience.lagging += count;
            if audience.behind_p95.is_zero() && count > further {
                audience.behind_p95 = age;
            }
            further = further.saturating_sub(count);
        }
        audience
    }
}

/// Returns the number of the stretch in which `at` lies.
fn stretch(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX) / STRETCH_MS
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns the same by a look at each viewer. Times are milliseconds since frames wait.
    fn counted(viewers: usize, since: &[Option<u64>], now: u64) -> Audience {
        let age = |since: u64| now - since / STRETCH_MS * STRETCH_MS;
        let mut ages: Vec<u64> = since.iter().map(|since| since.map_or(0, age)).collect();
        ages.resize(viewers, 0);
        ages.sort_unstable();
        let rank = viewers - viewers / 20;
        let p95 = rank.checked_sub(1).map_or(0, |rank| ages[rank]);
        let lagging = ages.iter().filter(|age| **age >= 100).count();
        Audience { viewers, lagging, behind_p95: Duration::from_millis(if p95 >= 100 { p95 } else { 0 }) }
    }

    proptest! {
        #[test]
        fn the_figures_are_those_of_a_walk_over_all_viewers(
            changes in prop::collection::vec((0..60_usize, prop::option::of(0..2_000_u64)), 0..300),
            idle in 0..60_usize,
            lanes in 1..3_usize,
        ) {
            let mut ages = vec![Ages::default(); lanes];
            let mut since = [None; 60];
            for (viewer, at) in changes {
                let millis = |at: Option<u64>| at.map(Duration::from_millis);
                ages[viewer % lanes].change(millis(since[viewer]), millis(at));
                since[viewer] = at;
            }
            let mut all = Ages::default();
            ages.iter().for_each(|ages| all.add(ages));
            let viewers = since.len() + idle;
            prop_assert_eq!(all.of(viewers, Duration::from_millis(2_050)), counted(viewers, &since, 2_050));
            prop_assert_eq!(all.is_empty(), since.iter().all(Option::is_none));
        }
    }

    #[test]
    fn what_waits_for_less_than_a_tenth_of_a_second_is_no_lag() {
        let (mut ages, since) = (Ages::default(), Duration::from_secs(5));
        ages.change(None, Some(since));
        let at = |millis| ages.of(1, since + Duration::from_millis(millis));
        assert_eq!(at(99), Audience { viewers: 1, ..Audience::default() });
        assert_eq!(at(100), Audience { viewers: 1, lagging: 1, behind_p95: Duration::from_millis(100) });
        assert!(!ages.is_empty(), "it may become one");
    }

    #[test]
    fn one_in_twenty_may_be_further_behind() {
        let (mut ages, now) = (Ages::default(), Duration::from_secs(9));
        ages.change(None, Some(Duration::from_secs(1)));
        let at = |viewers| ages.of(viewers, now).behind_p95.as_secs();
        assert_eq!([1, 19, 20, 21].map(at), [8, 8, 0, 0]);
        assert_eq!(ages.of(0, now).lagging, 1, "a viewer that has just left is still counted while frames wait for it");
    }
}

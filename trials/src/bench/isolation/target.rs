//! The promises about viewers that stop reading, and whether they were kept. Pure, and must not know how it is
//! measured.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::Block;
use crate::bench::claim::TargetClaim;
use crate::bench::contender::Contender;
use crate::bench::statistics::{Rounds, Spread, ratios};

/// The most by which stalled viewers may raise the others' p99, as a factor, besides the difference between two blocks
/// without stalls.
const LATENCY: f64 = 1.05;

/// The most memory of a stalled viewer.
const STALLED_BYTES: f64 = 256.0 * 1024.0;

/// The seconds from when its window has closed until a stalled viewer is disconnected: at least the server's stall
/// limit. In classic it may be earlier, because nothing of the backlog can be superseded, and the backlog is full
/// before.
const OUT_SECONDS_MIN: u64 = 10;
const OUT_SECONDS_MAX: u64 = 12;

/// Returns how long after its window has closed a stalled viewer should be disconnected.
pub(super) fn in_time(contender: Contender) -> RangeInclusive<Duration> {
    let from = if contender == Contender::V2 { OUT_SECONDS_MIN } else { 0 };
    Duration::from_secs(from)..=Duration::from_secs(OUT_SECONDS_MAX)
}

/// Returns the targets of a contender. `calm` and `stalled` are the p99 of each pair.
pub(super) fn claims(contender: Contender, calm: &Rounds, stalled: &Rounds, blocks: &[Block]) -> [TargetClaim; 3] {
    let name = contender.name();
    let noise = noise(calm);
    let spread = noise.map_or_else(
        || "of one block without, no spread".into(),
        |noise| format!("two blocks without differ by {:.0} %", 100.0 * noise),
    );
    let range = in_time(contender);
    let (from, until) = (range.start().as_secs(), range.end().as_secs());
    let with_stalls = || blocks.iter().filter(|block| block.stalled > 0);
    // Of all blocks: the memory that the allocator has kept since the first stalled viewers is no base.
    let base = blocks.iter().filter(|block| block.stalled == 0).map(|block| block.stay.rss_peak_bytes).min();
    let bytes = with_stalls().filter_map(|Block { stalled, stay, .. }| {
        Some(stay.rss_peak_bytes.saturating_sub(base?) as f64 / f64::from(*stalled))
    });
    // No block may have any, so it is no median. A block without this figure only leaves open that it has none.
    let untimely: Vec<_> = with_stalls().map(|block| block.stay.untimely).collect();
    let sum: u32 = untimely.iter().flatten().sum();
    let is_known = sum > 0 || !untimely.is_empty() && untimely.iter().all(Option::is_some);
    let untimely = is_known.then(|| f64::from(sum));
    [
        TargetClaim {
            text: format!("{name}: p99 of the others / without stalls ({spread})"),
            at_most: LATENCY + noise.unwrap_or(0.0),
            found: Spread::of(ratios(stalled, calm).into_iter().flatten()),
        },
        TargetClaim {
            text: format!("{name}: the server's resident memory per stalled viewer, bytes"),
            at_most: STALLED_BYTES,
            found: Spread::of(bytes),
        },
        TargetClaim {
            text: format!(
                "{name}: stalled viewers not out {from} to {until} s after their windows closed, in all blocks"
            ),
            at_most: 0.0,
            found: Spread::of(untimely),
        },
    ]
}

/// Returns by how much the greater one of two blocks in a row is greater, by the median; none if there are no two.
fn noise(calm: &Rounds) -> Option<f64> {
    let (before, after) = (&calm[..calm.len().saturating_sub(1)], calm.get(1..).unwrap_or_default());
    let greater = ratios(after, before).into_iter().flatten().map(|ratio| ratio.max(ratio.recip()));
    Spread::of(greater).map(|spread| spread.median - 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::stay::StalledStay;
    use super::*;

    fn block(stalled: u32, rss_peak_bytes: u64, untimely: Option<u32>) -> Block {
        let stay =
            StalledStay { rss_peak_bytes, closed_windows: None, closed_seconds: None, out_seconds: None, untimely };
        Block { contender: Contender::V2, pair: 0, stalled, stay }
    }

    fn claims(blocks: &[Block]) -> [TargetClaim; 3] {
        let (calm, stalled) = (vec![Some(100.0), Some(110.0), None], vec![Some(110.0), Some(132.0), Some(300.0)]);
        super::claims(Contender::V2, &calm, &stalled, blocks)
    }

    #[test]
    fn a_block_is_compared_with_the_one_beside_it_and_may_differ_as_two_without_stalls_do() {
        let [latency, ..] = claims(&[]);
        let found = latency.found.unwrap();
        assert!((found.least - 1.1).abs() < 1e-9 && (found.most - 1.2).abs() < 1e-9, "{found:?}");
        assert!((latency.at_most - 1.15).abs() < 1e-9, "{}", latency.at_most);
        assert!(latency.is_met());
    }

    #[test]
    fn noise_is_the_same_upwards_and_downwards() {
        let noise = |calm: &[Option<f64>]| super::noise(&calm.to_vec());
        assert!(noise(&[Some(100.0), Some(120.0), Some(100.0)]).is_some_and(|noise| (noise - 0.2).abs() < 1e-9));
        assert_eq!((noise(&[Some(100.0)]), noise(&[Some(1.0), None]), noise(&[])), (None, None, None));
    }

    #[test]
    fn memory_is_what_exceeds_the_least_of_the_blocks_without_stalls() {
        let blocks = [block(0, 1_000_000, None), block(2, 1_400_000, Some(0)), block(0, 1_300_000, None)];
        let [_, memory, _] = claims(&blocks);
        assert_eq!(memory.found.map(|found| found.median), Some(200_000.0));
        assert!(memory.is_met());
    }

    #[test]
    fn one_untimely_viewer_in_any_block_misses_and_a_block_that_was_too_short_has_no_figure() {
        let found = |untimely: &[Option<u32>]| {
            let blocks: Vec<_> = untimely.iter().map(|untimely| block(2, 0, *untimely)).collect();
            let [.., stay] = claims(&blocks);
            (stay.found.map(|found| found.most), stay.is_met())
        };
        assert_eq!(found(&[Some(0), Some(0)]), (Some(0.0), true));
        assert_eq!(found(&[Some(0), Some(0), Some(1)]), (Some(1.0), false));
        assert_eq!(found(&[Some(0), None]), (None, false));
        assert_eq!(found(&[Some(1), None]), (Some(1.0), false));
        assert_eq!(found(&[]), (None, false));
    }
}

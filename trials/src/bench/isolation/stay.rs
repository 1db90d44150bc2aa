//! The memory of stalled viewers and the time that they stayed, computed from looks at the server. Pure, and must not
//! know how the server is looked at.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::Serialize;

use crate::bench::statistics::Spread;

/// The server at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glance {
    /// The time since a fixed moment before the block.
    pub(super) at: Duration,
    pub(super) rss_bytes: u64,
    pub(super) files: u64,
    /// The closed windows of all connections of the machine, since a fixed moment before; none if the kernel does not
    /// report them.
    pub(super) closed_windows: Option<u64>,
}

/// The observations of a block.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct StalledStay {
    /// The peak of the server's resident memory.
    pub(super) rss_peak_bytes: u64,
    /// The number of windows that closed, if the kernel reports it. If there are more than stalled viewers, some are
    /// not theirs, and the times are not known.
    pub(super) closed_windows: Option<u64>,
    /// The times from when all connections were open until the windows closed, in seconds: from then on the server
    /// cannot send.
    pub(super) closed_seconds: Option<Spread>,
    /// The times from when a window had closed until the server had closed that connection, in seconds.
    pub(super) out_seconds: Option<Spread>,
    /// The number of stalled viewers that were disconnected too early or too late; none if the block was too short to
    /// see it.
    pub(super) untimely: Option<u32>,
}

impl StalledStay {
    /// Returns the observations of a block with so many stalled viewers, each of which should be disconnected `in_time`
    /// after its window has closed. From outside it cannot be seen which one closed its window or is disconnected, only
    /// how many: the first that closed counts as the first that is disconnected.
    pub(super) fn of(glances: &[Glance], stalled: u32, in_time: &RangeInclusive<Duration>) -> Self {
        let rss_peak_bytes = glances.iter().map(|glance| glance.rss_bytes).max().unwrap_or(0);
        let files_most = glances.iter().map(|glance| glance.files).max().unwrap_or(0);
        let windows = glances.first().and_then(|glance| glance.closed_windows);
        let whole = glances.iter().skip_while(|glance| glance.files < files_most);
        // When all leave, the block is over, and later looks do not count.
        let whole: Vec<_> = whole.take_while(|glance| glance.files + u64::from(stalled) >= files_most).collect();
        let (Some(first), Some(last)) = (whole.first(), whole.last()) else {
            return Self::without_times(rss_peak_bytes, None);
        };
        let closed_windows = last.closed_windows.zip(windows).map(|(last, first)| last.saturating_sub(first));
        if stalled == 0 || closed_windows.is_none_or(|windows| windows > stalled.into()) {
            return Self::without_times(rss_peak_bytes, closed_windows);
        }
        let closed = |count: u64| {
            let windows = windows?.saturating_add(count);
            whole.iter().find(|glance| glance.closed_windows >= Some(windows)).map(|glance| glance.at)
        };
        let out = |count: u64| whole.iter().find(|glance| glance.files + count <= files_most).map(|glance| glance.at);
        let each: Vec<_> = (1..=u64::from(stalled)).map(|count| (closed(count), out(count))).collect();
        let stays = each.iter().filter_map(|(closed, out)| Some(out.as_ref()?.saturating_sub((*closed)?)));
        let is_known = each
            .iter()
            .all(|(closed, out)| closed.is_some_and(|closed| out.is_some() || last.at > closed + *in_time.end()));
        let timely = stays.clone().filter(|stay| in_time.contains(stay)).count();
        let untimely = is_known.then(|| stalled - u32::try_from(timely).expect("no more than there are"));
        Self {
            rss_peak_bytes,
            closed_windows,
            closed_seconds: Spread::of(each.iter().filter_map(|each| Some((each.0? - first.at).as_secs_f64()))),
            out_seconds: Spread::of(stays.map(|stay| stay.as_secs_f64())),
            untimely,
        }
    }

    fn without_times(rss_peak_bytes: u64, closed_windows: Option<u64>) -> Self {
        Self { rss_peak_bytes, closed_windows, closed_seconds: None, out_seconds: None, untimely: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the stay of one glance a second: the numbers of open files and of closed windows.
    fn stay(seen: &[(u64, u64)], stalled: u32) -> StalledStay {
        let in_time = Duration::from_secs(10)..=Duration::from_secs(12);
        let glance = |(at, &(files, closed)): (u64, &(u64, u64))| Glance {
            at: Duration::from_secs(at),
            rss_bytes: 1_000 + files,
            files,
            closed_windows: Some(70 + closed),
        };
        StalledStay::of(&(0..).zip(seen).map(glance).collect::<Vec<_>>(), stalled, &in_time)
    }

    /// Returns glances: connections open within 2 s, the first window closes at 4 s, the second at 5 s, and then
    /// nothing changes for so long.
    fn until(seconds: usize, end: &[(u64, u64)]) -> Vec<(u64, u64)> {
        let mut seen = vec![(3, 0), (6, 0), (12, 0), (12, 0), (12, 1), (12, 2)];
        seen.resize(seconds, (12, 2));
        seen.extend(end);
        seen
    }

    fn spread(least: f64, most: f64) -> Option<Spread> {
        Some(Spread { least, median: f64::midpoint(least, most), most })
    }

    #[test]
    fn a_stalled_viewer_stays_from_its_window_to_the_end_of_its_connection() {
        let stay = stay(&until(15, &[(11, 2), (10, 2), (10, 2), (4, 2), (2, 2)]), 2);
        assert_eq!((stay.closed_seconds, stay.out_seconds), (spread(2.0, 3.0), spread(11.0, 11.0)));
        assert_eq!((stay.untimely, stay.rss_peak_bytes), (Some(0), 1_012));
    }

    #[test]
    fn a_viewer_that_is_out_early_or_late_or_stays_is_untimely() {
        let end = [(10, 2), (10, 2), (2, 2)];
        assert_eq!(stay(&until(13, &end), 2).untimely, Some(2), "9 and 8 s");
        assert_eq!(stay(&until(17, &end), 2).untimely, Some(1), "13 and 12 s");
        assert_eq!(stay(&until(19, &[(2, 2)]), 2).untimely, Some(2), "they stay until all leave");
    }

    #[test]
    fn a_block_that_was_too_short_has_no_figures() {
        assert_eq!(stay(&until(17, &[(2, 2)]), 2).untimely, None, "12 s may not be over");
        assert_eq!(stay(&[(12, 0), (12, 0), (2, 0)], 2).untimely, None, "no window has closed");
        assert_eq!(stay(&[], 2).untimely, None);
    }

    #[test]
    fn windows_of_others_leave_the_times_unknown() {
        let mut seen = until(15, &[(11, 2), (10, 2), (2, 2)]);
        seen[9..].iter_mut().for_each(|(_, closed)| *closed = 3);
        let stay = stay(&seen, 2);
        assert_eq!((stay.closed_windows, stay.closed_seconds, stay.untimely), (Some(3), None, None));
    }

    #[test]
    fn a_block_without_stalls_has_only_memory() {
        let stay = stay(&until(20, &[(2, 2)]), 0);
        assert_eq!((stay.closed_seconds, stay.out_seconds, stay.untimely), (None, None, None));
        assert_eq!(stay.rss_peak_bytes, 1_012);
    }
}

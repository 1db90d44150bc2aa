//! The text format, and the table in docs/metrics.md.

use std::time::Duration;

use rtbroadcaster::{Config, Manager};

use super::table::{MetricKind, MetricRow, SampleValue, Samples};
use super::*;

fn written(row: &MetricRow, samples: &Samples<'_>) -> String {
    let mut text = String::new();
    text::write(&mut text, row, samples);
    text
}

fn row(kind: MetricKind, labels: &'static [&'static str], help: &'static str) -> MetricRow {
    MetricRow { name: "a_metric", kind, labels, help, read: |_| Samples::One(None) }
}

#[test]
fn what_would_end_a_line_or_a_label_is_escaped() {
    let row = row(MetricKind::Counter, &["one", "two"], "a \\ and a\nbreak, but a \" as it is");
    let values = vec!["a\"b".to_owned(), "\\\n".to_owned()];
    let expected = "# HELP a_metric a \\\\ and a\\nbreak, but a \" as it is\n\
                    # TYPE a_metric counter\n\
                    a_metric{one=\"a\\\"b\",two=\"\\\\\\n\"} 7\n";
    assert_eq!(written(&row, &Samples::Each(vec![(values, 7)])), expected);
}

#[test]
fn a_number_is_written_whole_or_in_seconds_and_an_unknown_one_not_at_all() {
    let row = row(MetricKind::Gauge, &[], "help");
    for (value, expected) in [
        (SampleValue::Whole(u64::MAX), "18446744073709551615"),
        (SampleValue::Seconds(0.000_1), "0.0001"),
        (SampleValue::Seconds(1_764_100_000.25), "1764100000.25"),
        (SampleValue::Seconds(3.0), "3"),
    ] {
        let expected = format!("# HELP a_metric help\n# TYPE a_metric gauge\na_metric {expected}\n");
        assert_eq!(written(&row, &Samples::One(Some(value))), expected);
    }
    assert_eq!(written(&row, &Samples::One(None)), "");
}

#[test]
fn buckets_hold_those_below_them_and_the_last_one_all() {
    // Only a manager can make a histogram. This one is empty.
    let mut histogram = Manager::new(Config::default()).metrics().apply_to_written;
    histogram.buckets = vec![(Duration::from_micros(100), 1), (Duration::from_secs(10), 5)];
    (histogram.count, histogram.sum) = (6, Duration::from_millis(61_500));
    let expected = "# HELP a_metric help\n\
                    # TYPE a_metric histogram\n\
                    a_metric_bucket{le=\"0.0001\"} 1\n\
                    a_metric_bucket{le=\"10\"} 5\n\
                    a_metric_bucket{le=\"+Inf\"} 6\n\
                    a_metric_sum 61.5\n\
                    a_metric_count 6\n";
    assert_eq!(written(&row(MetricKind::Histogram, &[], "help"), &Samples::Times(&histogram)), expected);
}

#[test]
fn names_follow_the_rules_of_prometheus() {
    for MetricRow { name, kind, labels, help, .. } in TABLE {
        for word in [*name].iter().chain(*labels) {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word}");
        }
        assert!(name.starts_with("rtbroadcaster_") || name.starts_with("process_"), "{name}");
        assert_eq!(*kind == MetricKind::Counter, name.ends_with("_total"), "{name}");
        assert_eq!(*kind == MetricKind::Histogram, name.ends_with("apply_to_written_seconds"), "{name}");
        assert!(!help.ends_with('.') && !help.contains(['|', '`']), "{name}: {help}");
    }
    let mut names: Vec<_> = TABLE.iter().map(|row| row.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), TABLE.len(), "a name is there once");
}

#[test]
fn every_sample_has_a_value_for_each_of_its_labels() {
    let manager = Manager::new(Config::default()).metrics();
    let process = Process::started_now().stats();
    let numbers = Numbers { manager, http: PlainHttp::default(), process, log_lines_dropped: 0 };
    for row in TABLE {
        match (row.read)(&numbers) {
            Samples::Each(samples) => {
                assert!(!samples.is_empty(), "{}", row.name);
                assert!(samples.iter().all(|(values, _)| values.len() == row.labels.len()), "{}", row.name);
            }
            Samples::One(value) => assert!(row.labels.is_empty() && value.is_some(), "{}", row.name),
            Samples::Times(_) => assert_eq!((row.kind, row.labels.len()), (MetricKind::Histogram, 0)),
        }
    }
}

#[test]
fn docs_metrics_md_has_this_table() {
    let document = include_str!("../../../../docs/metrics.md");
    let all = document.split("\n## ").find(|section| section.starts_with("All metrics")).expect("the section is there");
    let told: Vec<_> = all.lines().filter(|line| line.starts_with("| `")).collect();
    let line = |row: &MetricRow| {
        let labels: Vec<_> = row.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {} | {} | {} |", row.name, row.kind.word(), labels.join(", "), row.help)
    };
    let table: Vec<_> = TABLE.iter().map(line).collect();
    assert_eq!(told, table, "copy this into docs/metrics.md:\n{}\n", table.join("\n"));
}

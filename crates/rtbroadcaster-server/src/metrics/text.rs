//! Metrics in the text format 0.0.4 of Prometheus ("Exposition formats", text-based format).
//! Must not know which metrics there are.

use std::fmt::{self, Display, Write};

use rtbroadcaster::Histogram;

use super::table::{MetricRow, SampleValue, Samples};

/// Appends one metric. Appends nothing if it has no sample.
pub(super) fn write(text: &mut String, row: &MetricRow, samples: &Samples<'_>) {
    if matches!(samples, Samples::One(None)) {
        return;
    }
    let (name, kind, help) = (row.name, row.kind.word(), Escaped { text: row.help, quoted: false });
    line(text, format_args!("# HELP {name} {help}"));
    line(text, format_args!("# TYPE {name} {kind}"));
    match samples {
        Samples::One(value) => value.iter().for_each(|value| line(text, format_args!("{name} {value}"))),
        Samples::Each(samples) => {
            for (values, count) in samples {
                let labels = Labels { names: row.labels, values };
                line(text, format_args!("{name}{labels} {count}"));
            }
        }
        Samples::Times(Histogram { buckets, count, sum, .. }) => {
            for (bound, upto) in buckets {
                line(text, format_args!("{name}_bucket{{le=\"{}\"}} {upto}", bound.as_secs_f64()));
            }
            line(text, format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
            line(text, format_args!("{name}_sum {}", sum.as_secs_f64()));
            line(text, format_args!("{name}_count {count}"));
        }
    }
}

fn line(text: &mut String, line: fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}

impl Display for SampleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SampleValue::Whole(number) => number.fmt(f),
            SampleValue::Seconds(number) => number.fmt(f),
        }
    }
}

/// The labels of one sample, in braces.
struct Labels<'a> {
    names: &'a [&'static str],
    values: &'a [String],
}

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.names.iter().zip(self.values).enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            write!(f, "{before}{name}=\"{}\"", Escaped { text: value, quoted: true })?;
        }
        f.write_str("}")
    }
}

/// Text with the characters escaped that would end its line or, between quotes, the text itself.
struct Escaped<'a> {
    text: &'a str,
    quoted: bool,
}

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.chars().try_for_each(|sign| match sign {
            '\\' => f.write_str("\\\\"),
            '\n' => f.write_str("\\n"),
            '"' if self.quoted => f.write_str("\\\""),
            sign => f.write_char(sign),
        })
    }
}

//! The load generator's figures of one run. Must not know which server was measured.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::overload;

/// The greatest share of its core that the load generator may use.
const BUSY: f64 = 0.8;

/// A figure that is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Metric {
    /// The server's CPU time, in nanoseconds.
    CpuPerDelivery,
    /// From the moment at which a message was due until a viewer has it, in microseconds.
    P99,
    /// The server's CPU time, in microseconds.
    CpuPerJoin,
    /// How much more memory the server holds with all viewers than without.
    BytesPerViewer,
    /// The server's memory with all viewers.
    BytesInAll,
    /// The server's memory with its rooms and their owners.
    BytesWithoutViewers,
    /// Under overload: the p99 of the age of state values, in passes.
    StateAge,
    /// Under overload: how much more memory the server holds at most than with all viewers at rest.
    MemoryGrowth,
    /// Under overload: the number of events that must not happen.
    Faults,
}

impl Metric {
    /// Returns its name and its unit.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::CpuPerDelivery => "CPU per delivery, ns",
            Self::P99 => "p99 latency, us",
            Self::CpuPerJoin => "CPU per join, us",
            Self::BytesPerViewer => "memory per viewer, bytes",
            Self::BytesInAll => "memory with all viewers, KiB",
            Self::BytesWithoutViewers => "memory without viewers, KiB",
            Self::StateAge => "p99 age of state values, passes",
            Self::MemoryGrowth => "most memory beyond that at rest, KiB",
            Self::Faults => "faults",
        }
    }

    /// Returns whether its ratio to the floor's figure means something.
    pub(super) fn is_compared(self) -> bool {
        matches!(self, Self::CpuPerDelivery | Self::P99 | Self::CpuPerJoin)
    }

    /// Returns its path in the load generator's JSON.
    fn path(self) -> &'static str {
        match self {
            Self::CpuPerDelivery => "/server_cpu_ns_per_delivery",
            Self::P99 => "/latency_us/p99",
            Self::CpuPerJoin => "/server_cpu_us_per_join",
            Self::BytesPerViewer => "/bytes_per_viewer",
            Self::BytesInAll => "/server_rss_bytes/joined",
            Self::BytesWithoutViewers => "/server_rss_bytes/before",
            Self::StateAge => "/overload/state_age_passes",
            Self::MemoryGrowth => "/overload/rss_growth_bytes",
            Self::Faults => "/overload/faults",
        }
    }

    /// Returns the figure in the unit of the title.
    pub(super) fn shown(self, figure: f64) -> String {
        match self {
            Self::BytesInAll | Self::BytesWithoutViewers | Self::MemoryGrowth => format!("{:.0}", figure / 1024.0),
            Self::StateAge => format!("{figure:.2}"),
            Self::CpuPerJoin => format!("{figure:.1}"),
            Self::CpuPerDelivery | Self::P99 | Self::BytesPerViewer | Self::Faults => format!("{figure:.0}"),
        }
    }
}

/// The load generator's whole output.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub(super) struct Figures(Value);

impl From<Value> for Figures {
    fn from(told: Value) -> Self {
        Self(told)
    }
}

impl Figures {
    /// Returns a figure, if it was measured and is not void.
    pub(super) fn get(&self, metric: Metric) -> Option<f64> {
        if metric == Metric::P99 && self.is_void() { None } else { self.number(metric.path()) }
    }

    /// Returns whether the load generator was the slow part: then latency and throughput are its own.
    pub(super) fn is_void(&self) -> bool {
        self.0.get("void").and_then(Value::as_bool).unwrap_or(false) || self.generator() > BUSY
    }

    /// Returns the share of its core that the load generator used; all its threads share it.
    fn generator(&self) -> f64 {
        let threads = self.0.get("generator_threads").and_then(Value::as_array);
        threads.into_iter().flatten().filter_map(|thread| thread.get("cpu")?.as_f64()).sum()
    }

    /// Returns what must not happen in any run: a viewer that did not get every message once and in order, or was
    /// closed. The messages here cannot be superseded.
    pub(super) fn flaws(&self) -> Option<String> {
        let superseded = self.number("/superseded").map(|count| ("superseded".to_owned(), count));
        let flaws = superseded.into_iter().chain(self.wrongs()).filter(|(_, count)| *count > 0.0);
        let flaws: Vec<String> = flaws.map(|(what, count)| format!("{count} {what}")).collect();
        (!flaws.is_empty()).then(|| flaws.join(", "))
    }

    /// Returns the number of such events where state values may be superseded.
    pub(super) fn faults(&self) -> f64 {
        self.wrongs().map(|(_, count)| count).sum()
    }

    /// Returns each kind of error, whatever was published, and its number.
    fn wrongs(&self) -> impl Iterator<Item = (String, f64)> {
        let names = ["lost", "repeated", "out_of_order", "unknown"].into_iter();
        let counts = names.filter_map(|name| Some((name.replace('_', " "), self.number(&format!("/{name}"))?)));
        let closes = self.0.get("closes").and_then(Value::as_object).into_iter().flatten();
        counts.chain(closes.filter_map(|(code, count)| Some((format!("closed with {code}"), count.as_f64()?))))
    }

    /// Adds a figure that was computed from them.
    pub(super) fn add(&mut self, name: &str, value: Value) {
        self.0[name] = value;
    }

    pub(super) fn number(&self, path: &str) -> Option<f64> {
        self.0.pointer(path)?.as_f64()
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = Vec::new();
        let mut tell = |path: &str, text: &dyn Fn(f64) -> String| told.extend(self.number(path).map(text));
        tell("/server_cpu_ns_per_delivery", &|ns| format!("{ns:.0} ns per delivery"));
        tell("/deliveries_per_second", &|rate| format!("{rate:.0} deliveries/s"));
        tell("/latency_us/p50", &|us| format!("p50 {us:.0} us"));
        tell("/latency_us/p99", &|us| format!("p99 {us:.0} us"));
        tell("/server_cpu_us_per_join", &|us| format!("{us:.1} us per join"));
        tell("/bytes_per_viewer", &|bytes| format!("{bytes:.0} bytes per viewer"));
        tell("/server_waited_share", &|share| format!("server without a core {:.0} %", 100.0 * share));
        if let Some(count) = self.number("/unsaid").filter(|count| *count > 0.0) {
            told.push(format!("{count} messages that were due not taken in time"));
        }
        told.extend(overload::rate_line(self));
        if self.generator() > 0.0 {
            told.push(format!("generator {:.0} %", 100.0 * self.generator()));
        }
        if self.is_void() {
            told.push("latency and throughput void".into());
        }
        f.write_str(&told.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_are_found_where_the_load_generator_writes_them() {
        let told = json!({
            "server_cpu_ns_per_delivery": 7_000.5, "latency_us": { "p99": 900 }, "server_cpu_us_per_join": 27.25,
            "server_rss_bytes": { "before": 1_024, "joined": 2_048 }, "bytes_per_viewer": 900, "void": false,
        });
        let figures = Figures::from(told);
        for (metric, figure, shown) in [
            (Metric::CpuPerDelivery, 7_000.5, "7000"),
            (Metric::P99, 900.0, "900"),
            (Metric::CpuPerJoin, 27.25, "27.2"),
            (Metric::BytesPerViewer, 900.0, "900"),
            (Metric::BytesInAll, 2_048.0, "2"),
            (Metric::BytesWithoutViewers, 1_024.0, "1"),
        ] {
            assert_eq!(figures.get(metric), Some(figure), "{metric:?}");
            assert_eq!(metric.shown(figure), shown, "{metric:?}");
        }
        assert_eq!(Figures::from(json!({ "bytes_per_viewer": null })).get(Metric::BytesPerViewer), None);
    }

    #[test]
    fn a_run_whose_generator_was_slow_has_a_cost_and_no_latency() {
        let threads = |one: f64, other: f64| json!([{ "name": "a", "cpu": one }, { "cpu": other, "waited": 0.1 }]);
        for (void, threads, is_void) in [
            (json!(null), json!(null), false),
            (json!(false), threads(0.5, 0.2), false),
            (json!(true), threads(0.5, 0.2), true),
            (json!(false), threads(0.5, 0.4), true),
        ] {
            let told = json!({
                "void": void, "generator_threads": threads, "latency_us": { "p99": 5 }, "server_cpu_ns_per_delivery": 6,
            });
            let figures = Figures::from(told);
            assert_eq!(figures.get(Metric::P99).is_none(), is_void, "{figures}");
            assert_eq!(figures.get(Metric::CpuPerDelivery), Some(6.0), "{figures}");
        }
    }

    #[test]
    fn a_lost_or_repeated_message_and_a_closed_viewer_are_flaws() {
        let good = json!({ "lost": 0, "repeated": 0, "out_of_order": 0, "unknown": 0, "closes": {} });
        assert_eq!(Figures::from(good).flaws(), None);
        let flaws = Figures::from(json!({ "lost": 2, "out_of_order": 1, "closes": { "4008": 3 } })).flaws();
        assert_eq!(flaws.as_deref(), Some("2 lost, 1 out of order, 3 closed with 4008"));
        let superseded = Figures::from(json!({ "superseded": 4, "lost": 0, "closes": {} }));
        assert_eq!(superseded.flaws().as_deref(), Some("4 superseded"), "an event has no newer one");
        assert_eq!(superseded.faults(), 0.0, "a state value has");
    }
}

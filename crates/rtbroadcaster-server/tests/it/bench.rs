//! The load generator, as a process: against this server, and against others that do well or badly.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::relay;
use crate::server::{Server, program};
use crate::terminal::Terminal;

/// How long a run may take: a second of messages, what comes before and after, and a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// All clients come from one address.
const NO_LIMITS: [&str; 4] = ["--connections-per-address-max", "none", "--handshakes-per-address-per-second", "none"];

/// The end of a run and its output.
struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

async fn bench(url: &str, arguments: &str) -> Run {
    bench_by(program(), url, arguments).await
}

async fn bench_by(mut command: Command, url: &str, arguments: &str) -> Run {
    command.arg("bench").arg(url).args(arguments.split_whitespace()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output()).await.expect("the run ends").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn server() -> Server {
    Server::started_by(&mut program(), &NO_LIMITS).await
}

#[tokio::test]
async fn a_run_against_this_server_loses_nothing_and_tells_what_it_cost() {
    let server = server().await;
    for (arguments, viewers, messages) in [
        ("--protocol classic --viewers 40 --window 4 --seconds 1 --warmup 0", 40, None),
        ("--protocol v2 --viewers 40 --rooms 4 --rate 20 --seconds 1 --warmup 1", 40, Some(160)),
        ("--protocol v2 --viewers 9 --kind state --rate 100 --seconds 1 --warmup 0", 9, Some(100)),
        ("--protocol classic --viewers 20 --stalled 0.5 --threads 2 --seconds 1 --warmup 0 --size 64", 20, None),
    ] {
        let run = bench(&server.url, &format!("{arguments} --json --pid {}", server.pid())).await;
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments}: {}", run.stdout);
        let report = run.json();
        for field in ["lost", "repeated", "out_of_order", "unknown", "unsaid"] {
            assert_eq!(report[field], 0, "{arguments}: {field}");
        }
        assert_eq!((&report["viewers"], &report["closes"]), (&json!(viewers), &json!({})), "{arguments}");
        assert!(messages.is_none_or(|messages| report["messages"] == messages), "{arguments}: {report}");
        let all = report["deliveries"].as_u64().unwrap() + report["superseded"].as_u64().unwrap();
        assert_eq!(report["expected"], all, "{arguments}");
        for field in [
            "/seconds",
            "/deliveries",
            "/deliveries_per_second",
            "/latency_us/p50",
            "/latency_us/p99",
            "/latency_us/p999",
            "/latency_us/max",
            "/joins_per_second",
            "/join_us/p50",
            "/server_cpu_ns_per_delivery",
            "/server_cpu_us_per_join",
            "/server_cpu_share",
            "/server_rss_bytes/before",
            "/server_rss_bytes/joined",
            "/server_rss_bytes/max",
            "/server_rss_bytes/end",
            "/generator_cpu_share",
            "/generator_threads/0/cpu",
        ] {
            let value = report.pointer(field).and_then(Value::as_f64);
            assert!(value.is_some_and(|value| value > 0.0), "{arguments}: {field} in {report}");
        }
        assert!(report["bytes_per_viewer"].is_number() && report["void"].is_boolean(), "{report}");
    }
}

#[tokio::test]
async fn a_mixed_run_loses_no_event_and_no_last_value_and_tells_their_ages_apart() {
    let server = server().await;
    for (arguments, messages) in [
        ("--protocol classic --viewers 20 --rate 500", Some(500)),
        ("--protocol v2 --viewers 20 --rooms 2 --rate 200", Some(400)),
        // Far more than is sent one by one.
        ("--protocol v2 --viewers 100 --rate 20000", None),
        ("--protocol v2 --viewers 20 --window 100", None),
    ] {
        let arguments = format!("{arguments} --kind mixed --seconds 1 --warmup 0");
        let run = bench(&server.url, &format!("{arguments} --json")).await;
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{arguments}: {}", run.stdout);
        let report = run.json();
        assert!(messages.is_none_or(|messages| report["messages"] == messages), "{arguments}: {report}");
        let all = report["deliveries"].as_u64().unwrap() + report["superseded"].as_u64().unwrap();
        assert_eq!(report["expected"], all, "{arguments}");
        for field in ["/state_age_us/p50", "/state_age_us/p99", "/event_age_us/p999", "/event_age_us/max"] {
            assert!(report.pointer(field).unwrap().as_f64().unwrap() > 0.0, "{arguments}: {field} in {report}");
        }
    }
    let run = bench(&server.url, "--viewers 5 --kind mixed --rate 100 --seconds 1 --warmup 0").await;
    assert!(
        run.stdout.contains("\nstate age     p50 ") && run.stdout.contains("\nevent age     p50 "),
        "{}",
        run.stdout
    );
    let report = bench(&server.url, "--viewers 5 --kind state --rate 100 --seconds 1 --warmup 0 --json").await.json();
    assert_eq!((&report["state_age_us"], &report["event_age_us"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn without_a_process_its_costs_are_unknown_and_the_table_says_so() {
    let server = server().await;
    let report = bench(&server.url, "--viewers 5 --rate 10 --seconds 1 --warmup 0 --json").await.json();
    for field in
        ["window", "server_cpu_ns_per_delivery", "server_cpu_us_per_join", "server_rss_bytes", "bytes_per_viewer"]
    {
        assert_eq!(report.get(field), Some(&Value::Null), "{field}");
    }
    assert_eq!((&report["rate"], &report["protocol"]), (&json!(10.0), &json!("classic")));
    let run = bench(&server.url, "--viewers 5 --rate 10 --seconds 1 --warmup 0").await;
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for line in ["deliveries    50 of 50 expected", "faults        none", "latency       p50 ", "--pid"] {
        assert!(run.stdout.contains(line), "`{line}` in\n{}", run.stdout);
    }
}

#[tokio::test]
async fn a_join_storm_counts_joins_and_says_nothing() {
    let server = server().await;
    for protocol in ["classic", "v2"] {
        let arguments =
            format!("--protocol {protocol} --viewers 10 --joins 200 --rooms 2 --json --pid {}", server.pid());
        let run = bench(&server.url, &arguments).await;
        let report = run.json();
        assert_eq!((run.code, &report["joins"], &report["messages"]), (Some(0), &json!(200), &json!(0)), "{report}");
        assert_eq!(report["deliveries_per_second"], Value::Null);
        for field in ["/joins_per_second", "/join_us/p50", "/join_us/max", "/server_cpu_us_per_join"] {
            assert!(report.pointer(field).unwrap().as_f64().unwrap() > 0.0, "{field} in {report}");
        }
    }
}

#[tokio::test]
async fn a_relay_is_measured_and_what_it_does_wrong_is_found() {
    fn once(_: &str) -> usize {
        1
    }
    fn dropping(text: &str) -> usize {
        usize::from(!text.contains("0000000003"))
    }
    fn repeating(text: &str) -> usize {
        1 + usize::from(text.contains("0000000003"))
    }
    for (copies, pace, expected) in [
        (once as relay::Copies, "--window 3", (0, 0, Some(0))),
        (once, "--rate 20", (0, 0, Some(0))),
        (dropping, "--rate 20", (1, 0, Some(1))),
        (dropping, "--window 1", (1, 0, Some(1))),
        (repeating, "--rate 20", (0, 1, Some(1))),
    ] {
        let url = format!("ws://{}/", relay::start(copies).await);
        let arguments = format!("--protocol relay --viewers 8 {pace} --seconds 1 --warmup 0 --json");
        let run = bench(&url, &arguments).await;
        let report = run.json();
        let found = (report["lost"].as_u64().unwrap(), report["repeated"].as_u64().unwrap(), run.code);
        assert_eq!(found, expected, "{pace}: {report}");
    }
}

/// How long the relay stands still.
const STANDSTILL: Duration = Duration::from_millis(1_400);

#[tokio::test]
async fn what_was_due_while_a_server_stood_still_is_late_even_where_it_could_not_be_said() {
    fn standing_still(text: &str) -> usize {
        if text.contains("0000000003\"") {
            // The relay's only thread.
            std::thread::sleep(STANDSTILL);
        }
        1
    }
    let url = format!("ws://{}/", relay::start(standing_still).await);
    // Two thirds are due during the standstill, several times what the kernel takes meanwhile.
    let arguments = "--protocol relay --viewers 1 --rate 100 --size 60000 --seconds 2 --warmup 0 --json";
    let run = bench(&url, arguments).await;
    let report = run.json();
    assert_eq!((run.code, &report["lost"]), (Some(0), &json!(0)), "{report}");
    let millis = |name: &str| report["latency_us"][name].as_f64().unwrap() / 1_000.0;
    // One of the first messages was due when it began.
    assert!(millis("max") >= 1_300.0, "{report}");
    assert!(millis("p99") >= 1_000.0, "{report}");
    // From when they were written most would have taken no time.
    assert!(millis("p50") >= 200.0, "{report}");
}

#[tokio::test]
async fn on_a_terminal_a_bar_shows_how_far_it_is_and_is_gone_when_the_table_comes() {
    let server = server().await;
    let arguments = "bench URL --viewers 5 --rate 10 --seconds 1 --warmup 0".replace("URL", &server.url);
    let mut terminal = Terminal::start(&arguments.split(' ').collect::<Vec<_>>());
    let begun = terminal.shows("seconds ").await;
    assert!(!begun.contains("plan  "), "{begun:?}");
    let (code, screen) = terminal.end().await;
    assert_eq!(code, Some(0), "{screen}");
    let (before, table) = screen.split_once("plan  ").unwrap_or_else(|| panic!("{screen:?}"));
    let (_, after_bar) = before.rsplit_once("seconds ").unwrap_or_else(|| panic!("{screen:?}"));
    // The cursor is back at the left of an empty line.
    assert!(after_bar.ends_with("\r\u{1b}[2K"), "{screen:?}");
    assert!(table.contains("\r\nlatency       p50 ") && !table.contains('\u{1b}'), "{screen:?}");
}

#[tokio::test]
async fn an_error_has_advice() {
    let server = Server::start().await;
    let relay = format!("ws://{}/", relay::start(|_| 1).await);
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("ws://{}/", listener.local_addr().unwrap())
    };
    let small = Server::started_by(&mut program(), &[&NO_LIMITS[..], &["--viewers-per-room-max", "3"]].concat()).await;
    let elsewhere = format!("ws://{}/elsewhere", server.address);
    let pid = format!("--pid {}", u32::MAX);
    for (url, arguments, code, why) in [
        (&nobody, "", 1, "no server listens on"),
        (
            &server.url,
            "--viewers 500",
            1,
            "--connections-per-address-max none --handshakes-per-address-per-second none",
        ),
        (&elsewhere, "", 1, "no such path"),
        (&small.url, "--viewers 4", 1, "--viewers-per-room-max"),
        (&small.url, "--protocol v2 --viewers 4", 1, "--viewers-per-room-max"),
        (&small.url, "--viewers 1 --size 100000", 1, "--message-bytes-max"),
        (&relay, "--protocol v2 --viewers 1", 1, "speaks no version 2"),
        (&small.url, "--protocol relay --viewers 1", 1, "Is --protocol right?"),
        (&relay, pid.as_str(), 2, "no such process"),
        (&relay, "--window 1 --rate 1", 2, "cannot be used with"),
        (&relay, "--protocol relay --rooms 2", 2, "--rooms must be 1"),
    ] {
        let run = bench(url, arguments).await;
        assert_eq!((run.code, run.stdout.as_str()), (Some(code), ""), "{url} {arguments}: {}", run.stderr);
        assert!(run.stderr.contains(why), "{url} {arguments}: {}", run.stderr);
    }
}

#[tokio::test]
async fn too_few_files_are_an_error_before_the_first_connection() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 100; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rtbroadcaster")]);
    let run = bench_by(shell, "ws://127.0.0.1:1/", "--viewers 100").await;
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""));
    let expected = "rtbroadcaster: this needs 149 open files, and a process may have 100: \
                    fewer --viewers or --joins, or more with `ulimit -n` (hard limit: `ulimit -Hn`)\n";
    assert_eq!(run.stderr, expected);
}

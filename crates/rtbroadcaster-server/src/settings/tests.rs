//! Settings from every source, and every error.

use super::*;
use range::Lifted;
use value::Shape;

impl Settings {
    /// The defaults with one value given by a flag.
    pub(crate) fn with(key: &str, text: &str) -> Result<Self, SettingsError> {
        let given = Given { key: key.into(), text: text.into(), location: Location::Flag(key.into()) };
        let mut examined = Examined::from_given(vec![given], Vec::new());
        if examined.problems.is_empty() { Ok(examined.settings) } else { Err(examined.problems.remove(0)) }
    }
}

fn flags(arguments: &[&str]) -> Flags {
    use clap::{Args, Command, FromArgMatches};
    let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
    Flags::from_arg_matches(&command.try_get_matches_from(arguments).unwrap()).unwrap()
}

/// Examines the file `show.toml` with this text, these variables and these arguments.
fn examine(file: Option<&str>, variables: &[(&str, &str)], arguments: &[&str]) -> Examined {
    let mut problems = Vec::new();
    let variables = variables.iter().map(|(name, text)| (OsString::from(name), OsString::from(text)));
    let variables = Variables::of(variables, &mut problems);
    let file = file.map_or_else(Vec::new, |text| file::parse(Path::new("show.toml"), text, &mut problems));
    Examined::of_sources(file, variables, &flags(arguments), problems)
}

fn load(file: Option<&str>, variables: &[(&str, &str)], arguments: &[&str]) -> Result<Settings, SettingsError> {
    let mut examined = examine(file, variables, arguments);
    if examined.problems.is_empty() { Ok(examined.settings) } else { Err(examined.problems.remove(0)) }
}

#[test]
fn each_source_wins_over_the_one_before() {
    let grace = |file, variables: &[(&str, &str)], arguments: &[&str]| {
        load(file, variables, arguments).unwrap().config.owner_grace.most().as_secs()
    };
    let file = Some("owner_grace = \"61s\"");
    let variable = &[("RTB_OWNER_GRACE", "62s")];
    let flag = &["--owner-grace", "63s"];
    assert_eq!(grace(None, &[], &[]), 300);
    assert_eq!(grace(file, &[], &[]), 61);
    assert_eq!(grace(file, variable, &[]), 62);
    assert_eq!(grace(file, variable, flag), 63);
    assert_eq!(grace(None, variable, &[]), 62);
    assert_eq!(grace(None, &[], flag), 63);
}

/// A value other than the default that the key takes.
fn other(key: &SettingKey) -> &'static str {
    match key.name {
        "listen" => "127.0.0.2:9",
        "admin_listen" => "127.0.0.3:9",
        "ack" => "disk",
        "path" => "/other",
        "log" => "debug",
        "log_format" => "json",
        "nats" => "nats://a:4222",
        "nats_monitor" => "http://a:8222",
        "nats_namespace" => "other",
        "nats_replicas" => "5",
        "allow_origin" => "https://a.test",
        "public_url" => "https://b.test",
        "allow_host" => "c.test",
        "trusted_proxies" => "10.0.0.0/8",
        "owner_grace" | "owner_grace_max" => "6m",
        "accept_data_loss" => "0123abcd",
        "connections_per_address_max" => "999",
        _ if key.shape == value::Shape::Number => "99999",
        _ if key.shape == value::Shape::Switch => "true",
        _ => "7s",
    }
}

#[test]
fn every_key_is_taken_from_every_source_and_shown_as_it_is_taken() {
    for key in keys::KEYS {
        let text = other(key);
        let quoted = match key.shape {
            value::Shape::Number | value::Shape::Switch => text.to_owned(),
            value::Shape::Text => format!("{text:?}"),
            value::Shape::List => format!("[{text:?}]"),
        };
        // Other settings without which it contradicts a default.
        let needs: &[&str] = match key.name {
            "proxy_protocol" => &["--trusted-proxies", "10.0.0.0/8"],
            "ack" | "accept_data_loss" | "data_bytes_max" => &["--data-dir", "rooms"],
            "data_bytes_per_address_max" => &["--data-dir", "rooms"],
            "nats" => &["--secret-file", "secret"],
            "nats_memory" | "nats_credentials" | "nats_ca" | "nats_monitor" | "nats_system_credentials" => {
                &["--nats", "a:4222", "--secret-file", "secret"]
            }
            "require_durable" => {
                &["--nats", "a:4222", "--secret-file", "secret", "--nats-system-credentials", "system.creds"]
            }
            _ => Default::default(),
        };
        let file = load(Some(&format!("{} = {quoted}", key.name)), &[], needs).unwrap();
        let name = format!("RTB_{}", key.name.to_uppercase());
        let variable = load(None, &[(&name, text)], needs).unwrap();
        let flag = load(None, &[], &[&[&*format!("--{}", key.flag()), text], needs].concat()).unwrap();
        for (source, settings) in [("file", &file), ("variable", &variable), ("flag", &flag)] {
            assert_eq!((key.show)(settings), quoted, "{} from a {source}", key.name);
            assert_ne!((key.show)(settings), (key.show)(&Settings::default()), "{} is not its default", key.name);
        }
    }
}

#[test]
fn a_list_may_be_repeated_or_separated_by_commas() {
    let count = |variables: &[(&str, &str)], arguments: &[&str]| {
        load(None, variables, arguments).unwrap().config.allow_origins.len()
    };
    assert_eq!(count(&[], &["--allow-origin", "https://a.test", "--allow-origin", "https://b.test"]), 2);
    assert_eq!(count(&[("RTB_ALLOW_ORIGIN", "https://a.test, https://b.test")], &[]), 2);
    assert_eq!(load(Some("allow_origin = [\"https://a.test\"]"), &[], &[]).unwrap().config.allow_origins.len(), 1);
}

#[test]
fn a_switch_alone_is_on() {
    let is_on = |arguments: &[&str]| load(None, &[], arguments).unwrap().proxy_protocol;
    assert!(is_on(&["--proxy-protocol", "--trusted-proxies", "10.0.0.0/8,fd00::1"]));
    assert!(is_on(&["--trusted-proxies", "10.0.0.0/8", "--proxy-protocol"]));
    assert!(is_on(&["--trusted-proxies", "10.0.0.0/8", "--proxy-protocol=true"]));
    assert!(!is_on(&["--proxy-protocol", "false"]));
    assert!(!is_on(&[]));
}

#[test]
fn none_lifts_every_limit_and_0_lifts_none() {
    let mut numbers = 0;
    for key in keys::KEYS.iter().filter(|key| key.range.lifted() == Lifted::ByNone) {
        let lifted = Settings::with(key.name, "none");
        assert!(lifted.is_ok_and(|settings| (key.show)(&settings) == "\"none\""), "{}", key.name);
        let is_signals = key.name.starts_with("signals_per_");
        numbers += usize::from(key.shape == Shape::Number);
        for zero in if key.shape == Shape::Number { &["0"][..] } else { &["0", "0s", "0ms"] } {
            let told = Settings::with(key.name, zero).map(|settings| (key.show)(&settings));
            match told.map_err(|error| error.to_string()) {
                Ok(shown) => assert!(is_signals && shown == "0", "{} took {zero}", key.name),
                Err(told) => assert!(!is_signals && told.ends_with("; `none` lifts the limit"), "{told}"),
            }
        }
    }
    assert!(numbers > 10, "{numbers}");
}

#[test]
fn a_limit_is_lifted_in_every_source() {
    let settings = load(
        Some("owner_grace = \"none\"\ndata_bytes_per_address_max = \"none\"\nrooms_max = \"none\""),
        &[("RTB_OWNER_GRACE_MAX", "none")],
        &["--data-bytes-max", "none"],
    );
    let config = settings.unwrap().config;
    assert!(config.owner_grace.is_none() && config.owner_grace_max.is_none() && config.rooms_max.is_none());
    assert!(config.data_bytes_max.is_none() && config.data_bytes_per_address_max.is_none());
    assert!(load(None, &[], &["--ping-interval", "none", "--owner-grace", "1s"]).is_ok(), "nothing is safe anyway");
    assert!(load(None, &[], &["--ping-interval", "1s", "--owner-grace", "7s"]).is_ok());
    assert!(load(None, &[], &[]).unwrap().config.flush_interval.is_none());
    let signals = load(Some("signals_per_room_per_second = 0"), &[], &["--signals-per-viewer-per-second", "0"]);
    let config = signals.unwrap().config;
    assert_eq!(
        (config.signals_per_viewer_per_second, config.signals_per_room_per_second),
        (Limit::Max(0), Limit::Max(0))
    );
}

#[test]
fn a_number_may_be_written_in_every_way_that_toml_knows() {
    for number in ["70000", "70_000", "+70000", "0x1_1170", "0o210560", "0b1_0001_0001_0111_0000"] {
        let settings = load(Some(&format!("message_bytes_max = {number}")), &[], &[]);
        assert_eq!(settings.unwrap().config.message_bytes_max, Limit::Max(70_000), "{number}");
    }
    for number in ["-1", "0xffff_ffff_ffff_ffff_f", "1e3"] {
        assert!(load(Some(&format!("message_bytes_max = {number}")), &[], &[]).is_err(), "{number}");
    }
}

#[test]
fn an_error_names_its_place_and_what_was_probably_meant() {
    type Case<'a> = (Option<&'a str>, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str);
    let cases: &[Case<'_>] = &[
        (
            Some("\n\nowner_grase = \"1s\""),
            &[],
            &[],
            "show.toml:3: unknown key `owner_grase`, did you mean `owner_grace`?",
        ),
        (Some("colour = 1"), &[], &[], "show.toml:1: unknown key `colour`"),
        (Some("[rooms]\nrooms_max = 1"), &[], &[], "show.toml:1: unknown key `rooms`, did you mean `rooms_max`?"),
        (
            Some("rooms_max = \"1\""),
            &[],
            &[],
            "show.toml:1: `rooms_max` cannot be `\"1\"`: expected a number without quotes, or \"none\"",
        ),
        (
            Some("rooms_max = -1"),
            &[],
            &[],
            "show.toml:1: `rooms_max` cannot be `-1`: expected a whole number, 1 to 1000000000, or none",
        ),
        (
            Some("owner_grace = 30"),
            &[],
            &[],
            "show.toml:1: `owner_grace` cannot be `30`: expected a text in quotes, such as \"5m\"",
        ),
        (
            Some("owner_grace = 0"),
            &[],
            &[],
            "show.toml:1: `owner_grace` cannot be `0`: 0 would be no time at all; `none` lifts the limit",
        ),
        (
            Some("owner_grace = \"54s\""),
            &[],
            &[],
            "owner_grace (show.toml:1) and ping_interval (default) contradict each other: a room may end before its owner",
        ),
        (
            Some("data_bytes_max = \"1\""),
            &[],
            &[],
            "show.toml:1: `data_bytes_max` cannot be `\"1\"`: expected a number without quotes, or \"none\"",
        ),
        (
            None,
            &[("RTB_DATA_BYTES_MAX", "0")],
            &[],
            "variable RTB_DATA_BYTES_MAX: `data_bytes_max` cannot be `0`: 0 would allow nothing; `none` lifts",
        ),
        (Some("[server]\nlisten = \"\""), &[], &[], "show.toml:1: unknown key `server`"),
        (
            None,
            &[],
            &["--rooms-max", "-1"],
            "--rooms-max: `rooms_max` cannot be `-1`: expected a whole number, 1 to 1000000000, or none",
        ),
        (
            Some("allow_origin = [1]"),
            &[],
            &[],
            "show.toml:1: `allow_origin` cannot be `[1]`: expected an array of texts, [\"…\", \"…\"]",
        ),
        (Some("log = \"info\"\nlog = \"info\""), &[], &[], "show.toml:2: duplicate key"),
        (Some("log ="), &[], &[], "show.toml:1: "),
        (
            None,
            &[("RTB_FLUSH_INTERVAL", "18446744073709551615s")],
            &[],
            "variable RTB_FLUSH_INTERVAL: `flush_interval` cannot be `18446744073709551615s`: expected a duration such as \
             250ms, 10s or 5m, 1ms to 10s, or none",
        ),
        (
            None,
            &[("RTB_OWNER_GRACE", "soon")],
            &[],
            "variable RTB_OWNER_GRACE: `owner_grace` cannot be `soon`: expected a duration such as 250ms, 10s or 5m, 1ms to 100years, or none",
        ),
        (
            None,
            &[],
            &["--listen", "8080"],
            "--listen: `listen` cannot be `8080`: expected an IP address or a host name",
        ),
        (Some("listen = []"), &[], &[], "show.toml:1: `listen` cannot be ``: expected an IP address or a host name"),
        (
            None,
            &[],
            &["--listen", "0.0.0.0:80", "--listen", "127.0.0.1:80"],
            "listen (--listen) and listen (--listen) contradict each other: an address that is listed twice, also by",
        ),
        (
            None,
            &[("PORT", "tcp://10.0.0.1:80")],
            &[],
            "variable PORT: `listen` cannot be `tcp://10.0.0.1:80`: expected a port, 0",
        ),
        (None, &[("PORT", "")], &[], "variable PORT: `listen` cannot be ``: expected a port, 0 to 65535"),
        (None, &[("PORT", "65536")], &[], "variable PORT: `listen` cannot be `65536`: expected a port, 0 to 65535"),
        (
            None,
            &[("PORT", "80")],
            &["--admin-listen", "127.0.0.1:80"],
            "admin_listen (--admin-listen) and listen (variable PORT) contradict each other",
        ),
        (
            None,
            &[("RTB_LISTEN", "127.0.0.1:9000")],
            &["--admin-listen", "127.0.0.1:9000"],
            "admin_listen (--admin-listen) and listen (variable RTB_LISTEN) contradict each other: metrics have an address",
        ),
        (None, &[], &["--path", "x"], "--path: `path` cannot be `x`: a path begins with '/'"),
        (None, &[], &["--path", "/healthz"], "--path: `path` cannot be `/healthz`: this path is the server's own"),
        (
            None,
            &[],
            &["--allow-origin", "null"],
            "--allow-origin: `allow_origin` cannot be `null`: an origin is a scheme, a host, perhaps a port, and nothing else",
        ),
        (
            None,
            &[],
            &["--public-url", "capacitor://localhost"],
            "--public-url: `public_url` cannot be `capacitor://localhost`: expected http:// or https://",
        ),
        (None, &[], &["--log", "inof"], "--log: `log` cannot be `inof`: `inof` is no level: write error, warn, info,"),
        (
            None,
            &[],
            &["--log", "info,rtbroadcastr=debug"],
            "--log: `log` cannot be `info,rtbroadcastr=debug`: nothing is logged as `rtbroadcastr`",
        ),
        (
            Some("ping_interval = \"13days\""),
            &[],
            &[],
            "show.toml:1: `ping_interval` cannot be `13days`: expected a duration such as 250ms, 10s or 5m, 100ms to 12days",
        ),
        (
            None,
            &[],
            &["--keep-alive-timeout", "0"],
            "--keep-alive-timeout: `keep_alive_timeout` cannot be `0`: expected a duration such as 250ms, 10s or 5m, 1s to 1h",
        ),
        (
            None,
            &[],
            &["--data-bytes-max", "5"],
            "data_bytes_max (--data-bytes-max) and data_dir (default) contradict each other: without a directory no bytes",
        ),
        (
            None,
            &[],
            &["--accept-data-loss", "yes"],
            "--accept-data-loss: `accept_data_loss` cannot be `yes`: expected the word of a data loss, 8 hexadecimal digits",
        ),
        (
            None,
            &[("RTB_OWNER_GRACE", "none")],
            &["--owner-grace-max", "10s"],
            "owner_grace_max (--owner-grace-max) and ping_interval (default) contradict each other: a room whose creator",
        ),
        (
            None,
            &[("RTB_FLUSH_INTERVAL", "3s")],
            &["--ping-interval", "2s"],
            "ping_interval (--ping-interval) and flush_interval (variable RTB_FLUSH_INTERVAL) contradict each other",
        ),
        (
            None,
            &[("RTB_CONNECTIONS_MAX", "5")],
            &["--connections-per-address-max", "6"],
            "connections_max (variable RTB_CONNECTIONS_MAX) and connections_per_address_max",
        ),
        (
            None,
            &[],
            &["--allow-host", "https://a.test"],
            "--allow-host: `allow_host` cannot be `https://a.test`: expected a host name",
        ),
        (
            None,
            &[("RTB_TRUSTED_PROXIES", "10.0.0.1, 10.1.2.3/8")],
            &[],
            "variable RTB_TRUSTED_PROXIES: `trusted_proxies` cannot be `10.0.0.1, 10.1.2.3/8`: this is an address of the network 10.0.0.0/8",
        ),
        (
            Some("proxy_protocol = \"yes\""),
            &[],
            &[],
            "show.toml:1: `proxy_protocol` cannot be `\"yes\"`: expected true or false without quotes",
        ),
        (
            None,
            &[],
            &["--proxy-protocol", "on"],
            "--proxy-protocol: `proxy_protocol` cannot be `on`: expected true or false",
        ),
        (
            None,
            &[],
            &["--proxy-protocol"],
            "proxy_protocol (--proxy-protocol) and trusted_proxies (default) contradict each other",
        ),
        (
            None,
            &[],
            &["--ack", "disk"],
            "ack (--ack) and data_dir (default) contradict each other: without a directory",
        ),
        (None, &[], &["--log-format", "xml"], "--log-format: `log_format` cannot be `xml`: expected text or json"),
        (
            Some("join_timeout = \"1s\""),
            &[("RTB_FIRST_MESSAGE_TIMEOUT", "2s")],
            &[],
            "join_timeout (show.toml:1) and first_message_timeout (variable RTB_FIRST_MESSAGE_TIMEOUT) contradict each other",
        ),
        (
            None,
            &[],
            &["--message-bytes-max", "300000"],
            "backlog_bytes_max (default) and message_bytes_max (--message-bytes-max) contradict",
        ),
        (
            None,
            &[],
            &["--state-bytes-max", "1000"],
            "state_bytes_max (--state-bytes-max) and message_bytes_max (default) contradict",
        ),
        (
            None,
            &[("RTB_ROOMS_MAX", "5")],
            &["--rooms-per-address-max", "6"],
            "rooms_max (variable RTB_ROOMS_MAX) and rooms_per_address_max (--rooms-per-address-max)",
        ),
    ];
    for (file, variables, arguments, expected) in cases {
        let error = load(*file, variables, arguments).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}\nis not\n{expected}");
    }
}

#[test]
fn all_problems_are_listed_and_contradictions_only_of_valid_values() {
    let told = |file, variables: &[(&str, &str)], arguments: &[&str]| {
        examine(file, variables, arguments).problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let problems = told(
        Some("colour = 1\nrooms_max = \"1\"\njoin_timeout = \"1s\""),
        &[("RTB_PATH", "x")],
        &["--log", "inof", "--ack", "disk"],
    );
    let locations = ["show.toml:1: unknown key", "show.toml:2: `rooms_max`", "variable RTB_PATH:", "--log: `log`"];
    assert_eq!(problems.len(), locations.len(), "{problems:?}");
    for location in locations {
        assert!(problems.iter().any(|problem| problem.starts_with(location)), "{location}: {problems:?}");
    }
    let problems = told(Some("join_timeout = \"1s\""), &[], &["--ack", "disk"]);
    assert_eq!(problems.len(), 2, "{problems:?}");
    let problems = told(Some("log = "), &[], &["--ack", "raid"]);
    assert_eq!(
        problems.len(),
        2,
        "a file that is no TOML has no keys, and the other sources are checked: {problems:?}"
    );
}

#[test]
fn variables_that_are_no_settings_are_warned_of() {
    let warnings = |variables: &[(&str, &str)]| examine(None, variables, &[]).warnings;
    let kubernetes = [
        ("RTB_SERVICE_HOST", "10.0.0.1"),
        ("RTB_SERVICE_PORT_HTTP", "8080"),
        ("RTB_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("RTB_PORT", "tcp://10.0.0.1:8080"),
    ];
    assert_eq!(load(None, &kubernetes, &[]).unwrap().listen, Settings::default().listen);
    let expected = "variables that are no settings are ignored: RTB_PORT, RTB_PORT_8080_TCP_ADDR, RTB_SERVICE_HOST, \
         RTB_SERVICE_PORT_HTTP; the address to listen on is RTB_LISTEN";
    assert_eq!(warnings(&kubernetes), [expected]);
    let expected = "variables that are no settings are ignored: RTB_COLOUR, RTB_OWNER_GRASE (did you mean \
         RTB_OWNER_GRACE?), RTB_listen (did you mean RTB_LISTEN?)";
    assert_eq!(warnings(&[("RTB_OWNER_GRASE", "1s"), ("RTB_COLOUR", "red"), ("RTB_listen", "x")]), [expected]);
    assert!(warnings(&[("RTB_OWNER_GRACE", "2m"), ("PATH", "/bin"), ("XRTB_A", "b")]).is_empty());
}

#[test]
fn a_setting_that_changes_nothing_is_warned_of() {
    let warnings = |arguments: &[&str]| examine(None, &[], arguments).warnings.len();
    assert_eq!(warnings(&["--allow-host", "a.test"]), 0);
    assert_eq!(warnings(&["--allow-host", "a.test", "--listen", "0.0.0.0:80,127.0.0.1:81"]), 0);
    assert_eq!(warnings(&["--allow-host", "a.test", "--listen", "0.0.0.0:80", "--admin-listen", "localhost:81"]), 0);
    assert_eq!(warnings(&["--allow-host", "a.test", "--listen", "0.0.0.0:80"]), 1);
}

#[cfg(unix)]
#[test]
fn a_variable_of_a_setting_that_is_no_text_is_an_error() {
    use std::os::unix::ffi::OsStringExt;
    let not_text = || OsString::from_vec(b"/srv/\xff".to_vec());
    let variables = [(OsString::from("RTB_DATA_DIR"), not_text()), (OsString::from("RTB_OTHER"), not_text())];
    let examined = Examined::of(&Flags::default(), variables);
    let problems: Vec<_> = examined.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["variable RTB_DATA_DIR: `data_dir` cannot be `/srv/\u{fffd}`: expected a text in UTF-8"]);
}

#[test]
fn a_file_without_an_end_is_no_configuration() {
    let examined = Examined::of(&flags(&["--config", "/dev/zero"]), []);
    let problems: Vec<_> = examined.problems.iter().map(ToString::to_string).collect();
    assert_eq!(problems, ["cannot read the configuration /dev/zero: it has more than 1048576 bytes"]);
}

#[test]
fn a_platforms_port_counts_where_nothing_else_says_where_to_listen() {
    let listen = |file, variables: &[(&str, &str)], arguments: &[&str]| {
        let listen = load(file, variables, arguments).unwrap().listen;
        listen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listen(None, &[("PORT", "3000")], &[]), "0.0.0.0:3000");
    assert_eq!(listen(Some("listen = \"127.0.0.1:1\""), &[("PORT", "3000")], &[]), "127.0.0.1:1");
    assert_eq!(listen(None, &[("PORT", "tcp"), ("RTB_LISTEN", "127.0.0.1:2")], &[]), "127.0.0.1:2");
    assert_eq!(listen(None, &[("PORT", "3000")], &["--listen", "localhost:3"]), "localhost:3");
    assert_eq!(
        listen(None, &[], &["--listen", "127.0.0.1:1", "--listen", "[::1]:2,a.test:3"]),
        "127.0.0.1:1 [::1]:2 a.test:3"
    );
}

#[test]
fn every_number_and_every_time_has_a_range_that_its_default_is_in() {
    for key in keys::KEYS {
        let is_bounded = matches!(key.range, range::Range::Number(..) | range::Range::Time(..));
        assert_eq!(is_bounded, key.shape == value::Shape::Number || key.placeholder == "TIME", "{}", key.name);
        let default = (key.show)(&Settings::default());
        let text = default.trim_matches(['"', '[', ']']);
        assert!(text.is_empty() || Settings::with(key.name, text).is_ok(), "{} = {text}", key.name);
        assert!(key.help().contains(&key.range.to_string()), "{}", key.help());
    }
}

#[test]
fn the_settings_in_force_are_printed_as_a_file_with_their_places() {
    let file = "# A comment.\nhistory_age_max = \"7m\"\nrooms_max = 5";
    let examined = examine(Some(file), &[("RTB_ROOMS_MAX", "6"), ("PORT", "3000")], &["--data-dir", "a\"\\\u{7f}\nb"]);
    let text = examined.to_string();
    for line in [
        "listen = [\"0.0.0.0:3000\"]  # variable PORT",
        "history_age_max = \"7m\"  # show.toml:2",
        "rooms_max = 6  # variable RTB_ROOMS_MAX",
        "data_dir = \"a\\\"\\\\\\u007F\\nb\"  # --data-dir",
        "# admin_listen is not set",
        "owner_grace = \"5m\"",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    let again = load(Some(&text), &[], &[]).unwrap();
    for key in keys::KEYS {
        assert_eq!((key.show)(&again), (key.show)(&examined.settings), "{}", key.name);
    }
}

#[test]
fn a_limit_for_all_below_the_default_for_one_is_no_contradiction() {
    assert_eq!(load(None, &[], &["--rooms-max", "5"]).unwrap().config.rooms_max, Limit::Max(5));
}

#[test]
fn the_printed_defaults_are_a_file_that_changes_nothing() {
    let text = print_defaults();
    let settings = load(Some(&text), &[], &[]).unwrap();
    for key in keys::KEYS {
        assert_eq!((key.show)(&settings), (key.show)(&Settings::default()), "{}", key.name);
        assert!(text.contains(&format!("{} = ", key.name)), "{}", key.name);
    }
}

#[test]
fn an_error_repeats_no_password() {
    for key in ["nats", "public_url"] {
        let url = format!("{}://me:hunter2@here", if key == "nats" { "nats" } else { "https" });
        let told = Settings::with(key, &format!("{url},{url}")).unwrap_err().to_string();
        assert!(!told.contains("hunter2") && told.contains("…@here"), "{told}");
    }
}

//! Finds settings that contradict each other, and settings without an effect.
//! Must not know where values come from, only how to name their locations.

use rtbroadcaster::{Ack, Config, Limit};

use super::{Locations, Settings, SettingsError};

/// Two keys, and why their values contradict each other if they do.
type Case = (bool, (&'static str, &'static str), &'static str);

/// Returns all contradictions of the settings.
pub(super) fn of(settings: &Settings, locations: &Locations) -> Vec<SettingsError> {
    let cases =
        [addresses(settings), directory(settings), cluster(settings), times(&settings.config), sizes(&settings.config)];
    let contradictions = cases.into_iter().flatten().filter(|(contradicts, ..)| *contradicts);
    contradictions
        .map(|(_, (first, second), message)| {
            let (first_location, second_location) = (locations.of(first), locations.of(second));
            SettingsError::Contradiction { first, first_location, second, second_location, message }
        })
        .collect()
}

/// Returns a warning for each setting without an effect.
pub(super) fn without_effect(settings: &Settings) -> Vec<String> {
    let mut listen = settings.listen.iter().chain(&settings.admin_listen);
    let mut warnings = Vec::new();
    if !settings.allow_hosts.is_empty() && listen.all(|address| address.is_for_the_network()) {
        warnings.push("allow_host has no effect: only a server on a loopback address checks host names".to_owned());
    }
    if settings.secret_file.is_some() && settings.data_dir.is_none() && settings.nats.is_none() {
        warnings.push(
            "secret_file has no effect: without data_dir rooms and the keys of their viewers end with the server"
                .to_owned(),
        );
    }
    warnings
}

/// Returns whether both are limits, and the first is below the second.
fn is_below<T: Ord + Copy>(smaller: Limit<T>, greater: Limit<T>) -> bool {
    !greater.is_none() && smaller < greater
}

/// Returns whether the limit of one address is above that of all. A default for one address does not count: a smaller
/// limit for all is valid with it.
fn is_wished_above<T: Ord + Copy>(one: Limit<T>, default: Limit<T>, all: Limit<T>) -> bool {
    one != default && is_below(all, one)
}

fn addresses(settings: &Settings) -> Vec<Case> {
    let Settings { listen, admin_listen, .. } = settings;
    let twice = listen.iter().enumerate().any(|(at, one)| listen[..at].iter().any(|other| one.collides_with(other)));
    let admin = admin_listen.as_ref().is_some_and(|admin| listen.iter().any(|address| address.collides_with(admin)));
    vec![
        (
            twice,
            ("listen", "listen"),
            "an address that is listed twice, also by 0.0.0.0 or [::], cannot be bound twice",
        ),
        (admin, ("admin_listen", "listen"), "metrics have an address of their own"),
        (
            settings.proxy_protocol && settings.trusted_proxies.is_empty(),
            ("proxy_protocol", "trusted_proxies"),
            "only trusted proxies may send PROXY headers, so nobody could connect",
        ),
    ]
}

fn directory(settings: &Settings) -> Vec<Case> {
    let (is_none, config, default) = (settings.data_dir.is_none(), &settings.config, Config::default());
    let is_limit = |bytes: Limit<u64>, default| !bytes.is_none() && bytes != default;
    let counts = "without a directory no bytes are kept";
    vec![
        (is_none && settings.ack == Ack::Disk, ("ack", "data_dir"), "without a directory nothing is on a disk"),
        (
            is_none && settings.accept_data_loss.is_some(),
            ("accept_data_loss", "data_dir"),
            "without a directory nothing can be missing",
        ),
        (is_none && is_limit(config.data_bytes_max, default.data_bytes_max), ("data_bytes_max", "data_dir"), counts),
        (
            is_none && is_limit(config.data_bytes_per_address_max, default.data_bytes_per_address_max),
            ("data_bytes_per_address_max", "data_dir"),
            counts,
        ),
    ]
}

fn cluster(settings: &Settings) -> Vec<Case> {
    let (is_cluster, alone) = (settings.nats.is_some(), "only the servers of nats have it");
    vec![
        (
            is_cluster && settings.data_dir.is_some(),
            ("nats", "data_dir"),
            "rooms are kept in one place: in NATS, or in a directory",
        ),
        (
            is_cluster && settings.secret_file.is_none(),
            ("nats", "secret_file"),
            "servers with different secrets would count one viewer several times",
        ),
        (!matches!(settings.nats_replicas, 1 | 3 | 5), ("nats_replicas", "nats"), "a majority needs 1, 3 or 5"),
        (!is_cluster && settings.nats_memory, ("nats_memory", "nats"), alone),
        (!is_cluster && settings.nats_credentials.is_some(), ("nats_credentials", "nats"), alone),
        (!is_cluster && settings.nats_ca.is_some(), ("nats_ca", "nats"), alone),
        (!is_cluster && settings.nats_monitor.is_some(), ("nats_monitor", "nats"), alone),
        (!is_cluster && settings.nats_system_credentials.is_some(), ("nats_system_credentials", "nats"), alone),
        (!is_cluster && settings.require_durable, ("require_durable", "nats"), alone),
        (settings.require_durable && settings.nats_memory, ("require_durable", "nats_memory"), "memory is no disk"),
        (
            settings.require_durable && settings.nats_replicas < 3,
            ("require_durable", "nats_replicas"),
            "one server may be lost as a whole",
        ),
        (
            settings.require_durable && settings.nats_monitor.is_none() && settings.nats_system_credentials.is_none(),
            ("require_durable", "nats_monitor"),
            "nothing else tells how the NATS servers sync, unless it is nats_system_credentials",
        ),
    ]
}

fn times(config: &Config) -> Vec<Case> {
    vec![
        (
            is_below(config.owner_grace, Limit::Max(config.least_safe_grace())),
            ("owner_grace", "ping_interval"),
            "a room may end before its owner can have noticed that its connection is lost; the least is two ping_interval \
             and 5 s",
        ),
        (
            is_below(config.owner_grace_max, config.owner_grace),
            ("owner_grace_max", "owner_grace"),
            "a creator could not even request the default grace",
        ),
        (
            is_below(config.owner_grace_max, Limit::Max(config.least_safe_grace())),
            ("owner_grace_max", "ping_interval"),
            "a room whose creator requests a grace waits for at least two ping_interval and 5 s",
        ),
        (
            is_below(config.ping_interval, config.flush_interval),
            ("ping_interval", "flush_interval"),
            "messages are sent with the next ping at the latest",
        ),
        (
            is_below(config.join_timeout, config.first_message_timeout),
            ("join_timeout", "first_message_timeout"),
            "a client has a room only after its first message",
        ),
    ]
}

fn sizes(config: &Config) -> Vec<Case> {
    let default = Config::default();
    vec![
        (
            is_below(config.backlog_bytes_max, config.message_bytes_max),
            ("backlog_bytes_max", "message_bytes_max"),
            "one message could exceed the backlog of a viewer",
        ),
        (
            is_below(config.state_bytes_max, config.message_bytes_max),
            ("state_bytes_max", "message_bytes_max"),
            "one message could exceed the state of a room",
        ),
        (
            is_wished_above(config.rooms_per_address_max, default.rooms_per_address_max, config.rooms_max),
            ("rooms_max", "rooms_per_address_max"),
            "one address could have more rooms than all addresses together",
        ),
        (
            is_wished_above(
                config.connections_per_address_max,
                default.connections_per_address_max,
                config.connections_max,
            ),
            ("connections_max", "connections_per_address_max"),
            "one address could have more connections than all addresses together",
        ),
        (
            is_wished_above(
                config.data_bytes_per_address_max,
                default.data_bytes_per_address_max,
                config.data_bytes_max,
            ),
            ("data_bytes_max", "data_bytes_per_address_max"),
            "the rooms of one address could keep more than all rooms may",
        ),
    ]
}

//! The stream that holds the log: its settings, and what they promise.
//! Must not know what is stored in it.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::CreateStreamErrorKind;
use async_nats::jetstream::stream::{Config as StreamConfig, DiscardPolicy, PersistenceMode, Republish, StorageType};
use async_nats::jetstream::{self, ErrorCode};
use bytes::Bytes;
use rtbroadcaster_core::config::Config;
use serde::Deserialize;

use super::checkpoints::PART_BYTES;
use super::error::{NAMESPACE_MAX, NatsError};
use super::proof::{Sources, Unproven};
use super::subjects::Subjects;
use super::{ANSWER, Nats, feed};

/// The oldest NATS server that keeps what this program needs.
const OLDEST: [u64; 3] = [2, 12, 8];

/// The most entries of one room. Checkpoints are written long before.
const ENTRIES_MAX: i64 = 4_096;

/// The most bytes of an entry before its last message, and of what stands around its messages.
const ENTRY_BYTES: usize = 320 * 1024;
/// The longest message for which servers are asked, where messages have no limit.
const MESSAGE_MAX: usize = 64 * 1024 * 1024;

/// What an acknowledged message survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// The end of each of our nodes; not that of the NATS servers: the log is in memory, or on one server only.
    ClusterMemory,
    /// Also the end of all NATS processes at once, as long as their machines run. The sudden end of machines may lose
    /// the last two minutes, unless the servers sync each write.
    Cluster,
    /// Also the sudden end of all machines: each server has been proven to sync each write.
    ClusterDisk,
}

impl Durability {
    /// Returns the word that the log and the documentation have for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ClusterMemory => "cluster-memory",
            Self::Cluster => "cluster",
            Self::ClusterDisk => "cluster-disk",
        }
    }
}

/// The settings of the stream.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    config: StreamConfig,
    /// The bytes of the longest message.
    payload: usize,
    sources: Sources,
    requires_durable: bool,
}

/// The part of a stream's description that tells the time of its server.
#[derive(Deserialize)]
struct Described {
    ts: Option<String>,
    created: Option<String>,
}

impl Settings {
    pub(super) fn of(nats: &Nats, config: &Config) -> Result<Self, NatsError> {
        let namespace = &nats.namespace;
        let is_known = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || b"_-".contains(&letter);
        if namespace.is_empty() || namespace.len() > NAMESPACE_MAX || !namespace.bytes().all(is_known) {
            return Err(NatsError::Namespace(namespace.clone()));
        }
        let subjects = Subjects::of(namespace);
        let (source, destination) = subjects.republish();
        // A room whose owner is away may still be owned for so long.
        let max_age = 2 * config.owner_grace_max.max().unwrap_or(DAY) + DAY;
        let payload = (ENTRY_BYTES + config.message_bytes_max.most().min(MESSAGE_MAX)).max(PART_BYTES + 4_096);
        let config = StreamConfig {
            name: format!("RB_{namespace}"),
            description: Some("Rooms of rtbroadcaster. Its settings are checked at each start.".into()),
            subjects: subjects.all(),
            republish: Some(Republish { source, destination, headers_only: false }),
            max_messages_per_subject: ENTRIES_MAX,
            max_age,
            discard: DiscardPolicy::New,
            storage: if nats.is_in_memory { StorageType::Memory } else { StorageType::File },
            num_replicas: nats.replicas,
            allow_direct: true,
            allow_rollup: true,
            allow_message_ttl: true,
            // Messages have no ids of NATS: entries are told apart by their places.
            duplicate_window: Duration::from_secs(1),
            ..StreamConfig::default()
        };
        let sources = Sources {
            monitors: nats.monitors.clone(),
            system: nats.system_credentials.clone(),
            urls: nats.urls.clone(),
            certificates: nats.certificates.clone(),
            stays_with_urls: nats.stays_with_urls,
        };
        Ok(Self { config, payload, sources, requires_durable: nats.requires_durable })
    }

    /// Returns the name of the stream.
    pub(super) fn stream(&self) -> &str {
        &self.config.name
    }

    /// Makes the stream if there is none, and checks it, as often as that takes.
    pub(super) async fn ensure_until_done(&self, client: &Client) {
        while let Err(error) = self.ensure(client).await {
            if !error.is_temporary() {
                tracing::error!(error = %super::chain(&error), "the log in NATS cannot be used");
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Makes the stream if there is none, and checks it. Returns the time of its server, since 1970.
    pub(super) async fn ensure(&self, client: &Client) -> Result<Duration, NatsError> {
        let deadline = tokio::time::Instant::now() + ANSWER;
        let server = loop {
            if let Some(server) = client.try_server_info() {
                break server;
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(NatsError::Unreachable);
            }
            tokio::time::sleep(LOOK).await;
        };
        if !is_new_enough(&server.version) {
            return Err(NatsError::TooOld(server.version));
        }
        if server.max_payload < self.payload {
            return Err(NatsError::Payload { max_payload: server.max_payload, needed: self.payload });
        }
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER);
        let refused = |why: String| NatsError::Stream { stream: self.config.name.clone(), why };
        let stream = context.get_or_create_stream(self.config.clone()).await.map_err(|error| match error.kind() {
            CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStreamUnavailable => NatsError::Unreachable,
            // Servers that have only just started.
            CreateStreamErrorKind::JetStream(error)
                if matches!(error.error_code(), ErrorCode::CLUSTER_NOT_AVAILABLE | ErrorCode::CLUSTER_NOT_LEADER) =>
            {
                NatsError::Unreachable
            }
            _ => refused(error.to_string()),
        })?;
        let found = &stream.cached_info().config;
        self.check(found)?;
        let subject = format!("$JS.API.STREAM.INFO.{}", self.config.name);
        let answer = client.request(subject, Bytes::new()).await.map_err(|_| NatsError::Unreachable)?;
        let Described { ts, created } =
            serde_json::from_slice(&answer.payload).map_err(|error| refused(error.to_string()))?;
        let now =
            ts.or(created).and_then(|text| feed::moment(&text)).ok_or_else(|| refused("it tells no time".into()))?;
        let cluster = stream.cached_info().cluster.as_ref();
        let peers = cluster.map(|cluster| cluster.replicas.iter().map(|peer| peer.name.clone()).collect());
        let leader = cluster.and_then(|cluster| cluster.leader.clone()).unwrap_or(server.server_name);
        let mut servers: Vec<String> = peers.unwrap_or_default();
        servers.push(leader);
        let durability = self.durability(found, &servers).await?;
        tracing::info!(durability = durability.word(), stream = self.stream(), "rooms are in NATS");
        Ok(now)
    }

    /// Returns what an acknowledged message survives, in the stream that these servers have.
    async fn durability(&self, stream: &StreamConfig, servers: &[String]) -> Result<Durability, NatsError> {
        let is_kept = stream.storage == StorageType::File && stream.num_replicas > 1;
        let proof = match is_kept {
            true => self.sources.prove(servers).await,
            false => Err(Unproven::NotReplicated),
        };
        match proof {
            Ok(()) => Ok(Durability::ClusterDisk),
            Err(why) if self.requires_durable => Err(NatsError::NotDurable(why)),
            Err(why) if is_kept => {
                if !matches!(why, Unproven::NoSource) {
                    tracing::warn!(%why, "it is not proven that acknowledged messages survive a loss of power");
                }
                Ok(Durability::Cluster)
            }
            Err(_) => Ok(Durability::ClusterMemory),
        }
    }

    /// Checks what older servers ignore without a word, and what another program may have set.
    fn check(&self, found: &StreamConfig) -> Result<(), NatsError> {
        let wanted = &self.config;
        let wrong = |setting, found: String, wanted: String| {
            Err(NatsError::Setting { stream: self.config.name.clone(), setting, found, wanted })
        };
        if found.subjects != wanted.subjects {
            return wrong("subjects", format!("{:?}", found.subjects), format!("{:?}", wanted.subjects));
        }
        let told = |config: &StreamConfig| {
            config.republish.as_ref().map(|told| (told.source.clone(), told.destination.clone()))
        };
        if told(found) != told(wanted) {
            return wrong("republish", format!("{:?}", told(found)), format!("{:?}", told(wanted)));
        }
        type Read = fn(&StreamConfig) -> bool;
        let flags: [(&'static str, Read, bool); 7] = [
            ("allow_direct", |config| config.allow_direct, true),
            ("allow_rollup_hdrs", |config| config.allow_rollup, true),
            ("allow_msg_ttl", |config| config.allow_message_ttl, true),
            ("deny_purge", |config| config.deny_purge, false),
            ("no_ack", |config| config.no_ack, false),
            ("sealed", |config| config.sealed, false),
            ("persist_mode async", |config| config.persist_mode == Some(PersistenceMode::Async), false),
        ];
        for (setting, read, value) in flags {
            if read(found) != value {
                return wrong(setting, read(found).to_string(), value.to_string());
            }
        }
        let numbers: [(&'static str, i64, i64); 2] = [
            ("max_msgs_per_subject", found.max_messages_per_subject, wanted.max_messages_per_subject),
            ("num_replicas", replicas(found), replicas(wanted)),
        ];
        for (setting, found, wanted) in numbers {
            // More is better, and -1 is no limit.
            if found >= 0 && found < wanted {
                return wrong(setting, found.to_string(), wanted.to_string());
            }
        }
        if found.discard != DiscardPolicy::New {
            return wrong("discard", "old".into(), "new".into());
        }
        if !found.max_age.is_zero() && found.max_age < wanted.max_age {
            return wrong("max_age", format!("{:?}", found.max_age), format!("{:?}", wanted.max_age));
        }
        if found.storage != wanted.storage {
            return wrong("storage", format!("{:?}", found.storage), format!("{:?}", wanted.storage));
        }
        Ok(())
    }
}

/// The time between two looks for a connection, and between two attempts.
const LOOK: Duration = Duration::from_millis(20);
const RETRY: Duration = Duration::from_secs(1);

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn replicas(config: &StreamConfig) -> i64 {
    i64::try_from(config.num_replicas).unwrap_or(i64::MAX)
}

/// Returns whether a version such as `2.12.8` or `2.15.1-RC.2` is new enough.
fn is_new_enough(version: &str) -> bool {
    let mut numbers = version.split(['.', '-']).map(str::parse::<u64>);
    let found = [(); 3].map(|()| numbers.next().and_then(Result::ok).unwrap_or_default());
    found >= OLDEST
}

#[cfg(test)]
mod tests;

//! Proves that NATS servers sync each write to their disks. A server does not tell its clients. Its monitoring address
//! tells it, and so does the system account.
//! Must not know the stream.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, ServerAddr};
use bytes::Bytes;
use futures_util::StreamExt;
use http::Uri;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::{timeout, timeout_at};

use super::ANSWER;

/// The longest answer of a monitoring address.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// The time for which answers of the system account are waited for once one has come.
const MORE: Duration = Duration::from_secs(1);

/// The subject on which all servers answer what JetStream does there.
const SYSTEM: &str = "$SYS.REQ.SERVER.PING.JSZ";

/// Why it is not proven that acknowledged messages survive the loss of power.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// The log is in memory, or on one server only.
    #[error("the log is in memory, or on one server only")]
    NotReplicated,
    /// No source was given that tells how servers sync.
    #[error("nothing tells how the servers sync: give nats_monitor, or nats_system_credentials")]
    NoSource,
    /// A monitoring address cannot be asked.
    #[error("the monitoring address {address} cannot be asked: {why}")]
    Monitor {
        /// The address.
        address: String,
        /// The reason.
        why: String,
    },
    /// The system account cannot be asked.
    #[error("the system account cannot be asked: {0}")]
    System(String),
    /// A server that has the stream is not among those that told how they sync.
    #[error("server {0:?} has the stream, and has not told how it syncs")]
    Unheard(String),
    /// A server does not sync each write.
    #[error("server {0:?} does not sync each write: it needs sync_interval: always in its block jetstream")]
    Unsynced(String),
}

/// Where to learn how servers sync.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    /// The monitoring addresses, one of each server.
    pub(super) monitors: Vec<String>,
    /// The credentials of a user of the system account.
    pub(super) system: Option<PathBuf>,
    /// Where that user connects.
    pub(super) urls: String,
    pub(super) certificates: Option<PathBuf>,
    pub(super) stays_with_urls: bool,
}

/// What a server tells of JetStream on it.
#[derive(Deserialize)]
struct JetStream {
    config: Option<JetStreamConfig>,
}

#[derive(Deserialize)]
struct JetStreamConfig {
    #[serde(default)]
    sync_always: bool,
}

#[derive(Deserialize)]
struct Server {
    #[serde(alias = "server_name")]
    name: String,
}

/// The answer of one server on the system account.
#[derive(Deserialize)]
struct SystemAnswer {
    server: Server,
    data: JetStream,
}

impl JetStream {
    fn syncs(&self) -> bool {
        self.config.as_ref().is_some_and(|config| config.sync_always)
    }
}

impl Sources {
    /// Proves that each of `servers` syncs each write.
    ///
    /// # Errors
    /// [`Unproven`] for the first one of which that is not known, or known to be otherwise.
    pub(super) async fn prove(&self, servers: &[String]) -> Result<(), Unproven> {
        let mut told = BTreeMap::new();
        if self.monitors.is_empty() && self.system.is_none() {
            return Err(Unproven::NoSource);
        }
        for address in &self.monitors {
            let (name, syncs) = ask_monitor(address)
                .await
                .map_err(|why| Unproven::Monitor { address: address.clone(), why: why.to_string() })?;
            told.insert(name, syncs);
        }
        if let Some(credentials) = &self.system {
            let client =
                self.connect(credentials.clone()).await.map_err(|error| Unproven::System(super::chain(&*error)))?;
            told.extend(ask_system(&client, servers).await.map_err(Unproven::System)?);
        }
        servers.iter().try_for_each(|server| match told.get(server) {
            Some(true) => Ok(()),
            Some(false) => Err(Unproven::Unsynced(server.clone())),
            None => Err(Unproven::Unheard(server.clone())),
        })
    }

    async fn connect(&self, credentials: PathBuf) -> Result<Client, BoxError> {
        let servers: Vec<ServerAddr> =
            self.urls.split(',').map(|url| url.trim().parse()).collect::<Result<_, _>>().map_err(Box::new)?;
        let options = ConnectOptions::new().name("rtbroadcaster system").connection_timeout(ANSWER);
        let options = options.credentials_file(credentials).await.map_err(Box::new)?;
        let options = match &self.certificates {
            Some(path) => options.add_root_certificates(path.clone()),
            None => options,
        };
        let options = if self.stays_with_urls { options.ignore_discovered_servers() } else { options };
        Ok(options.connect(servers).await.map_err(Box::new)?)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Asks a monitoring address for the name of its server, and whether that syncs each write.
async fn ask_monitor(address: &str) -> Result<(String, bool), BoxError> {
    let server: Server = get(address, "/varz").await?;
    let answer: JetStream = get(address, "/jsz?config=1").await?;
    Ok((server.name, answer.syncs()))
}

/// Gets a document of JSON by HTTP.
async fn get<T: for<'de> Deserialize<'de>>(address: &str, path: &str) -> Result<T, BoxError> {
    let uri: Uri = format!("{}{path}", address.trim_end_matches('/')).parse()?;
    let (Some("http"), Some(host)) = (uri.scheme_str(), uri.host()) else {
        return Err("it is not http://HOST:PORT".into());
    };
    let target = (host.trim_matches(['[', ']']), uri.port_u16().unwrap_or(80));
    let exchange = async {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(TcpStream::connect(target).await?)).await?;
        let connection = tokio::spawn(connection);
        let host = uri.authority().map_or("", |authority| authority.as_str());
        let relative = uri.path_and_query().map_or("/", |path| path.as_str());
        let request = http::Request::get(relative).header("host", host).body(Empty::<Bytes>::new())?;
        let response = sender.send_request(request).await?;
        if !response.status().is_success() {
            return Err(format!("{path} answers {}", response.status()).into());
        }
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await?.to_bytes();
        connection.abort();
        Ok::<_, BoxError>(serde_json::from_slice(&body)?)
    };
    timeout(ANSWER, exchange).await.map_err(|_| "no answer within 5 s")?
}

/// Asks all servers on the system account, until `wanted` have answered or no more come.
async fn ask_system(client: &Client, wanted: &[String]) -> Result<BTreeMap<String, bool>, String> {
    let inbox = client.new_inbox();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|error| error.to_string())?;
    let question = Bytes::from_static(br#"{"config":true}"#);
    client.publish_with_reply(SYSTEM, inbox, question).await.map_err(|error| error.to_string())?;
    let (mut told, mut until) = (BTreeMap::new(), tokio::time::Instant::now() + ANSWER);
    while let Ok(Some(answer)) = timeout_at(until, answers.next()).await {
        if let Ok(SystemAnswer { server, data }) = serde_json::from_slice(&answer.payload) {
            told.insert(server.name, data.syncs());
        }
        if wanted.iter().all(|server| told.contains_key(server)) {
            break;
        }
        until = tokio::time::Instant::now() + MORE;
    }
    if told.is_empty() { Err("no server answers: is it a user of the system account?".into()) } else { Ok(told) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_say_that_it_syncs_does_not() {
        let syncs = |text: &str| serde_json::from_str::<JetStream>(text).map(|answer| answer.syncs());
        assert!(syncs(r#"{"server_id":"x","config":{"sync_interval":120000000000,"sync_always":true}}"#).unwrap());
        for text in [r#"{"config":{"sync_interval":120000000000}}"#, r#"{"disabled":true}"#, "{}"] {
            assert!(!syncs(text).unwrap(), "{text}");
        }
    }

    #[tokio::test]
    async fn without_a_source_or_with_one_that_does_not_answer_nothing_is_proven() {
        let servers = ["s1".to_owned()];
        assert!(matches!(Sources::default().prove(&servers).await, Err(Unproven::NoSource)));
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for (address, why) in [(format!("http://127.0.0.1:{port}"), "refused"), ("https://here".into(), "not http://")]
        {
            let sources = Sources { monitors: vec![address], ..Sources::default() };
            let told = sources.prove(&servers).await.unwrap_err().to_string();
            assert!(told.contains(why), "{told}");
        }
    }
}

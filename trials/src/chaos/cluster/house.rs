//! The processes: three NATS servers, three nodes, and a relay for each path from a node to a server. Must not know when
//! what happens to them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tokio::task::spawn_blocking;

use super::balancer::{self, get};
use super::disk::Disk;
use super::{Disks, NODES, Urls, failed};
use crate::chaos::relay::{Dark, PathEntry, PathFault, Relay};
use crate::load::nats::{NatsServer, free_port};
use crate::load::server::Server;
use crate::load::{built, process, target};
use crate::steps::Failure;

/// The beginning of the names of metrics that are added up over nodes.
const METRICS: &str = "rtbroadcaster_shared_log_";

/// A node.
struct Node {
    address: SocketAddr,
    admin: SocketAddr,
    flags: Vec<String>,
    server: Option<Server>,
    relays: Vec<Relay>,
    /// Its metrics at the last look.
    seen: BTreeMap<String, f64>,
}

/// All processes; dropping it kills them.
pub(super) struct House {
    folder: PathBuf,
    servers: Vec<NatsServer>,
    /// The file systems of the servers, if they have some. Dropped when no server uses them any more.
    disks: Vec<Disk>,
    nodes: Vec<Node>,
    urls: Urls,
    /// The metrics of processes that are gone.
    past: BTreeMap<String, f64>,
}

impl House {
    /// Starts everything, with NATS servers of this program, on these disks.
    pub(super) async fn begin(program: &Path, disks: Disks) -> Result<Self, Failure> {
        let folder = target().join("tmp").join(format!("chaos-cluster-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(failed)?;
        let secret = folder.join("secret");
        fs::write(&secret, "5e".repeat(32)).map_err(failed)?;
        private(&secret)?;
        let servers = NatsServer::cluster(program, NODES, &folder)?;
        let (nodes, urls, past) = (Vec::new(), Urls::default(), BTreeMap::new());
        let mut house = Self { folder, servers, disks: Vec::new(), nodes, urls, past };
        for server in &mut house.servers {
            if disks != Disks::Folders {
                house.disks.push(Disk::make(server.folder())?);
            }
            if disks == Disks::SyncedImages {
                server.configure("jetstream { sync_interval: always }")?;
            }
            server.start()?;
        }
        for number in 0..NODES {
            let mut relays = Vec::new();
            for server in &house.servers {
                relays.push(Relay::open(server.address()).await?);
            }
            let nats: Vec<_> = relays.iter().map(|relay| nats_url(relay.url())).collect();
            let admin: SocketAddr = ([127, 0, 0, 1], free_port()?).into();
            let flags = ["--nats", &nats.join(","), "--secret-file", &secret.display().to_string()];
            let flags = flags.into_iter().map(str::to_owned);
            let more = ["--ping-interval".into(), "5s".into(), "--admin-listen".into(), admin.to_string()];
            let monitors = house.servers.iter().map(|server| format!("http://{}", server.monitor()));
            let monitors = monitors.collect::<Vec<_>>().join(",");
            let proof = ["--require-durable".into(), "--nats-monitor".into(), monitors];
            let proof = proof.into_iter().filter(|_| disks == Disks::SyncedImages);
            let flags = flags.chain(more).chain(proof).collect();
            let address = ([127, 0, 0, 1], free_port()?).into();
            house.nodes.push(Node { address, admin, flags, server: None, relays, seen: BTreeMap::new() });
            house.start_node(number).await?;
        }
        house.urls = balancer::open([0, 1, 2].map(|node| house.nodes[node].address)).await?;
        Ok(house)
    }

    pub(super) fn urls(&self) -> Urls {
        Urls::clone(&self.urls)
    }

    pub(super) fn start_server(&mut self, number: usize) -> Result<(), Failure> {
        self.servers[number].start()
    }

    pub(super) fn kill_server(&mut self, number: usize) -> Result<(), Failure> {
        self.servers[number].kill()
    }

    /// Removes everything that a server has stored. It must not run.
    pub(super) fn empty_server(&self, number: usize) -> Result<(), Failure> {
        self.servers[number].empty()
    }

    pub(super) fn signal_server(&self, number: usize, signal: &str) -> Result<(), Failure> {
        self.servers[number].signal(signal)
    }

    /// Takes all space of the servers' disks, or gives it back.
    pub(super) fn fill_disks(&self, is_full: bool) -> Result<(), Failure> {
        self.disks.iter().try_for_each(|disk| if is_full { disk.fill() } else { disk.free() })
    }

    /// Kills all servers, and leaves on their disks only what these had been given.
    pub(super) fn cut_power(&mut self) -> Result<(), Failure> {
        // At one moment, so that no server acknowledges what another one has lost already.
        (0..NODES).try_for_each(|server| self.signal_server(server, "STOP"))?;
        for number in 0..NODES {
            let copy = self.disks[number].copy()?;
            self.kill_server(number)?;
            self.disks[number].go_back_to(&copy)?;
        }
        Ok(())
    }

    /// Returns how many connections the servers have given up, since these took too little.
    pub(super) async fn slow_consumers(&self) -> u64 {
        let mut count = 0;
        for server in &self.servers {
            let answer = get(server.monitor(), "/varz").await;
            let told =
                answer.as_deref().and_then(|answer| answer.split_once("\r\n\r\n")).and_then(|(_, body)| body_of(body));
            count += told.as_ref().and_then(|told| find(told, "slow_consumers")?.as_u64()).unwrap_or_default();
        }
        count
    }

    /// Returns the server that leads the stream.
    pub(super) async fn leader(&self) -> Result<usize, Failure> {
        for server in &self.servers {
            let Some(answer) = get(server.monitor(), "/jsz?streams=1").await else { continue };
            let told: Option<Value> = answer.split_once("\r\n\r\n").and_then(|(_, body)| body_of(body));
            let leader =
                told.as_ref().and_then(|told| find(told, "stream_detail")).and_then(|detail| find(detail, "leader"));
            let number = leader.and_then(Value::as_str).and_then(|name| name.strip_prefix('s')?.parse().ok());
            if let Some(number) = number {
                return Ok(number);
            }
        }
        Err(Failure::new("no NATS server tells who leads the stream"))
    }

    pub(super) async fn start_node(&mut self, number: usize) -> Result<(), Failure> {
        let node = &mut self.nodes[number];
        let log = self.folder.join(format!("node-{number}.log"));
        let (address, flags) = (node.address, node.flags.clone());
        // It reaches NATS through the relays, which run here meanwhile.
        let start = move || Server::start_logged(address, &built("rtbroadcaster"), &flags, &log);
        node.server = Some(spawn_blocking(start).await.map_err(failed)??);
        Ok(())
    }

    pub(super) fn kill_node(&mut self, number: usize) -> Result<(), Failure> {
        let node = &mut self.nodes[number];
        for (name, value) in std::mem::take(&mut node.seen) {
            *self.past.entry(name).or_default() += value;
        }
        node.server.take().ok_or_else(|| Failure::new("the node is gone"))?.kill()
    }

    pub(super) fn signal_node(&self, number: usize, signal: &str) -> Result<(), Failure> {
        let server = self.nodes[number].server.as_ref().ok_or_else(|| Failure::new("the node is gone"))?;
        process::signal(server.process(), signal)
    }

    /// Cuts a node off from NATS, with its sockets open, or connects it again.
    pub(super) fn cut_node(&self, number: usize, is_cut: bool) {
        for relay in &self.nodes[number].relays {
            if is_cut {
                relay.enter(PathEntry::Held, None);
                relay.cut(PathFault::Dark(Dark::Both), None);
            } else {
                // What was sent meanwhile may arrive late.
                relay.cut(PathFault::Reset, None);
                relay.enter(PathEntry::Open, None);
            }
        }
    }

    /// Carries nothing from NATS to a node any more, or ends these connections.
    pub(super) fn slow_node(&self, number: usize, is_slow: bool) {
        for relay in &self.nodes[number].relays {
            relay.cut(if is_slow { PathFault::Dark(Dark::ToClient) } else { PathFault::Reset }, None);
        }
    }

    /// Reads the metrics of all nodes that answer.
    pub(super) async fn note_metrics(&mut self) {
        for node in &mut self.nodes {
            let Some(answer) = get(node.admin, "/metrics").await else { continue };
            let lines = answer.lines().filter(|line| line.starts_with(METRICS));
            let read = |line: &str| {
                let (name, value) = line.rsplit_once(' ')?;
                Some((name.strip_prefix(METRICS)?.to_owned(), value.parse().ok()?))
            };
            node.seen = lines.filter_map(read).collect();
        }
    }

    /// Returns these, added up over all nodes that there were.
    pub(super) fn metrics(&self) -> BTreeMap<String, f64> {
        let mut all = self.past.clone();
        for (name, value) in self.nodes.iter().flat_map(|node| &node.seen) {
            *all.entry(name.clone()).or_default() += value;
        }
        all
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.nodes.clear();
        for server in &mut self.servers {
            let _ = server.kill();
        }
        // Unmounted before the servers remove their folders.
        self.disks.clear();
    }
}

/// Returns a relay's address as one of NATS.
fn nats_url(url: &str) -> String {
    format!("nats://{}", url.trim_start_matches("ws://").trim_end_matches("/broadcasting"))
}

/// Returns a body of JSON, also one that came in chunks.
fn body_of(body: &str) -> Option<Value> {
    let (begin, end) = (body.find('{')?, body.rfind('}')?);
    let whole: String = body[begin..=end].lines().filter(|line| u32::from_str_radix(line, 16).is_err()).collect();
    serde_json::from_str(&whole).ok()
}

/// Returns the first member of this name.
fn find<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.get(name).or_else(|| members.values().find_map(|member| find(member, name))),
        Value::Array(items) => items.iter().find_map(|item| find(item, name)),
        _ => None,
    }
}

fn private(file: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).map_err(failed)
}

//! An owner as a task of this process or as a process of its own, which can be stopped in the middle of a write. Must
//! not know the owner's messages.

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::owner_record::{BecameOwner, OwnerOrder, OwnerRecord, OwnerStart, run_owner};
use crate::load::peer::{Peer, V2};
use crate::load::process;
use crate::steps::Failure;

/// The hidden command by which this program is an owner.
const COMMAND: &str = "chaos-owner";

/// The most time until it is the owner.
const PATIENCE: Duration = Duration::from_secs(10);

/// The first line to a process.
#[derive(Debug, Serialize, Deserialize)]
struct OwnerTask {
    address: SocketAddr,
    start: OwnerStart,
    prefix: u64,
}

/// An owner, or a client that asks for the room.
pub(super) struct OwnerHandle {
    crowned: oneshot::Receiver<BecameOwner>,
    orders: mpsc::UnboundedSender<OwnerOrder>,
    owner: JoinHandle<Result<OwnerRecord, Failure>>,
    /// The id of its process, if it has one.
    process: Option<u32>,
}

impl OwnerHandle {
    /// Starts an owner on an open connection.
    pub(super) fn in_this_process(peer: Peer, start: OwnerStart, prefix: u64) -> Self {
        let (crown, crowned) = oneshot::channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let owner = tokio::spawn(async move {
            run_owner(peer, start, prefix, crown, ordered)
                .await
                .map_err(|error| Failure::new(format!("an owner: {error}")))
        });
        Self { crowned, orders, owner, process: None }
    }

    /// Starts an owner that is a process.
    pub(super) fn in_its_own_process(address: SocketAddr, start: OwnerStart, prefix: u64) -> Result<Self, Failure> {
        let failed = |error| Failure::new(format!("a process for an owner: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let mut command = Command::new(program);
        command.arg(COMMAND).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let process = child.id();
        let task = serde_json::to_string(&OwnerTask { address, start, prefix });
        let task = task.map_err(|error| Failure::new(error.to_string()))?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let (crown, crowned) = oneshot::channel();
        let (orders, ordered) = mpsc::unbounded_channel();
        let owner = tokio::spawn(async move { follow(child, lines, task, crown, ordered).await });
        Ok(Self { crowned, orders, owner, process })
    }

    /// Waits until it is the owner.
    pub(super) async fn became_owner(&mut self) -> Result<BecameOwner, Failure> {
        match timeout(PATIENCE, &mut self.crowned).await {
            Ok(Ok(crowned)) => Ok(crowned),
            Ok(Err(_)) => Err((&mut self.owner).await.map_or_else(
                |error| Failure::new(format!("an owner: {error}")),
                |owner| owner.err().unwrap_or_else(|| Failure::new("an owner reported nothing")),
            )),
            Err(_) => Err(Failure::new(format!("a takeover was not answered within {PATIENCE:?}"))),
        }
    }

    pub(super) fn order(&self, order: OwnerOrder) {
        // An owner that has ended reports that at its end.
        let _ = self.orders.send(order);
    }

    pub(super) fn is_process(&self) -> bool {
        self.process.is_some()
    }

    /// Stops the process.
    pub(super) fn stop(&self) -> Result<(), Failure> {
        let Some(process) = self.process.filter(|_| !self.owner.is_finished()) else {
            return Err(Failure::new("the owner to be stopped has ended"));
        };
        process::stop(process)
    }

    /// Continues the process after `stopped`, if it was stopped, and waits for the end of the owner.
    pub(super) async fn end(self, stopped: Option<Duration>) -> Result<OwnerRecord, Failure> {
        if let (Some(delay), Some(process)) = (stopped, self.process) {
            sleep(delay).await;
            process::signal(process, "CONT")?;
        }
        // Dropping the orders ends nothing: an owner ends when its connection does.
        self.owner.await.unwrap_or_else(|error| Err(Failure::new(format!("an owner: {error}"))))
    }
}

/// Gives a process its task and its orders, and forwards its reports.
async fn follow(
    mut child: Child,
    mut lines: Lines<BufReader<ChildStdout>>,
    task: String,
    crown: oneshot::Sender<BecameOwner>,
    mut ordered: mpsc::UnboundedReceiver<OwnerOrder>,
) -> Result<OwnerRecord, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("a process for an owner: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(format!("{task}\n").as_bytes()).await.map_err(failed)?;
    let mut crown = Some(crown);
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let line = line.map_err(failed)?.ok_or_else(|| Failure::new("a process for an owner ended early"))?;
                let Some(crown) = crown.take() else {
                    let owner = serde_json::from_str(&line);
                    child.wait().await.map_err(failed)?;
                    return owner.map_err(|error| Failure::new(format!("{error}: {line}")));
                };
                let crowned = serde_json::from_str(&line).map_err(|error| Failure::new(format!("{error}: {line}")))?;
                let _ = crown.send(crowned);
            }
            Some(order) = ordered.recv() => {
                if order == OwnerOrder::Flood {
                    stdin.write_all(b"flood\n").await.map_err(failed)?;
                }
            }
        }
    }
}

/// The hidden command: runs one owner, reports on standard output, and takes orders from standard input.
pub(crate) fn be_an_owner() -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::new(error.to_string());
    let mut task = String::new();
    std::io::stdin().read_line(&mut task).map_err(failed)?;
    let task: OwnerTask = serde_json::from_str(&task).map_err(|error| Failure::new(format!("{error}: {task}")))?;
    let (orders, ordered) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if line == "flood" {
                let _ = orders.send(OwnerOrder::Flood);
            }
        }
        // The parent process has ended.
        std::process::exit(1);
    });
    let (crown, crowned) = oneshot::channel();
    let told = async {
        let peer = Peer::open_as(task.address, V2).await?;
        let tell = async {
            if let Ok(crowned) = crowned.await {
                print_line(&crowned);
            }
        };
        tokio::join!(run_owner(peer, task.start, task.prefix, crown, ordered), tell).0
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let told = runtime.block_on(told);
    let owner = told.map_err(|error: crate::load::peer::PeerError| Failure::new(format!("an owner: {error}")))?;
    print_line(&owner);
    Ok(())
}

/// Prints one line for the parent process.
fn print_line(value: &impl Serialize) {
    println!("{}", serde_json::to_string(value).expect("it has only texts and numbers"));
}

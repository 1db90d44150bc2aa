//! Where rooms' logs are kept, and servers that keep them there. Must not know the load.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::urls;
use crate::load::nats::NatsServer;
use crate::load::release;
use crate::load::server::Server;
use crate::steps::Failure;

/// The time until NATS servers are there, which only the first server waits for.
const START: std::time::Duration = std::time::Duration::from_secs(30);

/// Where a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the server's memory.
    Memory,
    /// In files of the server.
    Disk,
    /// In one NATS server.
    NatsAlone,
    /// In three NATS servers.
    NatsOfThree,
}

impl Place {
    pub(super) const ALL: [Self; 4] = [Self::Memory, Self::Disk, Self::NatsAlone, Self::NatsOfThree];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::NatsAlone => "NATS, R1",
            Self::NatsOfThree => "NATS, R3",
        }
    }
}

/// The places, with NATS servers that run.
pub(super) struct Places {
    folder: PathBuf,
    pub(super) alone: Vec<NatsServer>,
    of_three: Vec<NatsServer>,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

impl Places {
    pub(super) fn begin(program: &Path, folder: &Path) -> Result<Self, Failure> {
        let (alone, of_three) = (folder.join("alone"), folder.join("three"));
        for folder in [&alone, &of_three] {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        let secret = folder.join("secret");
        fs::write(&secret, "5e".repeat(32)).map_err(failed)?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).map_err(failed)?;
        let (alone, of_three) = (NatsServer::cluster(program, 1, &alone)?, NatsServer::cluster(program, 3, &of_three)?);
        let mut places = Self { folder: folder.into(), alone, of_three };
        places.alone.iter_mut().chain(&mut places.of_three).try_for_each(NatsServer::start)?;
        for place in [Place::NatsAlone, Place::NatsOfThree] {
            places.serve_within(place, START)?;
        }
        Ok(places)
    }

    /// Starts a server that keeps its rooms there.
    pub(super) fn serve(&self, place: Place) -> Result<Server, Failure> {
        self.serve_within(place, START)
    }

    /// Does so, once NATS is there.
    fn serve_within(&self, place: Place, limit: std::time::Duration) -> Result<Server, Failure> {
        let (data, secret) = (self.folder.join("data"), self.folder.join("secret").display().to_string());
        let nats = |servers: &[NatsServer], replicas: &str| {
            ["--nats", &urls(servers), "--nats-replicas", replicas, "--secret-file", &secret]
                .map(str::to_owned)
                .to_vec()
        };
        let kept = match place {
            Place::Memory => Vec::new(),
            Place::Disk => vec!["--data-dir".into(), data.display().to_string()],
            Place::NatsAlone => nats(&self.alone, "1"),
            Place::NatsOfThree => nats(&self.of_three, "3"),
        };
        let more = ["--rooms-per-address-max", "none", "--rooms-max", "none", "--log", "error"];
        let flags: Vec<_> = kept.iter().map(String::as_str).chain(more).collect();
        let server = Server::start(&release("rtbroadcaster"), &flags)?;
        let deadline = std::time::Instant::now() + limit;
        while !is_ready(&server) {
            if std::time::Instant::now() > deadline {
                return Err(failed(format!("{}: the server is not ready", place.name())));
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Ok(server)
    }
}

/// Returns whether the server takes rooms.
fn is_ready(server: &Server) -> bool {
    use std::io::{Read, Write};
    let exchange = || {
        let mut stream = std::net::TcpStream::connect(server.address())?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer)
    };
    exchange().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

impl Drop for Places {
    fn drop(&mut self) {
        self.alone.clear();
        self.of_three.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

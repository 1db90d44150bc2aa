//! NATS servers: processes of their own, alone or as a cluster. Must not know what is stored in them.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::process;
use crate::steps::Failure;

/// A NATS server. Dropping it kills it, and removes what it has stored.
pub(crate) struct NatsServer {
    program: PathBuf,
    port: u16,
    monitor: u16,
    folder: PathBuf,
    options: Vec<String>,
    process: Option<Child>,
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Returns a port of this machine that is free at the moment.
pub(crate) fn free_port() -> Result<u16, Failure> {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).map(|at| at.port()).map_err(failed)
}

impl NatsServer {
    /// Returns `count` servers of this program, one cluster if there are several, which store in `folder` and do not run
    /// yet.
    pub(crate) fn cluster(program: &Path, count: usize, folder: &Path) -> Result<Vec<Self>, Failure> {
        let routes = (0..count).map(|_| free_port()).collect::<Result<Vec<_>, _>>()?;
        let routes: Vec<_> = routes.into_iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let all = routes.join(",");
        let make = |(number, route): (usize, &String)| {
            let options = ["--server_name", &format!("s{number}"), "--cluster_name", "trial", "--cluster", route];
            let options = options.into_iter().chain(["--routes", &all, "--no_advertise"]).map(str::to_owned);
            Ok(Self {
                program: program.into(),
                port: free_port()?,
                monitor: free_port()?,
                folder: folder.join(format!("nats-{number}")),
                options: if count > 1 { options.collect() } else { Vec::new() },
                process: None,
            })
        };
        routes.iter().enumerate().map(make).collect()
    }

    /// Adds settings, in the language of its configuration files.
    pub(crate) fn configure(&mut self, config: &str) -> Result<(), Failure> {
        let file = self.folder.with_extension("conf");
        fs::write(&file, config).map_err(failed)?;
        self.options.extend(["--config".into(), file.display().to_string()]);
        Ok(())
    }

    /// Returns where it stores.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the address of clients.
    pub(crate) fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Returns the address of its monitoring.
    pub(crate) fn monitor(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.monitor).into()
    }

    pub(crate) fn start(&mut self) -> Result<(), Failure> {
        let mut command = Command::new(&self.program);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string(), "--jetstream", "--store_dir"]);
        command.arg(&self.folder).args(["--http_port", &self.monitor.to_string()]).args(&self.options);
        self.process = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?);
        Ok(())
    }

    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        match self.process.take() {
            Some(mut child) => child.kill().and_then(|()| child.wait()).map(|_| ()).map_err(failed),
            None => Ok(()),
        }
    }

    /// Removes everything that it has stored. It must not run.
    pub(crate) fn empty(&self) -> Result<(), Failure> {
        fs::remove_dir_all(&self.folder).map_err(failed)
    }

    pub(crate) fn signal(&self, signal: &str) -> Result<(), Failure> {
        let child = self.process.as_ref().ok_or_else(|| Failure::new("the NATS server is gone"))?;
        process::signal(child.id(), signal)
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        let _ = self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

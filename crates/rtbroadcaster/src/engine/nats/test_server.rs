//! Real NATS servers for tests: `cargo xtask nats` installs them.
//! Must not know what is tested.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rtbroadcaster_core::config::Config;
use tokio::sync::watch;

use super::Nats;
use super::feed::Followers;
use super::log::NatsLog;
use super::settings::Settings;

/// The variable that names the program.
const PROGRAM: &str = "RTBROADCASTER_NATS_SERVER";

/// A NATS server with JetStream on a port of its own, killed when it is dropped.
pub(crate) struct NatsServer {
    process: Option<Child>,
    port: u16,
    folder: PathBuf,
    /// Further options.
    options: Vec<String>,
}

/// Three servers that have each entry.
pub(crate) struct NatsCluster(pub(crate) [NatsServer; 3]);

impl NatsServer {
    pub(crate) fn start() -> Self {
        Self::start_with(Vec::new())
    }

    fn start_with(options: Vec<String>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let port = free_port();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("rtbroadcaster-nats-{}-{number}", std::process::id()));
        let mut server = Self { process: None, port, folder, options };
        server.run();
        server
    }

    /// Starts it with a configuration file.
    pub(super) fn start_with_file(config: &str) -> Self {
        let mut server = Self::start_with(vec!["--server_name".into(), "alone".into()]);
        server.kill();
        server.configure(config);
        server.run();
        server
    }

    /// Has it read this configuration when it starts.
    fn configure(&mut self, config: &str) {
        let file = self.file("conf");
        fs::write(&file, config).unwrap();
        self.options.extend(["--config".into(), file.display().to_string()]);
    }

    /// Returns the path of a file of its own.
    pub(super) fn file(&self, extension: &str) -> PathBuf {
        self.folder.with_extension(extension)
    }

    pub(super) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub(crate) fn run(&mut self) {
        let program = std::env::var_os(PROGRAM).expect("RTBROADCASTER_NATS_SERVER names the program");
        let mut command = Command::new(program);
        command.args(["--addr", "127.0.0.1", "--port", &self.port.to_string(), "--jetstream", "--store_dir"]);
        command.arg(&self.folder).args(&self.options);
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.process = Some(process);
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Returns a copy of everything that it has stored. It must not run.
    pub(crate) fn stored(&self) -> PathBuf {
        let copy = self.folder.with_extension("copy");
        copy_folder(&self.folder, &copy);
        copy
    }

    /// Replaces what it has stored by such a copy, or by nothing, as a power cut may. It must not run.
    pub(crate) fn goes_back_to(&self, copy: Option<PathBuf>) {
        fs::remove_dir_all(&self.folder).unwrap();
        if let Some(copy) = copy {
            fs::rename(copy, &self.folder).unwrap();
        }
    }

    /// Stops it, or lets it go on.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    pub(crate) fn nats(&self) -> Nats {
        Nats::at(self.url()).replicas(1)
    }

    /// Returns the log as a node reaches it.
    pub(super) async fn log(&self) -> Arc<NatsLog> {
        let nats = self.nats();
        let (followers, settings) = (Arc::new(Followers::default()), Settings::of(&nats, &Config::default()).unwrap());
        let client = nats.connect(&followers, watch::Sender::new(true)).await.unwrap();
        eventually(|| settings.ensure(&client)).await;
        Arc::new(NatsLog::new(client, "rtb", settings, followers))
    }
}

impl NatsCluster {
    pub(crate) fn start() -> Self {
        let routes = [(); 3].map(|()| free_port());
        let all = routes.map(|port| format!("nats://127.0.0.1:{port}")).join(",");
        Self(routes.map(|port| {
            let route = format!("nats://127.0.0.1:{port}");
            let options =
                ["--server_name", &format!("s{port}"), "--cluster_name", "test", "--cluster", &route, "--routes", &all];
            NatsServer::start_with(options.map(str::to_owned).to_vec())
        }))
    }

    /// Starts servers with a monitoring address each, of which all but `unsynced` sync each write.
    pub(super) fn start_synced(unsynced: Option<usize>) -> (Self, Vec<String>) {
        let mut cluster = Self::start();
        let ports = [(); 3].map(|()| free_port());
        for (number, (server, port)) in cluster.0.iter_mut().zip(ports).enumerate() {
            server.kill();
            server.options.extend(["--http_port".into(), port.to_string()]);
            if unsynced != Some(number) {
                server.configure("jetstream { sync_interval: always }");
            }
            server.run();
        }
        (cluster, ports.map(|port| format!("http://127.0.0.1:{port}")).into())
    }

    pub(crate) fn nats(&self) -> Nats {
        let urls: Vec<_> = self.0.iter().map(NatsServer::url).collect();
        Nats::at(urls.join(",")).replicas(3)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy_folder(&item.path(), &target);
        } else {
            fs::copy(item.path(), target).unwrap();
        }
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
        for file in ["conf", "creds"] {
            let _ = fs::remove_file(self.file(file));
        }
    }
}

/// Tries until it succeeds: a server needs a moment to start.
pub(crate) async fn eventually<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>>(
    mut attempt: impl FnMut() -> F,
) -> T {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

//! A program of one test on a terminal of its own, which it controls: what is typed there comes as from a keyboard.
//! By the kernel's pseudoterminals and `setsid` of util-linux. Must not know what the program prints.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;

use crate::server::soon;

/// A terminal, and the program on it.
pub(crate) struct Terminal {
    child: Child,
    keyboard: File,
    shown: mpsc::UnboundedReceiver<Vec<u8>>,
    /// Everything that was shown so far.
    screen: String,
}

impl Terminal {
    /// Starts the server's program with these arguments.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::running(env!("CARGO_BIN_EXE_rtbroadcaster"), arguments)
    }

    /// Starts any program.
    pub(crate) fn running(program: &str, arguments: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap();
        let open = || File::options().read(true).write(true).open(OsStr::from_bytes(path.as_bytes())).unwrap();
        // It begins a group of processes that the terminal's Ctrl-C reaches, and becomes the program.
        let mut command = Command::new("setsid");
        command.args(["--ctty", program]).args(arguments);
        command.stdin(open()).stdout(open()).stderr(open()).kill_on_drop(true).env("TERM", "xterm");
        let child = command.spawn().unwrap();
        // Its ends of the terminal are the child's alone from here on.
        drop(command);
        let keyboard = File::from(master);
        let mut screen = keyboard.try_clone().unwrap();
        let (sender, shown) = mpsc::unbounded_channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the other end is closed.
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                let _ = sender.send(bytes[..count].to_vec());
            }
        });
        Self { child, keyboard, shown, screen: String::new() }
    }

    /// Presses these keys.
    pub(crate) fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until `text` was shown, and gives everything up to now.
    pub(crate) async fn shows(&mut self, text: &str) -> String {
        let shown = async {
            while !self.screen.contains(text) {
                match self.shown.recv().await {
                    Some(bytes) => self.screen.push_str(&String::from_utf8_lossy(&bytes)),
                    None => panic!("it ended without `{text}`:\n{}", self.screen),
                }
            }
        };
        soon(text, shown).await;
        self.screen.clone()
    }

    /// Waits for its end: the exit code, and all that was shown.
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let status = soon("its end", self.child.wait()).await.unwrap();
        soon("the last words", async {
            while let Some(bytes) = self.shown.recv().await {
                self.screen.push_str(&String::from_utf8_lossy(&bytes));
            }
        })
        .await;
        (status.code(), self.screen)
    }
}

//! Detects that the reader of the standard output is gone, also while there is nothing to write.
//! Must not know what is written.

use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Waits until the reader has closed the pipe. For a file or a terminal it waits for ever.
pub(super) async fn gone() {
    let (sender, receiver) = oneshot::channel();
    // Only `poll` reports it. The thread has no other work, and ends with the process.
    thread::spawn(move || {
        let stdout = io::stdout();
        // `poll` always reports errors and hang-ups.
        let mut output = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut output, None).is_err() {}
        let _ = sender.send(());
    });
    if receiver.await.is_err() {
        std::future::pending::<()>().await;
    }
}

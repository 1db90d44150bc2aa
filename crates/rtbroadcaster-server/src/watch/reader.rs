//! Notices that nobody reads the standard output any more, also while there is nothing to write.
//! Must not know what is written.

use std::io;
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use tokio::sync::oneshot;

/// Waits until whoever read is gone. With a file or a terminal that is never.
pub(super) async fn gone() {
    let (sender, receiver) = oneshot::channel();
    // The kernel tells it to whoever waits, and a thread that waits for nothing else ends with the process.
    thread::spawn(move || {
        let stdout = io::stdout();
        // Errors and hang-ups are told whatever is asked for.
        let mut output = [PollFd::new(&stdout, PollFlags::empty())];
        while poll(&mut output, None).is_err() {}
        let _ = sender.send(());
    });
    if receiver.await.is_err() {
        std::future::pending::<()>().await;
    }
}

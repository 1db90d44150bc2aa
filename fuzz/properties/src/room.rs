//! Whole clients of a manager, driven by op codes: owners and viewers of both protocols over streams in memory, under a
//! clock that only the ops move. Must not know the library's insides.

mod client;
mod frame;
mod ledger;
mod ops;
mod panics;
mod stage;
mod viewer;

use crate::codes::Codes;
use stage::Stage;

/// The most ops of a course: a longer one finds nothing more.
const OPS_MAX: usize = 200;

/// Checks one course of ops. Clients connect, create, join, publish, clear, pause, send garbage and half frames, stop
/// reading, vanish and come back, while time passes. These hold:
/// - A viewer receives a subsequence of the owner's messages, in order, its holes announced and harmless.
/// - Cursors are answered by the rule.
/// - A viewer that has caught up holds the newest value of every key.
/// - When all clients are gone, the manager keeps nothing of them.
pub fn room(bytes: &[u8]) {
    let panics = panics::count();
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime without I/O");
    runtime.block_on(async {
        let mut codes = Codes::new(bytes);
        let mut stage = Stage::open(codes.byte());
        for _ in 0..OPS_MAX {
            let Some(code) = codes.next() else { break };
            stage.step(code, &mut codes).await;
        }
        stage.end().await;
    });
    assert_eq!(panics::count(), panics, "a task of the server panicked");
}

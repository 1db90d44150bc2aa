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

/// How many ops are done at most: a longer course finds nothing that these do not.
const OPS_MAX: usize = 200;

/// `bytes` are op codes: clients connect, create, join, publish, clear, pause, send garbage and half frames, stop
/// reading, vanish and come back, while time passes. What a viewer receives is a subsequence of what the owner said, in
/// order, its holes announced and harmless; cursors are answered by the rule; once caught up a viewer holds the newest
/// value of every key; and when everybody is gone nothing is left of them.
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

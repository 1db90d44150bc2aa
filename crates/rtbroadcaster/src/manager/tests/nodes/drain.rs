//! A node that shuts down: its viewers move to other nodes a part at a time, and its owners last.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_node_that_shuts_down_lets_its_viewers_go_over_twenty_seconds_and_its_owner_last() {
    const VIEWERS: usize = 1_000;
    let (_sea, [here, there]) = nodes();
    // A load balancer: who comes back goes to the other node.
    let (first, second) = (here.clone(), there.clone());
    let reach = move || {
        let node = if first.is_shutting_down() { &second } else { &first };
        Some(node.connect(Rights::anything().into()))
    };
    let owner = rtbroadcaster_client::Owner::create(Target::in_memory(reach.clone())).await.unwrap();
    let (outside, moves) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(Vec::new())));
    let mut viewers = Vec::new();
    for _ in 0..VIEWERS {
        let viewer = Viewer::join(Target::in_memory(reach.clone()), owner.room()).unwrap();
        soon(viewer.inside()).await.unwrap();
        let (mut status, outside, moves) = (viewer.watch_status(), Arc::clone(&outside), Arc::clone(&moves));
        tokio::spawn(async move {
            while status.changed().await.is_ok() {
                if !status.borrow_and_update().is_inside() {
                    let left = Instant::now();
                    moves.lock().unwrap().push(left);
                    if status.wait_for(Status::is_inside).await.is_ok() && left.elapsed() > Duration::from_secs(2) {
                        outside.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        });
        viewers.push(viewer);
    }
    let begun = Instant::now();
    let gone = tokio::spawn(here.shutdown());
    let mut term = owner.term();
    let mut owner_moved = None;
    let mut numbers = 0;
    while begun.elapsed() < Duration::from_secs(25) {
        numbers += 1;
        soon(owner.publish(Message::event("n", [numbers]).unwrap())).await.unwrap();
        if owner.term() != term {
            (term, owner_moved) = (owner.term(), Some(begun.elapsed()));
        }
        sleep(Duration::from_millis(500)).await;
    }
    soon(gone).await.unwrap();
    let owner_moved = owner_moved.expect("it has moved");
    assert!(owner_moved >= Duration::from_secs(19), "{owner_moved:?}: the owner goes last");
    let moves: Vec<_> = moves.lock().unwrap().iter().map(|at| (*at - begun).as_millis() / 1_000).collect();
    assert_eq!(moves.len(), VIEWERS, "each moves once");
    for second in 0..20 {
        let count = moves.iter().filter(|at| **at == second).count();
        assert!((VIEWERS / 40..=VIEWERS / 20 * 3 / 2).contains(&count), "{count} in second {second}");
    }
    assert_eq!(outside.load(Ordering::Relaxed), 0, "none is outside for long");
    assert_eq!(here.connections(), 0);
    for viewer in &viewers {
        has(viewer, Seq::new(numbers).unwrap()).await;
    }
}

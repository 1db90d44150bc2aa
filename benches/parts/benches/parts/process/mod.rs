//! Benches of the process around the pure parts: a message on its way to its viewers' sockets, a viewer that joins and
//! leaves, an owner without viewers. One thread, loopback sockets, and the same number of messages and reads in every
//! run. Must not know the library's internals.

mod peer;

use peer::{RoomProcess, Viewer};

use rtbroadcaster_parts::Part;

/// The number of viewers where a message has many.
const VIEWERS: usize = 64;

pub(crate) const PARTS: [Part; 4] = [
    Part::new("publish_an_event_to_nobody", || {
        let mut process = RoomProcess::open();
        Box::new(move || process.publish())
    })
    .with_allocations(),
    Part::new("deliver_an_event_to_1_viewer", || deliver(1)).with_allocations(),
    Part::new("deliver_an_event_to_64_viewers", || deliver(VIEWERS)).with_allocations(),
    Part::new("join_and_leave", || {
        let mut process = RoomProcess::open();
        Box::new(move || {
            let viewer = process.viewer();
            process.leave(viewer);
        })
    })
    .with_allocations(),
];

/// Publishes an event, and reads it at each of `viewers` viewers.
fn deliver(viewers: usize) -> Box<dyn FnMut()> {
    let mut process = RoomProcess::open();
    let mut viewers: Vec<Viewer> = (0..viewers).map(|_| process.viewer()).collect();
    Box::new(move || {
        process.publish();
        viewers.iter_mut().for_each(|viewer| process.read(viewer));
    })
}

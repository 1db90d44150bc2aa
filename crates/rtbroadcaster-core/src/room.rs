//! A room without its sockets: its decisions, its log, its owner and viewers, and their signals.
//! Must not know lanes, tasks or protocols.

pub mod alarm;
pub mod attendance;
pub mod attention;
pub mod core;
pub mod log;
pub mod pace;
pub mod presence;
pub mod voters;
pub mod votes;

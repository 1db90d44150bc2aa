//! A room without its sockets: what it decides, its log, who is there, and what viewers say.
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

//! The pure parts of `rtbroadcaster`: rooms and their decisions, the bytes of the wire, and the frames that wait for
//! members. Nothing here reads a clock, draws a random byte, or uses a socket, a file or a thread: time and randomness
//! are arguments.
//!
//! This crate has no promise of its own: it is published in lockstep with `rtbroadcaster`, which re-exports what
//! applications use.

pub mod address_block;
pub mod audience;
pub mod backlog;
pub mod chain;
pub mod close;
pub mod closing;
pub mod config;
pub mod deadlines;
pub mod histogram;
pub mod id;
pub mod identity;
pub mod limit;
pub mod message;
pub mod options;
pub mod origin;
pub mod oversize;
pub mod owner_key;
pub mod protocol;
pub mod random;
pub mod rate;
pub mod record;
pub mod refusal;
pub mod room;
pub mod signal;
pub mod standing;
pub mod superseding;
pub mod wire;

//! The library as an application sees it: real sockets, an independent client, a file per story.
//!
//! `house`, `client`, `classic`, `record`, `transcript`, `moment` and `overheard` are the furniture; the rest are stories.

#![allow(
    clippy::unwrap_used,
    reason = "a story whose step fails has failed, and clippy allows it in test functions only"
)]

mod classic;
mod client;
mod conversations;
mod defects;
mod embedding;
mod extremes;
mod hostile;
mod house;
mod invariant;
mod moment;
mod overheard;
mod ownership;
mod record;
#[cfg(feature = "remote")]
mod remote;
mod transcript;
mod v2;

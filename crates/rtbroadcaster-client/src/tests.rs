//! Tests of a viewer and an owner against a scripted server, in memory and on tokio's paused clock, which advances only
//! when no task can run.

mod cursors;
mod endings;
mod heartbeats;
mod hostile;
mod leases;
mod listening;
mod lives;
mod owners;
mod patience;
mod repeats;
mod script;
mod silence;
mod storms;
mod tears;
mod told;

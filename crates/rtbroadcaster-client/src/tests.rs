//! Stories of a viewer and an owner, against a server that plays what is written, in memory and on a clock that only waits
//! when nobody has anything to do.

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

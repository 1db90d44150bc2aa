//! The code shared by the project's programs: steps that are printed, and tools that are found or installed. Must not
//! know the programs.

pub mod apt;
pub mod nats_server;
pub mod node;
pub mod steps;

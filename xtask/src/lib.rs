//! What the project's programs share: steps that are told, and tools that are found or installed. Must not know what they are for.

pub mod apt;
pub mod node;
pub mod steps;

//! One speaks, everyone is in step.

mod close;
pub use close::CloseReason;

//! The contract of a shared log, on real NATS servers.

//! The server as its operator and its clients meet it: a process of its own, spoken to over the network only.

#![allow(clippy::unwrap_used, reason = "a step that fails ends its test, and clippy allows it in test functions only")]

mod client;
mod connection;
mod kept;
mod process;
mod relay;
mod server;
mod terminal;

mod bench;
mod command_line;
mod deadlines;
mod directories;
mod handshake;
mod listening;
mod metrics;
mod outages;
mod proxies;
mod proxy_headers;
mod reload;
mod remote;
mod replays;
mod restarts;
mod restores;
mod rooms;
mod scarce;
mod sdk;
mod shutdown;
mod site;
mod sockets;
mod streams;
mod viewers;

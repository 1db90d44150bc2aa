//! Rooms behind bare hyper 1, without axum.
//!
//! `cargo run -p rtbroadcaster --example hyper_bare [ADDRESS]`

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rtbroadcaster::{Config, Manager, Permit, Upgrade};

async fn answer(manager: &Manager, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/broadcasting" {
        let mut response = Response::new(Full::from("not found\n"));
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    }
    match Upgrade::new(&mut request) {
        Ok(upgrade) => upgrade.accept(manager, Permit::anything()).await,
        Err(error) => error.answer(manager),
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on ws://{}/broadcasting", listener.local_addr()?);

    let manager = Manager::new(Config::default());
    loop {
        // A server in earnest lives on when it has no file descriptor left for a moment.
        let (socket, _) = listener.accept().await?;
        let manager = manager.clone();
        tokio::spawn(async move {
            let service = service_fn(async |request| Ok::<_, Infallible>(answer(&manager, request).await));
            let connection = hyper::server::conn::http1::Builder::new()
                // With a timer, hyper closes a connection that does not finish its request in 30 s.
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(socket), service)
                // Without this hyper keeps the connection, and every upgrade fails.
                .with_upgrades();
            if let Err(error) = connection.await {
                eprintln!("connection: {error}");
            }
        });
    }
}

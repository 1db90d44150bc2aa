//! Tests only: an echo over everything that carries a client's bytes, from the handshake to the close, on all kinds of
//! sockets. It is a driver of its own over the decoder, the outbox and the socket of every client. `cargo xtask
//! autobahn` has the Autobahn test suite judge it. Must not know that suite.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rtbroadcaster_core::backlog::Ending;
use rtbroadcaster_core::close::CloseReason;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::wire::{self, Binary, Control, Decoder, DecoderLimits, Violation, encode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::*;
use crate::client::receive;
use crate::clock::Clock;
use crate::fanout::{Drained, Outbox};
use crate::metrics::Counters;
#[cfg(feature = "tls")]
use crate::socket::pairs::secured;
use crate::socket::{Socket, Stream, tune};

/// How long anything but the suite may take.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the echo serves the suite at most.
const SUITE: Duration = Duration::from_secs(3 * 3600);

/// The kind of socket under a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// A TCP socket, to which a lane writes.
    Direct,
    /// A stream that holds back what is not flushed, as TLS may: only the client task writes to it.
    Generic,
    /// TLS over a TCP socket: a lane writes to it too.
    #[cfg(feature = "tls")]
    Tls,
}

/// The paths that a plain client can speak through.
const PLAIN_PATHS: [Path; 2] = [Path::Direct, Path::Generic];

const PATHS: &[Path] = &[
    Path::Direct,
    Path::Generic,
    #[cfg(feature = "tls")]
    Path::Tls,
];

/// The client's end of a connection to an echo.
async fn connect(path: Path, address: SocketAddr) -> Box<dyn Stream> {
    let tcp = TcpStream::connect(address).await.unwrap();
    match path {
        Path::Direct | Path::Generic => Box::new(tcp),
        #[cfg(feature = "tls")]
        Path::Tls => Box::new(secured::connect(tcp).await),
    }
}

/// Serves `path` on a free port, until the runtime ends.
async fn open(path: Path) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            match path {
                Path::Direct => drop(tokio::spawn(serve(tcp, path))),
                Path::Generic => drop(tokio::spawn(serve(BufStream::new(tcp), path))),
                #[cfg(feature = "tls")]
                Path::Tls => {
                    tokio::spawn(async move {
                        let stream = secured::acceptor().accept(tcp).await.unwrap();
                        serve(stream, path).await;
                    });
                }
            }
        }
    });
    address
}

async fn serve<S>(stream: S, path: Path)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let answer = |mut request: http::Request<Incoming>| {
        let response = match Upgrade::new(&mut request) {
            Ok(upgrade) => {
                let response = handshake::response(&upgrade.0.as_ref().unwrap().handshake, None);
                tokio::spawn(echo(upgrade, path));
                response.map(|()| Full::<Bytes>::default())
            }
            Err(error) => error.into_response(),
        };
        std::future::ready(Ok::<_, Infallible>(response))
    };
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
    // A client whose connection is not upgraded gets the reason in the answer.
    let _ = connection.with_upgrades().await;
}

async fn echo(upgrade: Upgrade, path: Path) {
    let Ok(upgraded) = upgrade.0.unwrap().socket.await else { return };
    // No limit applies but that of a stall, which ends no connection here: it says whether something waits for the
    // socket.
    let config = Config { backlog_bytes_max: Limit::None, stall_timeout: Limit::Max(SUITE), ..Config::default() };
    let (socket, first) = socket_of(upgraded, take_back, None, &config);
    let direct = path != Path::Generic;
    assert_eq!((socket.handle().is_some(), socket.peer().is_some()), (direct, direct), "{path:?}");
    if let Some(socket) = socket.handle() {
        assert!(socket.tcp().nodelay().unwrap(), "the options are set, whatever is over the socket: {path:?}");
    }
    let (dialect, counters) = (&rtbroadcaster_core::protocol::classic::DIALECT, Arc::new(Counters::new([])));
    let limits = DecoderLimits {
        message_bytes_max: usize::MAX,
        fragments_max: u32::MAX,
        binary: Binary::Accept,
        ..DecoderLimits::default()
    };
    let outbox = Outbox::new(socket.handle(), dialect, Clock::start(), &counters, &config);
    let mut echo = Echo { socket, outbox, decoder: Decoder::new(limits), inbox: VecDeque::new() };
    receive(&mut echo.decoder, &mut echo.inbox, &first);
    while let Some(incoming) = poll_fn(|cx| echo.poll_next(cx)).await {
        echo.answer(incoming);
    }
    // The peer reads the close before the socket is closed.
    let _ = timeout(DEADLINE, poll_fn(|cx| echo.poll_end(cx))).await;
}

/// A connection that sends back what it receives, binary messages included, of any size, in any number of fragments and
/// at any pace.
struct Echo {
    socket: Socket,
    outbox: Arc<Outbox>,
    decoder: Decoder,
    inbox: VecDeque<Result<wire::Incoming, Violation>>,
}

impl Echo {
    /// Returns what was received next, as soon as everything before it is answered and the socket has taken the
    /// answers. `None` when the close is written or the peer is gone.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<wire::Incoming, Violation>>> {
        let Self { socket, outbox, decoder, inbox } = self;
        loop {
            match outbox.poll_drain(cx, |cx, slices| socket.poll_write(cx, slices)) {
                Poll::Ready(Ok(Drained::Closed | Drained::Lost) | Err(_)) => return Poll::Ready(None),
                Poll::Pending if matches!(socket.poll_flush(cx), Poll::Ready(Err(_))) => return Poll::Ready(None),
                Poll::Pending if outbox.ending() != Ending::Open || outbox.stalls_at().is_some() => {
                    return Poll::Pending;
                }
                Poll::Pending => {}
            }
            if let Some(incoming) = inbox.pop_front() {
                return Poll::Ready(Some(incoming));
            }
            let read = socket.poll_read(cx, |bytes| {
                receive(decoder, inbox, bytes);
                bytes.len()
            });
            match read {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(None),
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Answers a frame as every client is answered, but for messages, which are echoed.
    fn answer(&self, incoming: Result<wire::Incoming, Violation>) {
        match incoming {
            Ok(wire::Incoming::Text(text)) => self.outbox.answer(encode::text(text.as_bytes())),
            Ok(wire::Incoming::Binary(bytes)) => self.outbox.answer(encode::binary(&bytes)),
            Ok(wire::Incoming::Ping(payload)) => self.outbox.pong(&payload),
            Ok(wire::Incoming::Pong(_)) => {}
            Ok(wire::Incoming::Close(code)) => self.outbox.echo_close(code),
            Ok(wire::Incoming::TooBig(_)) => unreachable!("no message is too big"),
            Err(violation) => self.outbox.cut(violation.reason()),
        }
    }

    /// Shuts the write half down, and reads to the end.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.socket.poll_shutdown(cx))?;
        loop {
            if ready!(self.socket.poll_read(cx, <[u8]>::len))? == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "serves until its stdin ends: `cargo xtask autobahn` runs it"]
async fn an_echo_serves_both_paths_until_its_stdin_ends() {
    for path in PLAIN_PATHS {
        println!("\n{path:?} ws://{}", open(path).await);
    }
    let (ended, end) = oneshot::channel();
    // No task waits for this thread: the read cannot be cancelled.
    std::thread::spawn(move || ended.send(io::copy(&mut io::stdin(), &mut io::sink())));
    let ended = timeout(SUITE, end).await;
    assert!(ended.is_ok_and(|read| read.is_ok()), "nobody has ended the echo");
}

/// A frame of a client, under a mask of zeroes.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = payload.len();
    let mut bytes = match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ 0..126), _) => vec![first, 0x80 | short],
        (_, Ok(length)) => [&[first, 0xfe], &length.to_be_bytes()[..]].concat(),
        _ => [&[first, 0xff], &(length as u64).to_be_bytes()[..]].concat(),
    };
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(payload);
    bytes
}

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// The frames that a client sends with one write, and those that it gets to the end of the connection, or before it
/// closes it.
type Talk = (&'static str, Vec<Vec<u8>>, Vec<Bytes>);

fn pong(payload: &[u8]) -> Bytes {
    encode::pong(&Control::new(payload).unwrap())
}

/// Returns what ends a connection by the server: nothing is sent behind it.
fn broken() -> Vec<Talk> {
    let not_utf8 = [frame(0x01, "κόσμε".as_bytes()), frame(0x00, &[0xf4, 0x90])];
    let framing = || encode::close(CloseReason::Framing);
    let close = |body: &[u8]| frame(CLOSE, body);
    vec![
        (
            "a reserved opcode",
            vec![frame(TEXT, b"a"), frame(0x85, b""), frame(PING, b"")],
            vec![encode::text(b"a"), framing()],
        ),
        (
            "a reserved control opcode",
            vec![frame(TEXT, b"a"), frame(0x8b, b"b"), frame(PING, b"")],
            vec![encode::text(b"a"), framing()],
        ),
        (
            "a reserved bit",
            vec![frame(TEXT, b"a"), frame(0xc1, b"b"), frame(PING, b"")],
            vec![encode::text(b"a"), framing()],
        ),
        (
            "a continuation of nothing",
            vec![frame(0x01, b"a"), frame(0x80, b"b"), frame(0x00, b"c"), frame(TEXT, b"d")],
            vec![encode::text(b"ab"), framing()],
        ),
        ("a message in a message", vec![frame(0x01, b"a"), frame(TEXT, b"b")], vec![framing()]),
        ("a ping of 126 bytes", vec![frame(PING, &[0; 126])], vec![framing()]),
        ("text that is broken before its end", not_utf8.to_vec(), vec![encode::close(CloseReason::NotUtf8)]),
        (
            "a message, then a close, then a ping",
            vec![frame(TEXT, b"a"), close(&[3, 232]), frame(PING, b"")],
            vec![encode::text(b"a"), encode::close_echo(Some(1000))],
        ),
        ("two closes", vec![close(&[3, 232]), close(b"")], vec![encode::close_echo(Some(1000))]),
        ("a close without a code", vec![close(b"")], vec![encode::close_echo(None)]),
        ("a close of one byte", vec![close(b"a")], vec![framing()]),
        (
            "a close of 125 bytes",
            vec![close(&[&[15, 160], &[b'x'; 123][..]].concat())],
            vec![encode::close_echo(Some(4000))],
        ),
        ("a close of 126 bytes", vec![close(&[&[15, 160], &[b'x'; 124][..]].concat())], vec![framing()]),
        ("a close code that must not be sent", vec![close(&[3, 237])], vec![framing()]),
        ("a close whose reason is not UTF-8", vec![close(&[3, 232, 0xff])], vec![encode::close(CloseReason::NotUtf8)]),
    ]
}

/// Returns what does not end a connection.
fn lawful() -> Vec<Talk> {
    let payloads: Vec<String> = (0..10).map(|n| format!("payload-{n}")).collect();
    let big = "€".repeat(400_000);
    let fragments = |first: u8, bytes: &[u8]| {
        let mut parts: Vec<_> = bytes.chunks(64).map(|part| frame(0x00, part)).collect();
        parts[0][0] = first;
        parts.push(frame(0x80, b""));
        parts
    };
    vec![
        (
            "ten pings",
            payloads.iter().map(|payload| frame(PING, payload.as_bytes())).collect(),
            payloads.iter().map(|payload| pong(payload.as_bytes())).collect(),
        ),
        (
            "a ping between fragments",
            vec![frame(0x01, b"a"), frame(PING, b"1"), frame(0x80, b"b")],
            vec![pong(b"1"), encode::text(b"ab")],
        ),
        (
            "a ping behind a message",
            vec![frame(TEXT, b"a"), frame(PING, b"1"), frame(TEXT, b"b")],
            vec![encode::text(b"a"), pong(b"1"), encode::text(b"b")],
        ),
        ("an unasked pong", vec![frame(0x8a, b"why"), frame(TEXT, b"")], vec![encode::text(b"")]),
        (
            "bytes that are no text",
            vec![frame(BINARY, &[0xfe; 127]), frame(0x02, &[0xff]), frame(0x80, &[0xfe])],
            vec![encode::binary(&[0xfe; 127]), encode::binary(&[0xff, 0xfe])],
        ),
        ("a big text in one frame", vec![frame(TEXT, big.as_bytes())], vec![encode::text(big.as_bytes())]),
        ("a big text in small fragments", fragments(0x01, big.as_bytes()), vec![encode::text(big.as_bytes())]),
        ("big bytes in small fragments", fragments(0x02, &[0xff; 100_000]), vec![encode::binary(&[0xff; 100_000])]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn all_paths_answer_each_talk_to_the_byte_however_it_ends() {
    let bye = [frame(CLOSE, &[3, 232]), encode::close_echo(Some(1000)).to_vec()];
    let talks = lawful().into_iter().map(|talk| (talk, true)).chain(broken().into_iter().map(|talk| (talk, false)));
    let talks: Vec<_> = talks.collect();
    for path in PATHS.iter().copied() {
        let address = open(path).await;
        for ((name, said, expected), goes_on) in &talks {
            let talk = async {
                let stream = connect(path, address).await;
                let (client, _) = tokio_tungstenite::client_async(format!("ws://{address}/"), stream).await.unwrap();
                let (mut from, mut to) = tokio::io::split(client.into_inner());
                let said = said.concat();
                // Beside the reading: neither side takes a big message whole before it gives.
                let writing = tokio::spawn(async move { to.write_all(&said).await.map(|()| to) });
                let mut got = vec![0; expected.concat().len()];
                from.read_exact(&mut got).await.unwrap();
                assert!(got == expected.concat(), "{name}, {path:?}: {:x?}", &got[..got.len().min(200)]);
                let mut to = writing.await.unwrap().unwrap();
                if *goes_on {
                    to.write_all(&bye[0]).await.unwrap();
                }
                let mut rest = Vec::new();
                from.read_to_end(&mut rest).await.unwrap();
                assert_eq!(rest, if *goes_on { bye[1].clone() } else { Vec::new() }, "{name}, {path:?}");
            };
            timeout(DEADLINE, talk).await.unwrap_or_else(|_| panic!("{name}, {path:?}: the echo waits"));
        }
    }
}

#[tokio::test]
async fn options_that_the_listener_has_set_are_not_set_again() {
    for is_tuned in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let client = tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            tokio_tungstenite::client_async(format!("ws://{address}/"), stream).await.unwrap()
        });
        let (tcp, _) = listener.accept().await.unwrap();
        let tuned = is_tuned.then(|| tune(&tcp, &Config::default()));
        // A trace of a second setting.
        tcp.set_nodelay(false).unwrap();
        let (found, mut seen) = tokio::sync::mpsc::channel(1);
        let answer = |mut request: http::Request<Incoming>| {
            if let Some(tuned) = tuned {
                request.extensions_mut().insert(tuned);
            }
            let offer = Upgrade::new(&mut request).unwrap().0.unwrap();
            let response = handshake::response(&offer.handshake, None);
            let found = found.clone();
            tokio::spawn(async move {
                let upgraded = offer.socket.await.unwrap();
                let (socket, _) = socket_of(upgraded, take_back, offer.tuned, &Config::default());
                found.send(socket.handle().unwrap().tcp().nodelay().unwrap()).await.unwrap();
            });
            std::future::ready(Ok::<_, Infallible>(response.map(|()| Full::<Bytes>::default())))
        };
        let connection = http1::Builder::new().serve_connection(TokioIo::new(tcp), service_fn(answer));
        connection.with_upgrades().await.unwrap();
        assert_eq!(timeout(DEADLINE, seen.recv()).await.unwrap(), Some(!is_tuned));
        client.await.unwrap();
    }
}

//! A TCP connection spoken by hand: HTTP as it should be, and as it should not.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, Interval};

use crate::server::{Server, soon};

/// What RFC 6455 section 1.3 sends, without the lines that a test changes.
pub(crate) const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
pub(crate) const WISH: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
pub(crate) const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";

/// One connection.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    /// The server's address, for the Host header.
    host: String,
    /// When it was there.
    opened: Instant,
}

/// An HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header; names are compared without regard to case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }
}

impl Connection {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_at(server.address).await
    }

    /// One that comes from `address` of this machine.
    pub(crate) async fn open_from(server: &Server, address: &str) -> Self {
        Self::connect(server.address, address).await
    }

    pub(crate) async fn open_at(address: SocketAddr) -> Self {
        Self::connect(address, "127.0.0.1").await
    }

    /// One that takes little before it reads.
    pub(crate) async fn open_small(server: &Server) -> Self {
        Self::open_small_from(server, "127.0.0.1").await
    }

    /// The same from `address` of this machine.
    pub(crate) async fn open_small_from(server: &Server, address: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(1_024).unwrap();
        Self::connect_by(socket, server.address, address).await
    }

    async fn connect(to: SocketAddr, from: &str) -> Self {
        Self::connect_by(TcpSocket::new_v4().unwrap(), to, from).await
    }

    async fn connect_by(socket: TcpSocket, to: SocketAddr, from: &str) -> Self {
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        let stream = soon("connecting", socket.connect(to)).await.unwrap();
        Self { stream: BufReader::new(stream), host: to.to_string(), opened: Instant::now() }
    }

    /// Writes as it is. The peer may be gone.
    pub(crate) async fn write(&mut self, text: &str) -> std::io::Result<()> {
        self.write_bytes(text.as_bytes()).await
    }

    /// The same for what is no text.
    pub(crate) async fn write_bytes(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The connection itself. Nothing may have come yet.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream.into_inner()
    }

    /// Sends a request with these header lines besides Host and gets its answer. The connection stays open.
    pub(crate) async fn ask(&mut self, request: &str, headers: &str) -> Answer {
        let host = &self.host;
        self.write(&format!("{request} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")).await.unwrap();
        self.answer().await
    }

    /// The status of the answer to a request. Nothing behind the head is read: an answer to HEAD has no body.
    pub(crate) async fn status(&mut self, request: &str) -> u16 {
        let head = format!("{request} HTTP/1.1\r\nHost: {}\r\n\r\n", self.host);
        self.write(&head).await.unwrap();
        let mut line = String::new();
        soon("an answer", self.stream.read_line(&mut line)).await.unwrap();
        line.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// Sends a request to another name than the server's address.
    pub(crate) async fn ask_host(&mut self, request: &str, host: &str) -> Answer {
        host.clone_into(&mut self.host);
        self.ask(request, "").await
    }

    /// Asks for the upgrade, with these header lines besides.
    pub(crate) async fn upgrade(&mut self, headers: &str) -> Answer {
        self.ask("GET /broadcasting", &format!("{WISH}{VERSION}{KEY}{headers}")).await
    }

    /// Sends a text frame of at most 125 bytes, masked with zeros.
    pub(crate) async fn say(&mut self, text: &str) {
        let length = u8::try_from(text.len()).unwrap();
        assert!(length <= 125);
        self.stream.write_all(&[0x81, 0x80 | length, 0, 0, 0, 0]).await.unwrap();
        self.write(text).await.unwrap();
    }

    /// The next answer.
    pub(crate) async fn answer(&mut self) -> Answer {
        soon("an answer", async {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                assert!(self.stream.read_line(&mut head).await.unwrap() > 0, "the answer ended early: {head:?}");
            }
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let mut answer = Answer { status, head, body: String::new() };
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            let mut body = vec![0; length];
            self.stream.read_exact(&mut body).await.unwrap();
            answer.body = String::from_utf8(body).unwrap();
            answer
        })
        .await
    }

    /// Waits for one byte of whatever comes next.
    pub(crate) async fn byte(&mut self) {
        soon("a byte", self.stream.read_u8()).await.unwrap();
    }

    /// Waits for a byte, or for the end of the connection.
    pub(crate) async fn byte_or_end(&mut self) -> Option<u8> {
        self.stream.read_u8().await.ok()
    }

    /// Waits until the server ends the connection, and gives what came before and how old the connection was.
    pub(crate) async fn ended(&mut self) -> (Vec<u8>, Duration) {
        let mut came = Vec::new();
        // A reset is an end too.
        let _ = within_9_seconds(self.stream.read_to_end(&mut came)).await;
        (came, self.opened.elapsed())
    }

    /// As [`ended`](Self::ended), writing a byte with every tick until then.
    pub(crate) async fn ended_while_trickling(&mut self, mut ticks: Interval) -> (Vec<u8>, Duration) {
        let (mut reader, mut writer) = self.stream.get_mut().split();
        let mut came = Vec::new();
        let trickle = async {
            // Its failure is seen by the reader.
            while writer.write_all(b"a").await.is_ok() {
                ticks.tick().await;
            }
            std::future::pending().await
        };
        tokio::select! {
            ended = within_9_seconds(reader.read_to_end(&mut came)) => drop(ended),
            () = trickle => {}
        }
        (came, self.opened.elapsed())
    }
}

async fn within_9_seconds<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(9), future).await.expect("the server keeps the connection")
}

//! A client by an independent WebSocket implementation, on any stream. Must not know what the server should say.

use std::net::SocketAddr;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::classic;
use crate::moment::within;

/// What came from the server. Its pings are answered and do not count, and how many watch does only where that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Came {
    Text(String),
    Pong(Vec<u8>),
    /// A close frame, its code and its word.
    Close(u16, String),
    /// A frame that this server has no reason to send.
    Strange(String),
    /// The connection is over, how is for a human.
    End(String),
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client<S = TcpStream> {
    socket: WebSocketStream<S>,
    /// The subprotocol that the server has chosen.
    pub(crate) subprotocol: Option<String>,
}

/// The handshake to the door at `address`, offering `protocol`.
pub(crate) fn request(address: &str, protocol: Option<&'static str>) -> Request {
    let mut request = format!("ws://{address}/broadcasting").into_client_request().unwrap();
    if let Some(protocol) = protocol {
        request.headers_mut().insert("sec-websocket-protocol", protocol.parse().unwrap());
    }
    request
}

impl Client<TcpStream> {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::connect_as(address, request(&address.to_string(), None)).await.unwrap()
    }

    /// Connects with a handshake of the caller's.
    pub(crate) async fn connect_as(address: SocketAddr, request: Request) -> Result<Self, Error> {
        let socket = within("connecting", TcpStream::connect(address)).await.unwrap();
        // As browsers do: a second small message does not wait for an answer to the first.
        socket.set_nodelay(true).unwrap();
        Self::open(request, socket).await
    }

    /// A client whose kernel holds little, so that it is slow as soon as it does not read.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        Self::connect_narrow_as(address, request(&address.to_string(), None)).await
    }

    /// The same with a handshake of the caller's.
    pub(crate) async fn connect_narrow_as(address: SocketAddr, request: Request) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 * 1024).unwrap();
        let socket = within("connecting", socket.connect(address)).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self::open(request, socket).await.unwrap()
    }

    /// The connection under the WebSocket, for a client that frames by hand. Nothing may have come yet.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Does the handshake on `stream`.
    pub(crate) async fn open(request: Request, stream: S) -> Result<Self, Error> {
        let opening = tokio_tungstenite::client_async(request, stream);
        let (socket, response) = within("the handshake", opening).await?;
        let subprotocol = response.headers().get("sec-websocket-protocol");
        let subprotocol = subprotocol.map(|chosen| String::from_utf8_lossy(chosen.as_bytes()).into_owned());
        Ok(Self { socket, subprotocol })
    }

    /// Opens a room and gives its name.
    pub(crate) async fn create(&mut self) -> String {
        self.send(classic::CREATE).await;
        let answer = self.text().await;
        let room = answer.strip_prefix(r#"{"uuid":""#).and_then(|rest| rest.get(..36)).unwrap_or_default().to_owned();
        assert_eq!(answer, classic::connected(&room));
        room
    }

    /// Joins `room`.
    pub(crate) async fn join(&mut self, room: &str) {
        self.send(&classic::join(room)).await;
        self.expect(&classic::connected(room)).await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        within("sending", self.socket.send(Message::text(text))).await.unwrap();
    }

    /// Sends all of them with as few writes as possible.
    pub(crate) async fn send_all(&mut self, texts: impl IntoIterator<Item = String>) {
        for text in texts {
            within("sending", self.socket.feed(Message::text(text))).await.unwrap();
        }
        within("sending", self.socket.flush()).await.unwrap();
    }

    pub(crate) async fn send_binary(&mut self, bytes: &[u8]) {
        within("sending", self.socket.send(Message::binary(bytes.to_vec()))).await.unwrap();
    }

    /// Writes bytes as they are: broken or hand-made frames.
    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        within("sending", self.socket.get_mut().write_all(bytes)).await.unwrap();
        within("sending", self.socket.get_mut().flush()).await.unwrap();
    }

    pub(crate) async fn send_ping(&mut self, payload: &[u8]) {
        within("sending", self.socket.send(Message::Ping(payload.to_vec().into()))).await.unwrap();
    }

    pub(crate) async fn send_close(&mut self) {
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        within("sending", self.socket.close(Some(close))).await.unwrap();
    }

    /// Its two directions, for a client that writes in one task and reads in another.
    pub(crate) fn split(self) -> (ClientWriter<S>, ClientReader<S>) {
        let (writer, reader) = self.socket.split();
        (ClientWriter(writer), ClientReader(reader))
    }

    /// The next thing that comes.
    pub(crate) async fn next(&mut self) -> Came {
        within("the next message", self.next_at_any_time()).await
    }

    /// Returns the next thing that comes, without a deadline: for a reader that stops with its test.
    pub(crate) async fn next_at_any_time(&mut self) -> Came {
        next(&mut self.socket).await
    }

    /// The next thing that comes, be it only how many watch.
    pub(crate) async fn next_of_all(&mut self) -> Came {
        within("the next message", next_of_all(&mut self.socket)).await
    }

    /// The same without a deadline.
    pub(crate) async fn next_of_all_at_any_time(&mut self) -> Came {
        next_of_all(&mut self.socket).await
    }

    /// The next thing that comes is a text.
    pub(crate) async fn text(&mut self) -> String {
        match self.next().await {
            Came::Text(text) => text,
            other => panic!("expected a text, but came {other:?}"),
        }
    }

    /// The next thing that comes is `text`.
    #[track_caller]
    pub(crate) fn expect<'a>(&'a mut self, text: &'a str) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let came = self.next().await;
            assert_eq!(came, Came::Text(text.to_owned()), "at {caller}");
        }
    }

    /// The next thing that comes is a close frame with `code`; then the connection ends.
    pub(crate) async fn expect_close(&mut self, code: u16) {
        match self.next().await {
            Came::Close(came, _) if came == code => {}
            other => panic!("expected the close {code}, but came {other:?}"),
        }
        self.expect_end().await;
    }

    /// Nothing comes any more but the end of the connection.
    pub(crate) async fn expect_end(&mut self) {
        match self.next().await {
            Came::End(_) => {}
            other => panic!("expected the end, but came {other:?}"),
        }
    }

    /// Nothing has come that was not looked at, and the server is there: the next thing is the pong.
    pub(crate) async fn expect_nothing(&mut self) {
        self.send_ping(b"there?").await;
        match self.next().await {
            Came::Pong(payload) if payload == b"there?" => {}
            other => panic!("expected only the pong, but came {other:?}"),
        }
    }
}

/// The direction of a connection to the server.
#[derive(Debug)]
pub(crate) struct ClientWriter<S>(SplitSink<WebSocketStream<S>, Message>);

impl<S: AsyncRead + AsyncWrite + Unpin> ClientWriter<S> {
    /// Writes now or with what comes next. Without a deadline: a server may slow its client.
    pub(crate) async fn feed(&mut self, text: &str) -> Result<(), Error> {
        self.0.feed(Message::text(text)).await
    }

    /// Writes what was fed.
    pub(crate) async fn flush(&mut self) -> Result<(), Error> {
        self.0.flush().await
    }
}

/// The direction of a connection from the server.
#[derive(Debug)]
pub(crate) struct ClientReader<S>(SplitStream<WebSocketStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> ClientReader<S> {
    /// The next thing that comes, without a deadline.
    pub(crate) async fn next_at_any_time(&mut self) -> Came {
        next(&mut self.0).await
    }
}

async fn next(stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin)) -> Came {
    loop {
        match next_of_all(stream).await {
            Came::Text(text) if text.starts_with(AUDIENCE) || tells_of_a_viewer(&text) => {}
            came => return came,
        }
    }
}

/// The beginning of a notice of the audience. When it comes depends on the time, so a client gets it only by asking for
/// it.
pub(crate) const AUDIENCE: &str = r#"{"type":"audience","#;

/// A heartbeat begins like this.
pub(crate) const ALIVE: &str = r#"{"type":"alive","#;

/// Returns whether `text` announces more frequent heartbeats to an owner, which come beside `audience` with the first
/// viewer.
fn tells_of_a_viewer(text: &str) -> bool {
    text.starts_with(ALIVE) && text.ends_with(r#","nextMs":5000}"#)
}

async fn next_of_all(stream: &mut (impl Stream<Item = Result<Message, Error>> + Unpin)) -> Came {
    loop {
        let came = stream.next().await;
        if !matches!(came, Some(Ok(Message::Ping(_)))) {
            return read(came);
        }
    }
}

fn read(came: Option<Result<Message, Error>>) -> Came {
    match came {
        Some(Ok(Message::Text(text))) => Came::Text(text.as_str().to_owned()),
        Some(Ok(Message::Pong(payload))) => Came::Pong(payload.to_vec()),
        Some(Ok(Message::Close(Some(close)))) => Came::Close(close.code.into(), close.reason.as_str().to_owned()),
        // RFC 6455 section 7.4.1: 1005 stands for a close frame without a code.
        Some(Ok(Message::Close(None))) => Came::Close(1005, String::new()),
        Some(Ok(other)) => Came::Strange(format!("{other:?}")),
        Some(Err(error)) => Came::End(error.to_string()),
        None => Came::End("the end".to_owned()),
    }
}

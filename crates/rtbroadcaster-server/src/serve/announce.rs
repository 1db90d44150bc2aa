//! The announcement on standard output when the server is ready: the addresses for presenters and viewers with a QR
//! code, or a line of JSON for programs.
//! Must not know connections.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use rtbroadcaster::Ack;
use serde_json::json;

use crate::log::Format;
use crate::settings::Settings;

/// Prints the announcement, from a thread of its own: stdout may have no reader.
pub(super) fn ready(addresses: &[SocketAddr], admin: &[SocketAddr], settings: &Settings) {
    let reach = addresses.iter().find_map(|address| Some(SocketAddr::new(reach(*address)?, address.port())));
    let announcement = Announcement::new(addresses, admin, settings, reach);
    let text = match settings.log_format {
        Format::Text => announcement.text(settings, io::stdout().is_terminal()),
        Format::Json => announcement.json(settings),
    };
    let say = move || {
        let mut out = io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    // A full pipe blocks this thread only.
    if let Err(error) = thread::Builder::new().name("announce".to_owned()).spawn(say) {
        tracing::warn!(%error, "no announcement on standard output: the system has no thread for it");
    }
}

/// The contents of the announcement.
struct Announcement {
    /// The addresses on which the server listens.
    addresses: Vec<SocketAddr>,
    /// The URL of the pages without a slash at the end, as other machines see it if they can reach it.
    home: String,
    /// The URL of the WebSocket endpoint.
    websocket: String,
    /// The URLs of the metrics.
    metrics: Vec<String>,
    /// Other machines can open `home`.
    is_reachable: bool,
}

impl Announcement {
    /// Returns the contents for a server that listens on `addresses`. Other machines can reach it at `reach`, if set.
    fn new(addresses: &[SocketAddr], admin: &[SocketAddr], settings: &Settings, reach: Option<SocketAddr>) -> Self {
        let near = |address: &SocketAddr| {
            let ip = if address.ip().is_unspecified() { loopback(*address) } else { address.ip() };
            SocketAddr::new(ip, address.port())
        };
        let public = settings.config.public_url.as_ref().map(ToString::to_string);
        let is_reachable = public.is_some() || reach.is_some();
        let open = reach.or_else(|| addresses.first().map(near));
        let home = public.or_else(|| open.map(|address| format!("http://{address}"))).unwrap_or_default();
        // `ws` is to `http` what `wss` is to `https` (RFC 6455 section 3).
        let websocket = format!("ws{}{}", home.strip_prefix("http").unwrap_or(&home), settings.path);
        let metrics = admin.iter().map(|admin| format!("http://{admin}/metrics")).collect();
        Self { addresses: addresses.to_vec(), home, websocket, metrics, is_reachable }
    }

    /// Returns the text for people, with a QR code if stdout is a terminal and other machines can open the page.
    fn text(&self, settings: &Settings, is_terminal: bool) -> String {
        let Self { addresses, home, websocket, metrics, is_reachable } = self;
        let rooms = match (&settings.nats, &settings.data_dir) {
            (Some(servers), _) => format!("in {servers}, as {}, on each of its nodes", settings.nats_namespace),
            (None, None) => "in memory: they end with this server".to_owned(),
            (None, Some(directory)) => {
                let level = match settings.ack {
                    Ack::Written => "they are written",
                    Ack::Disk => "they are on the disk",
                };
                format!("in {}; messages are acknowledged when {level}", directory.display())
            }
        };
        let mut text = format!(
            "rtbroadcaster is ready.\n\n  Present    {home}/\n  Viewers    {home}/?uuid=ROOM\n  Rooms      {rooms}\n"
        );
        if addresses.len() > 1 || addresses.iter().any(|address| *home != format!("http://{address}")) {
            // The addresses for a proxy, with the port that the system has chosen.
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            text.push_str(&format!("  Listening  {}\n", addresses.join(", ")));
        }
        text.push_str(&format!("  WebSocket  {websocket}\n"));
        for metrics in metrics {
            text.push_str(&format!("  Metrics    {metrics}\n"));
        }
        text.push('\n');
        if is_terminal
            && *is_reachable
            && let Ok(code) = QrCode::new(format!("{home}/"))
        {
            // Draws the light modules and leaves the dark ones out: most terminals are dark.
            let code = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
            text.push_str(&code);
            text.push('\n');
        }
        text
    }

    /// Returns the line of JSON.
    fn json(&self, settings: &Settings) -> String {
        let Self { addresses, home, websocket, metrics, .. } = self;
        let listen: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let directory = settings.data_dir.as_ref().map(|directory| directory.display().to_string());
        let line = json!({
            "message": "ready",
            "listen": listen,
            "present": format!("{home}/"),
            "viewers": format!("{home}/?uuid=ROOM"),
            "websocket": websocket,
            "path": settings.path.to_string(),
            "metrics": metrics.first(),
            "data_dir": directory,
            "nats": settings.nats.as_ref().map(ToString::to_string),
            "ack": directory.as_ref().map(|_| settings.ack.word()),
        });
        format!("{line}\n")
    }
}

/// Returns the loopback address of the family of `address`.
fn loopback(address: SocketAddr) -> IpAddr {
    if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() }
}

/// Returns the IP address under which other machines reach a server that listens on `address`. `None` if they cannot.
fn reach(address: SocketAddr) -> Option<IpAddr> {
    match address.ip() {
        ip if ip.to_canonical().is_loopback() => None,
        ip if !ip.is_unspecified() => Some(ip),
        _ => {
            // Connecting a UDP socket sends nothing; it makes the kernel choose a source address. The destination is
            // reserved for documentation (RFC 5737).
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
            socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
            Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announcement(listen: &str, reach: Option<[u8; 4]>, settings: &Settings) -> Announcement {
        let address: SocketAddr = listen.parse().unwrap();
        Announcement::new(&[address], &[], settings, reach.map(|ip| SocketAddr::new(ip.into(), address.port())))
    }

    fn said(listen: &str, reach: Option<[u8; 4]>, is_terminal: bool) -> String {
        let settings = Settings::default();
        announcement(listen, reach, &settings).text(&settings, is_terminal)
    }

    #[test]
    fn a_server_for_this_machine_names_itself_and_draws_no_code() {
        let said = said("127.0.0.1:8080", None, true);
        assert!(said.contains("Present    http://127.0.0.1:8080/\n"), "{said}");
        assert!(said.contains("Viewers    http://127.0.0.1:8080/?uuid=ROOM\n"), "{said}");
        assert!(said.contains("WebSocket  ws://127.0.0.1:8080/broadcasting\n"), "{said}");
        assert!(!said.contains("Listening"), "it is said already: {said}");
        assert!(!said.contains('█') && !said.contains('▀'), "{said}");
    }

    #[test]
    fn a_server_for_the_network_names_the_address_that_a_phone_can_open() {
        let plain = said("0.0.0.0:9000", Some([192, 168, 1, 7]), false);
        assert!(plain.contains("Present    http://192.168.1.7:9000/\n"), "{plain}");
        assert!(plain.contains("WebSocket  ws://192.168.1.7:9000/broadcasting\n"), "{plain}");
        assert!(plain.contains("Listening  0.0.0.0:9000\n"), "{plain}");
        assert!(!plain.contains('▀'), "no code in a pipe");
        assert!(said("0.0.0.0:9000", Some([192, 168, 1, 7]), true).contains('▀'));
        let alone = said("0.0.0.0:9000", None, false);
        assert!(alone.contains("WebSocket  ws://127.0.0.1:9000/broadcasting\n"), "without a network: {alone}");
    }

    #[test]
    fn how_much_a_room_survives_is_said() {
        assert!(said("127.0.0.1:8080", None, false).contains("Rooms      in memory: they end with this server\n"));
        let settings = Settings { ack: Ack::Disk, ..Settings::with("data_dir", "/var/lib/rooms").unwrap() };
        let said = announcement("127.0.0.1:8080", None, &settings).text(&settings, false);
        assert!(
            said.contains("Rooms      in /var/lib/rooms; messages are acknowledged when they are on the disk\n"),
            "{said}"
        );
    }

    #[test]
    fn every_address_is_named_and_the_one_that_others_reach_is_opened() {
        let listen = ["127.0.0.1:8080".parse().unwrap(), "192.168.1.7:9000".parse().unwrap()];
        let settings = Settings::default();
        let said = Announcement::new(&listen, &[], &settings, Some(listen[1])).text(&settings, false);
        assert!(said.contains("Present    http://192.168.1.7:9000/\n"), "{said}");
        assert!(said.contains("Listening  127.0.0.1:8080, 192.168.1.7:9000\n"), "{said}");
        assert!(said.contains("WebSocket  ws://192.168.1.7:9000/broadcasting\n"), "{said}");
    }

    #[test]
    fn behind_a_proxy_the_public_address_counts() {
        let settings = Settings::with("public_url", "https://show.example.org").unwrap();
        let admin = "127.0.0.1:9464".parse().unwrap();
        let announcement = Announcement::new(&["127.0.0.1:8080".parse().unwrap()], &[admin], &settings, None);
        let said = announcement.text(&settings, false);
        assert!(said.contains("Present    https://show.example.org/\n"), "{said}");
        assert!(said.contains("WebSocket  wss://show.example.org/broadcasting\n"), "{said}");
        assert!(said.contains("Listening  127.0.0.1:8080\n"), "where the proxy finds it: {said}");
        assert!(said.ends_with("  Metrics    http://127.0.0.1:9464/metrics\n\n"), "for this network only: {said}");
        let settings = Settings::with("public_url", "http://show.example.org:81").unwrap();
        let said = self::announcement("127.0.0.1:8080", None, &settings).text(&settings, false);
        assert!(said.contains("WebSocket  ws://show.example.org:81/broadcasting\n"), "{said}");
    }

    #[test]
    fn a_machine_gets_one_line_with_the_same() {
        let settings = Settings::with("data_dir", "/var/lib/\"rooms\"").unwrap();
        let admin = "127.0.0.1:9464".parse().unwrap();
        let announcement = Announcement::new(&["0.0.0.0:9000".parse().unwrap()], &[admin], &settings, None);
        let line = announcement.json(&settings);
        assert_eq!(line.matches('\n').count(), 1);
        let expected = json!({
            "message": "ready",
            "listen": ["0.0.0.0:9000"],
            "present": "http://127.0.0.1:9000/",
            "viewers": "http://127.0.0.1:9000/?uuid=ROOM",
            "websocket": "ws://127.0.0.1:9000/broadcasting",
            "path": "/broadcasting",
            "metrics": "http://127.0.0.1:9464/metrics",
            "data_dir": "/var/lib/\"rooms\"",
            "nats": null,
            "ack": "written",
        });
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), expected);
        let memory = Settings::default();
        let line = self::announcement("127.0.0.1:8080", None, &memory).json(&memory);
        assert!(line.contains("\"ack\":null") && line.contains("\"metrics\":null"), "{line}");
    }
}

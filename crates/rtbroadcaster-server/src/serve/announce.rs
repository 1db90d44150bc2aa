//! What is said on standard output when the server is ready: where to start, where viewers go, and a code to scan.
//! Must not know connections.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use rtbroadcaster::Ack;

use crate::settings::Settings;

/// Says where the server is, and its `admin` addresses. Nobody may be reading it.
pub(super) fn ready(addresses: &[SocketAddr], admin: &[SocketAddr], settings: &Settings) {
    let mut out = io::stdout().lock();
    let reach = addresses.iter().find_map(|address| Some(SocketAddr::new(reach(*address)?, address.port())));
    let text = text(addresses, admin, settings, reach, out.is_terminal());
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The lines, with a code of the address that `reach` tells if a terminal can show it.
fn text(
    addresses: &[SocketAddr],
    admin: &[SocketAddr],
    settings: &Settings,
    reach: Option<SocketAddr>,
    is_terminal: bool,
) -> String {
    let near = |address: &SocketAddr| {
        SocketAddr::new(if address.ip().is_unspecified() { loopback(*address) } else { address.ip() }, address.port())
    };
    let sockets: Vec<_> = addresses.iter().map(|address| format!("ws://{}{}", near(address), settings.path)).collect();
    let home = match (&settings.config.public_url, reach, addresses.first()) {
        (Some(public), ..) => public.to_string(),
        (None, Some(address), _) => format!("http://{address}"),
        (None, None, address) => address.map(|address| format!("http://{}", near(address))).unwrap_or_default(),
    };
    let rooms = match &settings.data_dir {
        None => "in memory: they end with this server".to_owned(),
        Some(directory) => {
            let level = match settings.ack {
                Ack::Written => "they are written",
                Ack::Disk => "they are on the disk",
            };
            format!("in {}; messages are acknowledged when {level}", directory.display())
        }
    };
    let mut text = format!(
        "rtbroadcaster is ready.\n\n  Present    {home}/\n  Viewers    {home}/?uuid=ROOM\n  Rooms      {rooms}\n  \
         WebSocket  {}\n",
        sockets.join("\n             ")
    );
    for admin in admin {
        text.push_str(&format!("  Metrics    http://{admin}/metrics\n"));
    }
    text.push('\n');
    let is_reachable = settings.config.public_url.is_some() || reach.is_some();
    if is_terminal
        && is_reachable
        && let Ok(code) = QrCode::new(format!("{home}/"))
    {
        // Light modules drawn, dark ones left: most terminals are dark.
        let code = code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build();
        text.push_str(&code);
        text.push('\n');
    }
    text
}

/// The loopback address of the family of `address`.
fn loopback(address: SocketAddr) -> IpAddr {
    if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { std::net::Ipv6Addr::LOCALHOST.into() }
}

/// Under which address others on the network reach a server that listens on `address`.
fn reach(address: SocketAddr) -> Option<IpAddr> {
    match address.ip() {
        ip if ip.to_canonical().is_loopback() => None,
        ip if !ip.is_unspecified() => Some(ip),
        _ => {
            // Connecting a datagram socket sends nothing; it makes the kernel choose the address towards the network.
            // The destination is kept free for documentation (RFC 5737).
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
            socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
            Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_loopback() && !ip.is_unspecified())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(listen: &str, reach: Option<[u8; 4]>, is_terminal: bool) -> String {
        let address: SocketAddr = listen.parse().unwrap();
        let reach = reach.map(|ip| SocketAddr::new(ip.into(), address.port()));
        text(&[address], &[], &Settings::default(), reach, is_terminal)
    }

    #[test]
    fn a_server_for_this_machine_names_itself_and_draws_no_code() {
        let said = said("127.0.0.1:8080", None, true);
        assert!(said.contains("Present    http://127.0.0.1:8080/\n"), "{said}");
        assert!(said.contains("Viewers    http://127.0.0.1:8080/?uuid=ROOM\n"), "{said}");
        assert!(said.contains("ws://127.0.0.1:8080/broadcasting\n"), "{said}");
        assert!(!said.contains('█') && !said.contains('▀'), "{said}");
    }

    #[test]
    fn a_server_for_the_network_names_the_address_that_a_phone_can_open() {
        let plain = said("0.0.0.0:9000", Some([192, 168, 1, 7]), false);
        assert!(plain.contains("Present    http://192.168.1.7:9000/\n"), "{plain}");
        assert!(plain.contains("ws://127.0.0.1:9000/broadcasting\n"), "{plain}");
        assert!(!plain.contains('▀'), "no code in a pipe");
        assert!(said("0.0.0.0:9000", Some([192, 168, 1, 7]), true).contains('▀'));
    }

    #[test]
    fn how_much_a_room_survives_is_said() {
        assert!(said("127.0.0.1:8080", None, false).contains("Rooms      in memory: they end with this server\n"));
        let settings = Settings { ack: Ack::Disk, ..Settings::with("data_dir", "/var/lib/rooms").unwrap() };
        let said = text(&["127.0.0.1:8080".parse().unwrap()], &[], &settings, None, false);
        assert!(
            said.contains("Rooms      in /var/lib/rooms; messages are acknowledged when they are on the disk\n"),
            "{said}"
        );
    }

    #[test]
    fn every_address_is_named_and_the_one_that_others_reach_comes_first() {
        let listen = ["127.0.0.1:8080".parse().unwrap(), "192.168.1.7:9000".parse().unwrap()];
        let said = text(&listen, &[], &Settings::default(), Some(listen[1]), false);
        assert!(said.contains("Present    http://192.168.1.7:9000/\n"), "{said}");
        let sockets =
            "  WebSocket  ws://127.0.0.1:8080/broadcasting\n             ws://192.168.1.7:9000/broadcasting\n";
        assert!(said.contains(sockets), "{said}");
    }

    #[test]
    fn behind_a_proxy_the_public_address_counts() {
        let settings = Settings::with("public_url", "https://show.example.org").unwrap();
        let admin = ["127.0.0.1:9464".parse().unwrap()];
        let said = text(&["127.0.0.1:8080".parse().unwrap()], &admin, &settings, None, false);
        assert!(said.contains("Present    https://show.example.org/\n"), "{said}");
        assert!(said.ends_with("  Metrics    http://127.0.0.1:9464/metrics\n\n"), "for this network only: {said}");
    }
}

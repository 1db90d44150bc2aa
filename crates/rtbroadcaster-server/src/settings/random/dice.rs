//! Random texts of settings: valid, almost valid, extreme and nonsense. Repeatable by a seed.

use std::time::Duration;

use super::super::keys::{KEYS, SettingKey};
use super::super::range::Range;
use super::super::value::Shape;

/// A random generator (splitmix64).
#[derive(Debug)]
pub(super) struct Dice(u64);

const NUMBERS: [&str; 20] = [
    "0",
    "1",
    "2",
    "255",
    "256",
    "1000",
    "1023",
    "1024",
    "65536",
    "262144",
    "1048576",
    "1073741824",
    "1073741825",
    "1000000000",
    "4294967295",
    "4294967296",
    "1099511627776",
    "1152921504606846976",
    "18446744073709551615",
    "18446744073709551616",
];
const UNITS: [&str; 12] = ["ns", "us", "ms", "s", "s", "s", "m", "h", "days", "weeks", "months", "years"];
const SIGNS: [char; 24] = [
    'a', 'Z', '0', '9', '-', '+', '.', ':', '/', ',', '=', ' ', '\t', '"', '\'', '\\', '#', '[', ']', 'ä', '٣', '😀',
    '\u{7f}', '\u{202e}',
];
const HOSTS: [&str; 8] = ["localhost", "127.0.0.1", "0.0.0.0", "[::1]", "[::]", "show.example.org", "10.1.2.3", "a_b"];
const SCHEMES: [&str; 7] = ["http", "https", "capacitor", "tauri", "chrome-extension", "ws", "file"];
const NETWORKS: [&str; 6] = ["10.0.0.0/8", "fd00::/8", "192.0.2.7", "::ffff:10.0.0.0/104", "10.1.2.3/8", "0.0.0.0/0"];
const FILTERS: [&str; 9] = [
    "info",
    "off",
    "DEBUG",
    "inof",
    "warn,rtbroadcaster=debug",
    "rtbroadcaster::serve=trace",
    "info,warn",
    "fjall=debug",
    "info[span]",
];
const DIRECTORIES: [&str; 5] = ["/var/lib/rooms", "räume", "C:\\rooms", "a \"b\" #c", "0"];
const PATHS: [&str; 6] = ["/broadcasting", "/a/b-c", "/", "/healthz", "/page/x", "//"];

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    pub(super) fn key(&mut self) -> &'static SettingKey {
        let at = self.below(KEYS.len() as u64);
        &KEYS[usize::try_from(at).unwrap()]
    }

    /// A name that no setting has.
    pub(super) fn unknown_name(&mut self) -> String {
        let name = self.key().name;
        match self.below(3) {
            0 => name.replace('_', "-") + "_x",
            1 => name[1..].to_owned(),
            _ => format!("{name}s_{}", self.below(100)),
        }
    }

    /// A text that an operator may write for `key`.
    pub(super) fn text(&mut self, key: &SettingKey) -> String {
        let text = match (key.name, key.placeholder) {
            _ if self.is_one_in(40) => return self.nonsense(),
            _ if self.is_one_in(25) => {
                ["none", "0", "", "true", "-1"][usize::try_from(self.below(5)).unwrap()].to_owned()
            }
            (_, "N") => self.number_for(key.range),
            (_, "TIME") => self.time_for(key.range),
            (_, "true|false") => self.pick(&["true", "false", "false"]).to_owned(),
            (_, "HOST:PORT") => {
                let (host, port) = (self.pick(&HOSTS), self.pick(&["0", "80", "8080", "65535", "65536"]));
                format!("{host}:{port}")
            }
            (_, "https://HOST") => {
                let (scheme, host) = (self.pick(&SCHEMES), self.pick(&HOSTS));
                format!("{scheme}://{host}{}", self.pick(&["", "", ":8080", ":443", "/"]))
            }
            (_, "HOST") => self.pick(&HOSTS).to_owned(),
            (_, "ADDR[/BITS]") => self.pick(&NETWORKS).to_owned(),
            (_, "FILE") => self.pick(&["/run/secrets/rtbroadcaster", "secret", "a b"]).to_owned(),
            (_, "DIR") => self.pick(&DIRECTORIES).to_owned(),
            (_, "WORD") => self.pick(&["0123abcd", "DEADBEEF", "yes"]).to_owned(),
            (_, "FILTER") => self.pick(&FILTERS).to_owned(),
            (_, "URL,…") => {
                self.pick(&["nats://10.0.0.1:4222", "a:4222,tls://b", "nats://me:x@a", "http://a"]).to_owned()
            }
            (_, "http://HOST:PORT,…") => {
                self.pick(&["http://a:8222", "http://a:8222,http://b", "https://a"]).to_owned()
            }
            (_, "NAME") => self.pick(&["rtb", "my-app", "A.b"]).to_owned(),
            (_, "FORMAT") => self.pick(&["text", "json", "xml"]).to_owned(),
            (_, "LEVEL") => self.pick(&["written", "disk", "raid"]).to_owned(),
            (_, "PATH") => self.pick(&PATHS).to_owned(),
            (name, placeholder) => panic!("no text is known for {name}, {placeholder}"),
        };
        let text = if self.is_one_in(16) { self.spoiled(&text) } else { text };
        if key.shape == Shape::List && self.is_one_in(4) { format!("{text},{}", self.text(key)) } else { text }
    }

    /// Mostly one that is allowed: the least, the greatest, or one between, as often small as great.
    fn number_for(&mut self, range: Range) -> String {
        let Range::Number(least, most, _) = range else { return self.number() };
        match self.below(8) {
            0 => least.to_string(),
            1 => most.to_string(),
            2 => self.number(),
            _ => self.between(least, most).to_string(),
        }
    }

    fn time_for(&mut self, range: Range) -> String {
        let Range::Time(least, most, _) = range else { return self.time() };
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap();
        match self.below(8) {
            0 => humantime::format_duration(least).to_string(),
            1 => humantime::format_duration(most).to_string(),
            2 => self.time(),
            _ => format!("{}ms", self.between(millis(least), millis(most))),
        }
    }

    fn between(&mut self, least: u64, most: u64) -> u64 {
        let span = most - least;
        let bits = self.below(u64::from(64 - span.leading_zeros()) + 1);
        least + (self.next() & ((1_u64 << bits) - 1)).min(span)
    }

    fn number(&mut self) -> String {
        match self.below(8) {
            0 => self.next().to_string(),
            1 => self.pick(&NUMBERS).to_owned(),
            2 => (1_u128 << self.below(70)).to_string(),
            _ => (65_536 + self.below(1_000_000)).to_string(),
        }
    }

    fn time(&mut self) -> String {
        let unit = self.pick(&UNITS);
        match self.below(6) {
            0 => format!("{}{unit}", self.number()),
            1 => format!("{}{unit} {}ns", self.number(), self.number()),
            2 => format!("{}.{}{unit}", self.below(100), self.below(1_000)),
            3 => format!("{}m {}s", self.below(100), self.below(100)),
            _ => format!("{}{unit}", self.below(100)),
        }
    }

    fn spoiled(&mut self, text: &str) -> String {
        let mut signs: Vec<char> = text.chars().collect();
        let at = usize::try_from(self.below(signs.len() as u64 + 1)).unwrap();
        if self.is_one_in(2) && at < signs.len() {
            signs.remove(at);
        } else {
            signs.insert(at, self.pick(&SIGNS));
        }
        signs.into_iter().collect()
    }

    fn nonsense(&mut self) -> String {
        let length = if self.is_one_in(10) { 3_000 } else { self.below(12) };
        (0..length).map(|_| self.pick(&SIGNS)).collect()
    }
}

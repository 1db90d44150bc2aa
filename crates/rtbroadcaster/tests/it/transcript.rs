//! Reads a transcript of `protocol/conversations`, whose README has the format. Must not know sockets.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use rtbroadcaster::{Config, Limit};

/// A story told on the wire.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) config: Config,
    pub(crate) steps: Vec<Step>,
}

/// One line of it.
#[derive(Debug)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) name: String,
    pub(crate) act: Act,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Act {
    /// `+ classic` or `+ v2`: the subprotocol that is offered.
    Open(Option<&'static str>),
    /// `>`
    Send(String),
    /// `<`
    Get(String),
    /// `b>`
    Binary(Vec<u8>),
    /// `!>`
    Raw(Vec<u8>),
    /// `x CODE WORD`
    Closed(u16, Option<String>),
    /// `-`
    Close,
    /// `!`
    Drop,
    /// `.`
    Nothing,
    /// `rust +`
    Create,
    /// `rust > KIND KEY PARAMS`
    Publish { kind: rtbroadcaster::Kind, key: String, params: String },
    /// `rust > clear KEY`
    Clear(String),
    /// `rust close`
    End,
}

/// The transcript in `text`, or which line cannot be understood.
pub(crate) fn parse(text: &str) -> Result<Transcript, String> {
    if !text.starts_with("# ") {
        return Err("line 1: the first line is the title, `# text`".into());
    }
    let mut transcript = Transcript { config: Config::default(), steps: Vec::new() };
    for (line, content) in (1..).zip(text.split('\n')) {
        let wrong = || format!("line {line}: not understood: {content}");
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if let Some(setting) = content.strip_prefix(": ") {
            set(&mut transcript.config, setting).ok_or_else(wrong)?;
            continue;
        }
        let mut parts = content.splitn(3, ' ');
        let (name, verb, rest) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""), parts.next());
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let act = if name == "rust" { rust_act(verb, rest) } else { act(verb, rest) };
        let act = act.filter(|_| is_name).ok_or_else(wrong)?;
        transcript.steps.push(Step { line, name: name.to_owned(), act });
    }
    Ok(transcript)
}

fn act(verb: &str, rest: Option<&str>) -> Option<Act> {
    match (verb, rest) {
        ("+", Some("classic")) => Some(Act::Open(None)),
        ("+", Some("v2")) => Some(Act::Open(Some("rtbroadcaster.v2"))),
        (">", text) => Some(Act::Send(text.unwrap_or("").to_owned())),
        ("<", text) => Some(Act::Get(text.unwrap_or("").to_owned())),
        ("b>", Some(digits)) => bytes(digits).map(Act::Binary),
        ("!>", Some(digits)) => bytes(digits).map(Act::Raw),
        ("x", Some(rest)) => {
            let (code, word) = rest.split_once(' ').map_or((rest, None), |(code, word)| (code, Some(word.to_owned())));
            Some(Act::Closed(code.parse().ok()?, word))
        }
        ("-", None) => Some(Act::Close),
        ("!", None) => Some(Act::Drop),
        (".", None) => Some(Act::Nothing),
        _ => None,
    }
}

fn rust_act(verb: &str, rest: Option<&str>) -> Option<Act> {
    use rtbroadcaster::Kind;
    let (kind, rest) = match (verb, rest) {
        ("+", None) => return Some(Act::Create),
        ("close", None) => return Some(Act::End),
        (">", Some(rest)) => rest.split_once(' ')?,
        _ => return None,
    };
    let kind = match kind {
        "event" => Kind::Event,
        "state" => Kind::State,
        "ephemeral" => Kind::Ephemeral,
        "clear" => return (!rest.contains(' ')).then(|| Act::Clear(rest.to_owned())),
        _ => return None,
    };
    let (key, params) = rest.split_once(' ')?;
    Some(Act::Publish { kind, key: key.to_owned(), params: params.to_owned() })
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.replace(' ', "");
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2));
    let bytes: Option<Vec<u8>> = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect();
    bytes.filter(|bytes| !bytes.is_empty())
}

/// Sets one value by its name in the library's configuration.
fn set(config: &mut Config, setting: &str) -> Option<()> {
    let (name, value) = setting.split_once(" = ")?;
    let number = || value.parse().ok();
    let time = || if value == "none" { Some(Limit::None) } else { duration(value).map(Limit::Max) };
    match name {
        "message_bytes_max" => config.message_bytes_max = number()?,
        "history_messages_max" => config.history_messages_max = number()?,
        "history_bytes_max" => config.history_bytes_max = number()?,
        "history_age_max" => config.history_age_max = time()?,
        "state_keys_max" => config.state_keys_max = number()?,
        "state_bytes_max" => config.state_bytes_max = number()?,
        "backlog_bytes_max" => config.backlog_bytes_max = number()?,
        "stall_timeout" => config.stall_timeout = time()?,
        "flush_interval" => config.flush_interval = time()?,
        "ping_interval" => config.ping_interval = time()?,
        "rooms_max" => config.rooms_max = number()?,
        "rooms_per_address_max" => config.rooms_per_address_max = number()?,
        "viewers_per_room_max" => config.viewers_per_room_max = number()?,
        "voters_max" => config.voters_max = number()?,
        "signals_per_viewer_per_second" => config.signals_per_viewer_per_second = value.parse().ok()?,
        "signals_per_room_per_second" => config.signals_per_room_per_second = value.parse().ok()?,
        "first_message_timeout" => config.first_message_timeout = time()?,
        "join_timeout" => config.join_timeout = time()?,
        "owner_grace" => config.owner_grace = time()?,
        "owner_grace_max" => config.owner_grace_max = time()?,
        "room_idle_timeout" => config.room_idle_timeout = time()?,
        _ => return None,
    }
    Some(())
}

/// `250ms`, `10s`, `5m`.
fn duration(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let number: u64 = text[..text.len() - unit.len()].parse().ok()?;
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(60 * number)),
        _ => None,
    }
}

/// The values of one file.
#[derive(Debug)]
pub(crate) struct Values(HashMap<String, String>);

/// A piece of a line: text, or the name of a value, with `#` in front for a number.
enum Piece<'a> {
    Text(&'a str),
    Value(&'a str),
}

/// How long a value may be that a `<` line takes: an epoch is the shortest, an owner key the longest.
const VALUE_CHARS: RangeInclusive<usize> = 32..=64;

/// Values that are always known: what a line cannot hold, and what would stand in every second one.
const KNOWN: [(&str, &str); 3] = [
    ("CR", "\r"),
    ("LF", "\n"),
    (
        "LIMITS",
        r#"{"messageBytes":65536,"keyBytes":256,"idBytes":64,"depth":32,"signalBytes":4096,"signalsPerSecond":5}"#,
    ),
];

/// Stands for any whole number, another one each time.
const NUMBER: &str = "NUMBER";
/// How many digits a number may have that a `<` line takes.
const NUMBER_DIGITS: RangeInclusive<usize> = 1..=16;

/// What stands for a `joined` that says nothing of the viewer, and what it has then at its end.
const JOINED: &str = r#"{"type":"joined","#;
const VIEWER: [&str; 3] = [r#","viewer":{"number":"#, r#","key":""#, r#""}}"#];

impl Values {
    pub(crate) fn new() -> Self {
        Self(KNOWN.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }

    /// `text` with every value in its place, or the name of one that is not known.
    pub(crate) fn fill(&self, text: &str) -> Result<String, String> {
        let fill = |piece| match piece {
            Piece::Text(text) => Ok(text),
            Piece::Value(name) => self.0.get(name).map(String::as_str).ok_or(format!("{name} is not known yet")),
        };
        pieces(text).into_iter().map(fill).collect()
    }

    /// Whether `text` is exactly what `expected` says; if so, takes the values that were not known. A `joined` that says nothing
    /// of the viewer stands for one that ends with any.
    pub(crate) fn matches(&mut self, expected: &str, text: &str) -> bool {
        if expected.starts_with(JOINED) && !expected.contains(VIEWER[0]) {
            return without_viewer(text).is_some_and(|text| self.matches_whole(expected, &text));
        }
        self.matches_whole(expected, text)
    }

    fn matches_whole(&mut self, expected: &str, text: &str) -> bool {
        let mut rest = text;
        let mut taken: HashMap<String, String> = HashMap::new();
        for piece in pieces(expected) {
            let (part, name) = match piece {
                Piece::Text(part) => (Some(part), None),
                Piece::Value(name) => (self.0.get(name).or(taken.get(name)).map(String::as_str), Some(name)),
            };
            let after = match (part, name) {
                (Some(part), _) => rest.strip_prefix(part),
                (None, Some(NUMBER)) => rest.strip_prefix(|c: char| c.is_ascii_digit()).map(|rest| {
                    // All of its digits.
                    rest.trim_start_matches(|c: char| c.is_ascii_digit())
                }),
                (None, Some(name)) => value(name, rest).map(|(value, after)| {
                    taken.insert(name.to_owned(), value.to_owned());
                    after
                }),
                (None, None) => None,
            };
            let Some(after) = after else { return false };
            rest = after;
        }
        if rest.is_empty() {
            self.0.extend(taken);
        }
        rest.is_empty()
    }
}

/// The value at the front of `text`, which goes on as long as it can, and what follows it. Its name says of what kind it is.
fn value<'a>(name: &str, text: &'a str) -> Option<(&'a str, &'a str)> {
    let is_number = name.starts_with('#');
    let is_part = |c: char| if is_number { c.is_ascii_digit() } else { matches!(c, '0'..='9' | 'a'..='f' | '-') };
    let after = text.trim_start_matches(is_part);
    let value = &text[..text.len() - after.len()];
    let fits = if is_number {
        NUMBER_DIGITS.contains(&value.len()) && !value.starts_with('0')
    } else {
        VALUE_CHARS.contains(&value.len())
    };
    fits.then_some((value, after))
}

/// A `joined` without the member at its end that says which viewer it is, if it has one.
pub(crate) fn without_viewer(text: &str) -> Option<String> {
    let (before, viewer) = text.rsplit_once(VIEWER[0])?;
    let (_, viewer) = value("#number", viewer)?;
    let (_, end) = value("key", viewer.strip_prefix(VIEWER[1])?)?;
    (end == VIEWER[2]).then(|| format!("{before}}}"))
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let is_name = |name: &str| {
        let letters = name.strip_prefix('#').unwrap_or(name);
        let is_lower = !letters.is_empty() && letters.bytes().all(|byte| byte.is_ascii_lowercase());
        is_lower || name == NUMBER || KNOWN.iter().any(|(known, _)| *known == name)
    };
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while let Some(open) = text[at..].find("{{").map(|open| at + open) {
        let name = text[open + 2..].find("}}").map(|close| &text[open + 2..open + 2 + close]);
        match name.filter(|name| is_name(name)) {
            Some(name) => {
                pieces.extend([Piece::Text(&text[start..open]), Piece::Value(name)]);
                start = open + 4 + name.len();
                at = start;
            }
            // One brace only: `{{{room}}}` is a value in braces.
            None => at = open + 1,
        }
    }
    pieces.push(Piece::Text(&text[start..]));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        for line in [
            "owner",
            "owner ?",
            "owner + v3",
            "owner x",
            "owner x done",
            "owner - 1000",
            "owner b> 0",
            "Owner .",
            "rust > event key",
            "rust .",
            ": rooms_max",
            ": rooms = 1",
            ": rooms_max = 1s",
            ": owner_grace = 1",
        ] {
            let error = parse(&format!("# Title\n{line}")).expect_err(line);
            assert!(error.starts_with("line 2: "), "{error}");
        }
        assert!(parse("owner + classic").is_err(), "there is no title");
    }

    #[test]
    fn a_line_keeps_its_spaces_and_its_config() {
        let transcript = parse("# Title\n: owner_grace = 250ms\n\n# Comment\none >  a b \none >").unwrap();
        assert_eq!(transcript.config.owner_grace, Limit::Max(Duration::from_millis(250)));
        let acts: Vec<_> = transcript.steps.into_iter().map(|step| (step.line, step.act)).collect();
        assert_eq!(acts, [(5, Act::Send(" a b ".into())), (6, Act::Send(String::new()))]);
    }

    #[test]
    fn a_value_is_taken_once_and_stands_for_itself_from_there() {
        let room = "0123456789abcdef0123456789abcdef-0-1";
        let mut values = Values::new();
        assert!(values.fill("{{room}}").is_err());
        assert!(!values.matches("<{{room}}>", "<lobby>"));
        assert!(!values.matches("<{{room}}>{{room}}", &format!("<{room}>{}", room.replace('0', "1"))));
        assert!(values.matches("<{{room}}>{{room}}", &format!("<{room}>{room}")));
        assert!(!values.matches("{{room}}", &room.replace('0', "1")));
        assert_eq!(values.fill("{{{room}}}{{LF}}{{}}"), Ok(format!("{{{room}}}\n{{{{}}}}")));
    }

    #[test]
    fn a_number_is_any_number_each_time() {
        let matches = |text: &str| Values::new().matches("[{{NUMBER}},{{NUMBER}}]", text);
        assert!(matches("[0,12345678901234567]"));
        assert!(!matches("[0,]") && !matches("[0,-1]") && !matches("[0,1.5]"));
        assert!(Values::new().fill("{{NUMBER}}").is_err(), "nobody can say one");
    }

    #[test]
    fn a_value_goes_on_as_long_as_it_can_and_has_32_to_64_characters() {
        let matches = |text: &str| Values::new().matches(r#"["{{value}}"]"#, text);
        for (chars, expected) in [(31, false), (32, true), (36, true), (64, true), (65, false)] {
            assert_eq!(matches(&format!(r#"["{}"]"#, "a".repeat(chars))), expected, "{chars}");
        }
        for stranger in ["A", "g", "é", " "] {
            assert!(!matches(&format!(r#"["{}{stranger}"]"#, "a".repeat(35))), "{stranger}");
        }
        for (number, expected) in [
            ("", false),
            ("7", true),
            ("07", false),
            ("1234567890123456", true),
            ("12345678901234567", false),
            ("-1", false),
        ] {
            assert_eq!(
                Values::new().matches(r#"{"from":{{#one}}}"#, &format!(r#"{{"from":{number}}}"#)),
                expected,
                "{number}"
            );
        }
        assert!(!Values::new().matches("{{value}}-1", &format!("{}-1", "a".repeat(32))), "the end is the value's too");
    }

    #[test]
    fn a_joined_that_says_nothing_of_the_viewer_stands_for_one_with_any() {
        let (line, key) = (r#"{"type":"joined","id":"a"}"#, "0".repeat(45));
        let joined = |viewer: &str| format!(r#"{{"type":"joined","id":"a"{viewer}}}"#);
        let whole = joined(&format!(r#","viewer":{{"number":12,"key":"{key}"}}"#));
        assert!(Values::new().matches(line, &whole));
        for wrong in [
            String::new(),
            r#","viewer":{"number":12}"#.to_owned(),
            format!(r#","viewer":{{"number":0,"key":"{key}"}}"#),
            format!(r#","viewer":{{"number":12,"key":"{key}"}},"more":1"#),
            format!(r#","viewer":{{"number":12,"key":"{key}","more":1}}"#),
        ] {
            assert!(!Values::new().matches(line, &joined(&wrong)), "{wrong}");
        }
        let mut values = Values::new();
        let exact = r#"{"type":"joined","id":"a","viewer":{"number":{{#one}},"key":"{{one}}"}}"#;
        assert!(values.matches(exact, &whole));
        assert_eq!(values.fill("{{one}} {{#one}}"), Ok(format!("{key} 12")));
    }
}

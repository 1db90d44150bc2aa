//! The limits that a server has sent, and the checks of the program's calls against them. A call that exceeds a limit
//! is refused here, so that it does not cost the connection. Pure: takes the time as an argument. Must not know
//! connections.

use std::time::Duration;

use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::{
    Body, DEPTH_MAX, ID_BYTES_MAX, KEY_BYTES_MAX, MessageError, SIGNAL_BYTES_MAX, depth,
};
use rtbroadcaster_core::rate::{Meter, Rate};
use serde::Deserialize;

/// The limits of one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most bytes of one message as it is sent.
    pub(super) message_bytes: usize,
    key_bytes: usize,
    id_bytes: usize,
    /// The deepest nesting of a whole message.
    depth: usize,
    /// The most bytes of the parameters of a signal.
    signal_bytes: usize,
    /// The most signals of a viewer per second; `None` if the server sent no limit.
    signals_per_second: Option<u32>,
}

/// The member `limits` of an answer. An absent limit has its default of PROTOCOL.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdvertisedLimits {
    message_bytes: Option<u64>,
    key_bytes: Option<u64>,
    id_bytes: Option<u64>,
    depth: Option<u64>,
    signal_bytes: Option<u64>,
    signals_per_second: Option<u64>,
}

impl Limits {
    /// Returns the stricter of the server's limits and this client's own. An older server sends none.
    pub(super) fn of(advertised: Option<AdvertisedLimits>, message_bytes_max: usize) -> Self {
        let advertised = advertised.unwrap_or_default();
        let least = |advertised: Option<u64>, own: usize| {
            advertised.map_or(own, |advertised| usize::try_from(advertised).unwrap_or(usize::MAX).min(own))
        };
        Self {
            message_bytes: least(advertised.message_bytes, message_bytes_max),
            key_bytes: least(advertised.key_bytes, KEY_BYTES_MAX),
            id_bytes: least(advertised.id_bytes, ID_BYTES_MAX),
            depth: least(advertised.depth, DEPTH_MAX),
            signal_bytes: least(advertised.signal_bytes, SIGNAL_BYTES_MAX),
            signals_per_second: advertised.signals_per_second.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
        }
    }

    /// Checks a message whose frame has `bytes`.
    pub(super) fn check(&self, body: &Body, bytes: usize) -> Result<(), MessageError> {
        let key = body.key.as_str().len();
        if key > self.key_bytes {
            return Err(MessageError::Key { bytes: key });
        }
        if let Some(id) = body.id.as_ref().filter(|id| id.len() > self.id_bytes) {
            return Err(MessageError::Id { bytes: id.len() });
        }
        if depth(body.params.as_bytes()) >= self.depth {
            return Err(MessageError::ParamsTooDeep);
        }
        if bytes > self.message_bytes {
            return Err(MessageError::TooBig { bytes, limit: self.message_bytes });
        }
        Ok(())
    }

    /// Checks a signal whose frame has `bytes`.
    pub(super) fn check_signal(&self, body: &Body, bytes: usize) -> Result<(), MessageError> {
        let params = body.params.as_bytes().len();
        if params > self.signal_bytes {
            return Err(MessageError::TooBig { bytes: params, limit: self.signal_bytes });
        }
        self.check(body, bytes)
    }
}

/// The rate limit of a viewer's signals, with a burst of one second's signals.
#[derive(Debug, Default)]
pub(super) struct SignalPacer(Meter);

impl SignalPacer {
    /// Admits one signal, or returns how long to wait until the next one is admitted.
    pub(super) fn take(&mut self, limits: &Limits, now: Duration) -> Result<(), Duration> {
        let Some(rate) = limits.signals_per_second else { return Ok(()) };
        let rate = Rate::per_second(Limit::Max(rate));
        if self.0.admits(rate, now) { Ok(()) } else { Err(self.0.wait(rate, now)) }
    }
}

#[cfg(test)]
mod tests {
    use rtbroadcaster_core::message::{Key, Params};

    use super::*;

    fn limits_of(text: &str) -> Limits {
        Limits::of(Some(serde_json::from_str(text).unwrap()), 65_536)
    }

    fn body(key: &str, params: &str, id: Option<&str>) -> Body {
        Body { key: Key::new(key).unwrap(), params: Params::from_json(params).unwrap(), id: id.map(Into::into) }
    }

    #[test]
    fn a_server_that_sends_no_limits_has_the_limits_of_the_protocol() {
        let old = Limits::of(None, 1_000);
        assert_eq!((old.message_bytes, old.key_bytes, old.depth, old.signals_per_second), (1_000, 256, 32, None));
        assert_eq!(limits_of("{}"), Limits::of(None, 65_536));
        let greedy = limits_of(r#"{"messageBytes":18446744073709551615,"keyBytes":9007199254740993,"depth":99}"#);
        assert_eq!((greedy.message_bytes, greedy.key_bytes, greedy.depth), (65_536, 256, 32));
    }

    #[test]
    fn each_limit_refuses_what_is_one_over_it() {
        let limits = limits_of(r#"{"messageBytes":100,"keyBytes":3,"idBytes":2,"depth":3,"signalBytes":8}"#);
        for (body, bytes, expected) in [
            (body("abc", "[[1]]", Some("id")), 100, Ok(())),
            (body("abcd", "[]", None), 9, Err(MessageError::Key { bytes: 4 })),
            (body("abc", "[]", Some("idd")), 9, Err(MessageError::Id { bytes: 3 })),
            (body("abc", "[[[]]]", None), 9, Err(MessageError::ParamsTooDeep)),
            (body("abc", "[]", None), 101, Err(MessageError::TooBig { bytes: 101, limit: 100 })),
        ] {
            assert_eq!(limits.check(&body, bytes), expected);
        }
        assert_eq!(limits.check_signal(&body("abc", "[123456]", None), 50), Ok(()));
        let big = MessageError::TooBig { bytes: 9, limit: 8 };
        assert_eq!(limits.check_signal(&body("abc", "[1234567]", None), 50), Err(big));
    }

    #[test]
    fn what_one_second_brings_may_come_at_once_and_no_more() {
        let ms = Duration::from_millis;
        let limits = limits_of(r#"{"signalsPerSecond":5}"#);
        let mut pace = SignalPacer::default();
        assert!((0..5).all(|_| pace.take(&limits, ms(10)).is_ok()));
        assert_eq!(pace.take(&limits, ms(10)), Err(ms(200)));
        assert_eq!(pace.take(&limits, ms(110)), Err(ms(100)));
        assert_eq!(pace.take(&limits, ms(210)), Ok(()));
        assert_eq!(pace.take(&limits, ms(300)), Err(ms(110)));
        assert_eq!(SignalPacer::default().take(&limits_of(r#"{"signalsPerSecond":0}"#), ms(1)), Err(Duration::MAX));
        let mut free = SignalPacer::default();
        assert!((0..100).all(|_| free.take(&limits_of("{}"), ms(1)).is_ok()), "an older server sends no rate");
    }
}

//! Judges whether the answer to a viewer fits the messages that it had seen and those that the room holds. Pure.

use super::client::JoinAnswer;
use crate::model::answer::{Answer, How, Reason};
use crate::model::fault::Fault;
use crate::model::state::State;

/// The client that asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) seq: u64,
    /// The messages that it had seen up to its cursor; `None` if there cannot be such a cursor.
    pub(super) seen: Option<&'a [String]>,
    /// Whether its cursor is of the present life.
    pub(super) is_present: bool,
    /// The number of messages in the room when the life of its cursor ended in this directory, if that is known.
    pub(super) end: Option<u64>,
    /// Whether it says `lives`.
    pub(super) lives: bool,
}

/// Judges `how`. `present` are all messages that the room holds, if they are known.
pub(super) fn how(
    asker: Asker<'_>,
    present: Option<&[String]>,
    how: Option<How>,
    reason: Option<Reason>,
) -> Option<Fault> {
    let held = present.and_then(|present| present.get(..usize::try_from(asker.seq).ok()?));
    let last = present.map(|present| present.len() as u64);
    let is_older = !asker.is_present;
    match how {
        Some(How::Resumed) => {
            let is_true = held.is_some() && asker.seen == held && (asker.lives || !is_older);
            (!is_true).then_some(Fault::FalseResumed)
        }
        Some(How::Reset) => {
            let end = if asker.is_present { last } else { asker.end.filter(|_| asker.lives) };
            let is_future = asker.is_present && last.is_some_and(|last| asker.seq > last);
            let reasons: &[_] = match present {
                Some(_) if is_future => &[Reason::Future],
                Some(_) => &[Reason::Epoch],
                // Not everything of the room is known.
                None => &[Reason::Epoch, Reason::Future, Reason::Retention],
            };
            let is_true =
                end.is_none_or(|end| asker.seq > end) && reason.is_some_and(|reason| reasons.contains(&reason));
            (!is_true).then_some(Fault::FalseReset)
        }
        _ => Some(Fault::Forbidden),
    }
}

/// Judges a join with all of its replay.
pub(super) fn join(asker: Asker<'_>, present: Option<&[String]>, told: &JoinAnswer) -> Option<Fault> {
    if let Some(fault) = how(asker, present, Some(told.how), told.reason) {
        return Some(fault);
    }
    let present = present?;
    let from = usize::try_from(asker.seq).ok()?;
    match told.how {
        How::Resumed if present.get(from..) != Some(&told.replay) => Some(Fault::FalseResumed),
        How::Reset if !told.replay.iter().map(String::as_str).eq(fold(present).frames()) => Some(Fault::OtherState),
        _ if told.seq != present.len() as u64 => Some(Fault::OtherState),
        _ => None,
    }
}

/// Returns the state after these messages.
pub(super) fn fold(texts: &[String]) -> State {
    let mut state = State::default();
    for text in texts {
        let Ok(Answer::Message(message)) = Answer::read(text) else { continue };
        if message.cleared.is_some() {
            state.remove(&message.key);
        } else if let (Some(seq), Some(true)) = (message.seq, message.state) {
            state.insert(&message.key, seq, text);
        }
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{Effect, frame};

    fn texts(life: &str, count: u64) -> Vec<String> {
        (1..=count).map(|seq| frame(seq, Effect::State, "k", &format!("[\"{life}\"]"))).collect()
    }

    fn answer(how: How, reason: Option<Reason>, replay: &[String], seq: u64) -> JoinAnswer {
        JoinAnswer { epoch: "e".into(), seq, how, reason, announced: replay.len() as u64, replay: replay.to_vec() }
    }

    #[test]
    fn a_resumed_is_true_only_for_a_viewer_that_saw_what_the_room_holds() {
        let (present, other) = (texts("a", 6), texts("b", 6));
        let asker = |seq, seen, lives| Asker { seq, seen, is_present: false, end: Some(4), lives };
        let resumed = answer(How::Resumed, None, &present[4..], 6);
        assert_eq!(join(asker(4, Some(&present[..4]), true), Some(&present), &resumed), None);
        for (seen, lives) in [(Some(&other[..4]), true), (None, true), (Some(&present[..4]), false)] {
            let fault = join(asker(4, seen, lives), Some(&present), &resumed);
            assert_eq!(fault, Some(Fault::FalseResumed), "{seen:?} {lives}");
        }
        // Other messages than the room's.
        let short = answer(How::Resumed, None, &present[5..], 6);
        let fault = join(asker(4, Some(&present[..4]), true), Some(&present), &short);
        assert_eq!(fault, Some(Fault::FalseResumed));
        assert_eq!(join(asker(4, Some(&present[..4]), true), None, &resumed), Some(Fault::FalseResumed));
    }

    #[test]
    fn a_reset_is_true_only_behind_the_end_of_the_life() {
        let present = texts("a", 6);
        let state = [present[5].clone()];
        let reset = |reason| answer(How::Reset, Some(reason), &state, 6);
        let asker = |seq, is_present, end| Asker { seq, seen: None, is_present, end, lives: true };
        let judged = |asker, reason| join(asker, Some(&present), &reset(reason));
        assert_eq!(judged(asker(5, false, Some(4)), Reason::Epoch), None);
        assert_eq!(judged(asker(4, false, Some(4)), Reason::Epoch), Some(Fault::FalseReset));
        assert_eq!(judged(asker(4, false, None), Reason::Epoch), None);
        assert_eq!(judged(asker(5, false, Some(4)), Reason::Future), Some(Fault::FalseReset));
        assert_eq!(judged(asker(7, true, None), Reason::Future), None);
        assert_eq!(judged(asker(6, true, None), Reason::Epoch), Some(Fault::FalseReset));
        assert_eq!(judged(Asker { lives: false, ..asker(4, false, Some(4)) }, Reason::Epoch), None);
        let other = answer(How::Reset, Some(Reason::Epoch), &present[4..5], 6);
        assert_eq!(join(asker(5, false, Some(4)), Some(&present), &other), Some(Fault::OtherState));
        assert_eq!(how(asker(5, false, None), Some(&present), None, None), Some(Fault::Forbidden));
    }
}

//! A log that is kept elsewhere too: what need not be kept any more, and how it is read back.
//! Pure: it must not know where it is kept.

use std::sync::Arc;
use std::time::Duration;

use super::{Fingerprint, Log};
use crate::engine::Forgotten;
use crate::id::{Seq, Term};
use crate::message::Entry;

impl Log {
    /// Also notes what it forgets from now on.
    pub(in crate::room) fn keep(&mut self) {
        self.forgotten = Some(Box::default());
    }

    /// What was forgotten since this was asked last. It may be the last message itself, so whoever keeps the log forgets it
    /// no earlier than the next one is kept: the last number stays known.
    pub(in crate::room) fn take_forgotten(&mut self) -> Forgotten {
        self.forgotten.as_deref_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Takes in a message that was kept, with the time at which it was said. They come in order; what was forgotten
    /// between them leaves a gap, behind which the history begins anew.
    pub(in crate::room) fn recall(&mut self, entry: &Arc<Entry>, said: Duration) {
        let Some(seq) = entry.seq else { return };
        if seq != self.seq.next() {
            self.history.begin_anew();
        }
        self.seq = seq;
        self.fold(entry, said);
    }

    /// Takes in the name of a message that was kept.
    pub(in crate::room) fn recall_id(&mut self, id: Box<str>, fingerprint: Fingerprint, seq: Seq) {
        self.remember(id, fingerprint, seq);
    }

    /// The lease of the present owner is this one.
    pub(in crate::room) fn recall_term(&mut self, term: Term) {
        self.term = term;
    }
}

//! Notes on stderr that the server has lost acknowledged messages. Must not know how the client detects that.

use rtbroadcaster::Seq;
use rtbroadcaster::remote::{Loss, Owner};
use tokio::sync::watch;

use crate::notes::note;

/// The losses of an owner, of which only the newest is noted if several come at once.
#[derive(Debug)]
pub(super) struct Losses(watch::Receiver<Option<Loss>>);

impl Losses {
    pub(super) fn of(owner: &Owner) -> Self {
        Self(owner.watch_loss())
    }

    /// Notes the newest loss, unless it was noted before.
    pub(super) fn note_new(&mut self) {
        let loss = self.0.borrow_and_update();
        if let (true, Some(loss)) = (loss.has_changed(), &*loss) {
            note(&text(loss.reason.word(), loss.acked.seq, loss.seq));
        }
    }

    /// Waits for the next loss; for ever if the owner is gone. Cancel safe.
    pub(super) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        // `note_new` notes only a value that is marked as changed.
        self.0.mark_changed();
    }
}

fn text(reason: &str, acked: Seq, last: Seq) -> String {
    format!(
        "the server has lost acknowledged messages ({reason}): some of those up to {acked} are gone, and the room is at \
         {last} now; publish the missing ones again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_said_in_one_line_with_both_numbers() {
        let [acked, last] = [40, 12].map(|number| Seq::new(number).unwrap());
        assert_eq!(
            text("epoch", acked, last),
            "the server has lost acknowledged messages (epoch): some of those up to 40 are gone, and the room is at 12 \
             now; publish the missing ones again"
        );
    }
}

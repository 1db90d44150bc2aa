//! A log that loses entries, as after a power cut of its servers: nodes write their rooms to it again.

use super::*;

/// What a viewer heard until it has the message `seq`.
async fn hears_until(viewer: &Viewer, messages: &mut rtbroadcaster_client::Messages, seq: Seq) -> Vec<Heard> {
    has(viewer, seq).await;
    let mut heard = Vec::new();
    while let Ok(Some(next)) = timeout(Duration::from_millis(10), messages.next()).await {
        heard.push(next);
    }
    heard
}

/// Returns the numbers in messages, and `None` for each state that was sent once more.
fn numbers(heard: &[Heard]) -> Vec<Option<u32>> {
    let number = |heard: &Heard| match heard {
        Heard::Message(message) => Some(Some(message.params().parse::<[u32; 1]>().unwrap()[0])),
        Heard::State { .. } => Some(None),
        Heard::Owner { .. } => None,
        other => panic!("{other:?}"),
    };
    heard.iter().filter_map(number).collect()
}

async fn says(owner: &rtbroadcaster_client::Owner, number: u32) -> Seq {
    let message =
        if number.is_multiple_of(2) { Message::event("event", [number]) } else { Message::state("value", [number]) };
    soon(owner.publish(message.unwrap())).await.unwrap()
}

/// A room with an owner on one node and a viewer on another, when messages 1 to 10 are published.
struct Watched {
    sea: Arc<Sea>,
    here: Manager,
    there: Manager,
    owner: rtbroadcaster_client::Owner,
    viewer: Viewer,
    messages: rtbroadcaster_client::Messages,
}

impl Watched {
    async fn begin() -> Self {
        let (sea, [here, there]) = nodes();
        let owner = soon(rtbroadcaster_client::Owner::create(target(&here))).await.unwrap();
        let viewer = Viewer::join(target(&there), owner.room()).unwrap();
        soon(viewer.inside()).await.unwrap();
        let mut messages = viewer.messages();
        for number in 1..=10 {
            says(&owner, number).await;
            sleep(Duration::from_secs(1)).await;
        }
        let heard = hears_until(&viewer, &mut messages, Seq::new(10).unwrap()).await;
        assert_eq!(numbers(&heard).into_iter().flatten().collect::<Vec<_>>(), (1..=10).collect::<Vec<_>>());
        Self { sea, here, there, owner, viewer, messages }
    }

    /// The owner goes on; the viewer gets what it says behind what it has, and a newcomer has all of it.
    async fn goes_on(mut self) {
        let seq = says(&self.owner, 11).await;
        assert_eq!(seq.get(), 11, "nothing that was acknowledged is lost");
        let heard = hears_until(&self.viewer, &mut self.messages, seq).await;
        assert_eq!(numbers(&heard), [Some(11)], "it is resumed");
        for node in [&self.here, &self.there] {
            let newcomer = Viewer::join(target(node), self.owner.room()).unwrap();
            soon(newcomer.inside()).await.unwrap();
            assert_eq!(newcomer.state().seq(), seq);
            assert_eq!(newcomer.state().parse::<[u32; 1]>("value").unwrap().unwrap(), [11]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_is_written_again_when_the_log_has_lost_everything() {
    let watched = Watched::begin().await;
    watched.sea.lose_everything();
    watched.goes_on().await;
}

#[tokio::test(start_paused = true)]
async fn messages_that_the_log_has_lost_are_written_again() {
    let watched = Watched::begin().await;
    watched.sea.lose_power(Duration::from_secs(4));
    watched.goes_on().await;
}

#[tokio::test(start_paused = true)]
async fn another_node_writes_the_room_again_if_that_of_its_owner_is_gone() {
    let Watched { sea, here, there, owner, viewer, mut messages } = Watched::begin().await;
    let (room, key) = (owner.room(), owner.key().clone());
    sea.cut(0, true);
    std::mem::forget((here, owner));
    sea.lose_everything();
    let mut status = viewer.watch_status();
    soon(status.wait_for(|status| matches!(status, Status::Away { .. }))).await.unwrap();
    let owner = soon(async {
        loop {
            match there.own(&room, &key).await {
                Ok(owner) => return owner,
                Err(_) => sleep(Duration::from_secs(1)).await,
            }
        }
    });
    let owner = owner.await;
    let seq = owner.publish(Message::event("event", [11]).unwrap()).await.unwrap();
    assert_eq!(seq.get(), 11);
    let heard = hears_until(&viewer, &mut messages, seq).await;
    assert_eq!(numbers(&heard), [Some(11)]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_has_ended_is_not_written_again() {
    let Watched { sea, here, there, owner, viewer, .. } = Watched::begin().await;
    let room = owner.room();
    sea.cut(1, true);
    owner.close().await.unwrap();
    // Its last entry is forgotten when that node is connected again.
    sleep(Duration::from_secs(90)).await;
    sea.cut(1, false);
    let mut status = viewer.watch_status();
    soon(status.wait_for(|status| status.closing().is_some())).await.unwrap();
    for node in [&here, &there] {
        assert!(Viewer::join(target(node), room.clone()).unwrap().inside().await.is_err());
    }
    assert!(sea.entries(&room).is_empty());
}

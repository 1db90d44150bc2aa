//! The examples over the network do what they say.

#[allow(dead_code, reason = "its main is the example's")]
#[path = "../../../examples/classroom_poll.rs"]
mod classroom_poll;
#[allow(dead_code, reason = "its main is the example's")]
#[path = "../../../examples/recorder.rs"]
mod recorder;

use rtbroadcaster::remote::{Owner, Viewer};
use rtbroadcaster::{Config, Message};
use serde_json::Value;

use super::Relay;
use crate::house::House;
use crate::moment::{until, within};

#[tokio::test]
async fn a_poll_counts_everybody_once_and_shows_the_totals_to_all() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let owner = within("the room", classroom_poll::open(relay.url(), "Tea?")).await.unwrap();
    let late = Viewer::join(relay.url(), owner.room()).unwrap();
    within("the viewer's coming", late.inside()).await.unwrap();
    let totals = || late.state().parse::<(Vec<(String, u64)>,)>("totals").map(|totals| totals.unwrap().0);
    let voters = ["yes", "no", "yes"].map(|answer| {
        let viewer = Viewer::join(relay.url(), owner.room()).unwrap();
        tokio::spawn(async move { classroom_poll::vote(&viewer, answer).await })
    });
    {
        let counting = classroom_poll::count(&owner);
        tokio::pin!(counting);
        let expected = Some(vec![("yes".into(), 2), ("no".into(), 1)]);
        tokio::select! {
            counted = &mut counting => panic!("{counted:?}"),
            () = until("the totals", || totals() == expected) => {}
        }
    }
    within("the end", owner.close()).await.unwrap();
    for voter in voters {
        within("the voter's end", voter).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_recorder_writes_down_everything_until_the_room_ends() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let owner = within("the room", Owner::create(relay.url())).await.unwrap();
    within("a message", owner.publish(Message::state("slide", [1]).unwrap())).await.unwrap();
    let viewer = Viewer::join(relay.url(), owner.room()).unwrap();
    within("the viewer's coming", viewer.inside()).await.unwrap();
    let mut recording = Vec::new();
    let speech = async {
        owner.publish(Message::event("two\nwords", [1.5]).unwrap()).await.unwrap();
        relay.cut();
        owner.publish(Message::state("slide", [2]).unwrap()).await.unwrap();
        // If a room ends while no viewer is there, no viewer gets its last message.
        until("the viewer has everything", || viewer.state().seq().get() == 3).await;
        owner.close().await.unwrap();
    };
    let (recorded, ()) =
        within("the recording", async { tokio::join!(recorder::record(&viewer, &mut recording), speech) }).await;
    recorded.unwrap();
    let lines: Vec<Value> = recording
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!(
        (&lines[0]["seq"], &lines[1]["key"], &lines[2]["params"][0]),
        (&1.into(), &"two\nwords".into(), &2.into())
    );
}

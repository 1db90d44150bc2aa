//! Every public call with every bad argument, three times each, on the server of this crate: no connection ends, and what
//! stands behind is said.

use rtbroadcaster::remote::{Owner, PublishError, SignalError, Status, Viewer};
use rtbroadcaster::{Config, Limit, Message};
use serde_json::{Value, json};

use super::options;
use crate::house::House;
use crate::moment::within;

/// What the server takes.
const MESSAGE_BYTES: usize = 2_000;

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |inner, _| json!([inner]))
}

/// Parameters that no server takes.
fn faults() -> Vec<Value> {
    let big = MESSAGE_BYTES - 10;
    vec![
        json!(1),
        json!("text"),
        json!({"a": 1}),
        nested(32),
        nested(1_000),
        json!(["x".repeat(big)]),
        json!(["\u{1}".repeat(big / 4)]),
        json!(["x".repeat(1 << 20)]),
    ]
}

#[tokio::test]
async fn no_call_of_a_program_ends_its_connection() {
    let house = House::open(Config { message_bytes_max: Limit::Max(MESSAGE_BYTES), ..Config::default() }).await;
    let url = format!("ws://{}/broadcasting", house.address);
    let owner = within("the room", Owner::create(&url)).await.unwrap();
    let viewer = Viewer::join_with(&url, owner.room(), options()).unwrap();
    within("the viewer's coming", viewer.inside()).await.unwrap();
    let keys = [String::new(), "k".repeat(257), "ä".repeat(129)];
    let longest = "k".repeat(256);
    for _ in 0..3 {
        let bad = |key: &str, params: &Value| {
            [Message::event(key, params), Message::state(key, params), Message::ephemeral(key, params)]
        };
        let mut calls: Vec<_> = faults().iter().flat_map(|params| bad("k", params)).collect();
        calls.extend(keys.iter().flat_map(|key| bad(key, &json!([]))));
        calls.extend(["".to_owned(), "i".repeat(65)].map(|id| Message::event("k", ()).unwrap().with_id(&id)));
        calls.push(Message::ephemeral("k", ()).unwrap().with_id("i"));
        // Most are faults where they are made; a message that is too big for this server is one where it is published.
        for call in calls.into_iter().filter_map(Result::ok) {
            let refused = within("a refusal", owner.publish(call.clone())).await;
            assert!(matches!(refused, Err(PublishError::BadMessage(_))), "{refused:?}");
            assert!(matches!(within("a refusal", owner.send(call)).await, Err(PublishError::BadMessage(_))));
        }
        for key in &keys {
            assert!(matches!(within("a refusal", owner.clear(key)).await, Err(PublishError::BadMessage(_))));
            let refused = within("a refusal", viewer.signal(key, ())).await;
            assert!(matches!(refused, Err(SignalError::BadSignal(_))), "{refused:?}");
        }
        for params in faults() {
            let refused = within("a refusal", viewer.signal("k", params)).await;
            assert!(matches!(refused, Err(SignalError::BadSignal(_))), "{refused:?}");
        }
        // What is just not wrong is said.
        within(
            "an ack",
            owner.publish(Message::state(&longest, nested(31)).unwrap().with_id(&"i".repeat(64)).unwrap()),
        )
        .await
        .unwrap();
    }
    for said in 0..20 {
        let signaled = within("a signal", viewer.signal("hand", [said])).await;
        assert!(matches!(signaled, Ok(()) | Err(SignalError::TooOften { .. })), "{signaled:?}");
    }
    let last = within("an ack", owner.publish(Message::event("bell", ()).unwrap())).await.unwrap();
    let mut state = viewer.watch_state();
    within("the last message", state.wait_for(|state| state.seq() == last)).await.unwrap();
    assert_eq!((owner.status(), viewer.status()), (Status::Live, Status::Live));
    assert_eq!((owner.term(), house.manager.metrics().connections_opened), (1, 2), "nobody came again");
}

//! A room from its opening to its end.

use serde_json::json;

use crate::client::Client;
use crate::server::Server;

#[tokio::test]
async fn a_room_works_from_end_to_end() {
    let server = Server::start().await;
    let (mut owner, room) = Client::owner(&server).await;
    let mut early = Client::viewer(&server, &room).await;
    let message = |key: &str, value: u32, state: bool| {
        json!({
            "uuid": room, "status": {"value": 3, "text": "connected"},
            "funcKey": key, "funcParams": [value], "stateMessage": state
        })
    };
    let said = [message("goal", 1, false), message("score", 1, true), message("score", 2, true)];
    for message in &said {
        owner.say(message.clone()).await;
        assert_eq!(early.hear().await, *message);
    }
    let mut late = Client::viewer(&server, &room).await;
    assert_eq!(late.hear().await, said[2], "the newest state and no event");
    owner.say(message("goal", 2, false)).await;
    for viewer in [&mut early, &mut late] {
        assert_eq!(viewer.hear().await, message("goal", 2, false));
    }
    owner.say(json!({"uuid": room, "status": {"value": 4}})).await;
    for client in [&mut early, &mut late, &mut owner] {
        assert_eq!(client.hear().await["status"]["value"], 0);
        assert_eq!(client.end().await, 1000);
    }
    let mut nobody = Client::open(&server).await;
    nobody.say(json!({"uuid": room, "status": {"value": 2}})).await;
    assert_eq!(nobody.hear().await["status"]["text"], "room not found");
}

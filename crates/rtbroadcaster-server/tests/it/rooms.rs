//! A room from its opening to its end.

use serde_json::json;

use crate::client::Client;
use crate::server::{Server, program};

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

#[tokio::test]
async fn the_log_tells_which_rooms_open_and_why_they_end() {
    let mut server = Server::started_by(&mut program(), &["--room-idle-timeout", "1s"]).await;
    let (mut owner, room) = Client::owner(&server).await;
    let line = server.log_has("room opened").await;
    let name = format!("room={}…", &room[..8]);
    assert!(line.contains("INFO") && line.contains(&name) && !line.contains(&room), "{line}");
    owner.say(json!({"uuid": room, "status": {"value": 4}})).await;
    let line = server.log_has("room ended").await;
    assert!(line.contains(&name) && line.contains("why=\"its owner closed it\""), "{line}");

    drop(Client::owner(&server).await);
    let line = server.log_has("room ended").await;
    assert!(line.contains("why=\"neither its owner nor a viewer came back\""), "{line}");

    let _owner = Client::owner(&server).await;
    server.signal("TERM").await;
    let line = server.log_has("room ended").await;
    assert!(line.contains("why=\"the server shuts down\""), "{line}");
}

#[tokio::test]
async fn a_flood_of_rooms_does_not_fill_the_log() {
    const ROOMS: usize = 60;
    let server = Server::start().await;
    let begun = std::time::Instant::now();
    let mut owner = Vec::new();
    for _ in 0..ROOMS {
        owner.push(Client::owner(&server).await);
    }
    server.signal("TERM").await;
    drop(owner);
    let (_, log) = server.rest().await;
    let most = 16 + begun.elapsed().as_secs() + 1;
    for what in ["room opened", "room ended"] {
        let lines = log.iter().filter(|line| line.contains(what)).count() as u64;
        assert!((16..=most).contains(&lines), "{what}: {lines} lines, where {most} are allowed");
    }
}

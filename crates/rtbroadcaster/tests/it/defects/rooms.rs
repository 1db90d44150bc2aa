//! Joining, leaving, owning and ending rooms.

use std::time::Duration;

use rtbroadcaster::{Config, Limit};
use tokio::task::JoinSet;

use crate::classic;
use crate::client::{Came, Client};
use crate::house::House;
use crate::moment::{LONG, until, until_time};

/// A room in which everything works, to see that what happens beside it disturbs no member.
struct Neighbours {
    owner: Client,
    viewer: Client,
    room: String,
}

impl Neighbours {
    async fn move_in(house: &House) -> Self {
        let (owner, room) = house.owner().await;
        let viewer = house.viewer(&room).await;
        Self { owner, viewer, room }
    }

    async fn check(&mut self) {
        self.owner.send(&classic::publish("bell", "[1]")).await;
        self.viewer.expect(&classic::message(&self.room, "bell", "[1]", false)).await;
        self.owner.expect_nothing().await;
        self.viewer.expect_nothing().await;
    }
}

async fn refused(house: &House, uuid: &str) {
    let mut client = house.client().await;
    client.send(&classic::join(uuid)).await;
    client.expect(&classic::refused(uuid, "room not found")).await;
    client.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_of_an_unknown_room_is_refused_before_any_connected_and_crashes_nothing() {
    let house = House::open(Config::default()).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    refused(&house, "00000000-0000-4000-8000-000000000000").await;
    neighbours.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_of_a_malformed_room_is_refused_before_any_connected_and_crashes_nothing() {
    let house = House::open(Config::default()).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    for uuid in ["", "lobby", "../../etc", "%s%n", "00000000-0000-4000-8000-00000000000", "ü".repeat(18).as_str()] {
        refused(&house, uuid).await;
    }
    neighbours.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_join_with_a_trailing_query_string_is_refused_and_crashes_nothing() {
    let house = House::open(Config::default()).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    refused(&house, &format!("{}&utm_source=x", neighbours.room)).await;
    neighbours.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_come_in_the_order_of_the_requests_however_fast_these_come() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.owner().await;
    owner.send(&classic::publish_state("score", "[1]")).await;
    owner.expect_nothing().await;
    let mut viewer = house.client().await;
    let requests = [classic::join("lobby"), "{".to_owned(), classic::join(&room), classic::join(&room)];
    viewer.send_all(requests).await;
    viewer.expect(&classic::refused("lobby", "room not found")).await;
    viewer.expect(&classic::refused("", "bad message")).await;
    viewer.expect(&classic::connected(&room)).await;
    viewer.expect(&classic::message(&room, "score", "[1]", true)).await;
    viewer.expect(&classic::refused(&room, "already in a room")).await;
    viewer.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_join_is_refused_and_leaving_leaves_the_first_room() {
    let house = House::open(Config::default()).await;
    let mut first = Neighbours::move_in(&house).await;
    let mut second = Neighbours::move_in(&house).await;
    let mut viewer = house.viewer(&first.room).await;
    viewer.send(&classic::join(&second.room)).await;
    viewer.expect(&classic::refused(&second.room, "already in a room")).await;
    second.check().await;
    viewer.expect_nothing().await;
    first.check().await;
    viewer.expect(&classic::message(&first.room, "bell", "[1]", false)).await;
    viewer.send(classic::CLOSE).await;
    viewer.expect_close(1000).await;
    until("the viewer has left", || house.viewers(&first.room) == 1 && house.viewers(&second.room) == 1).await;
    first.check().await;
    second.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creates_give_every_owner_a_room_of_its_own() {
    let house = House::open(Config::default()).await;
    let mut creates = JoinSet::new();
    for _ in 0..100 {
        let address = house.address;
        creates.spawn(async move {
            let mut owner = Client::connect(address).await;
            let room = owner.create().await;
            (owner, room)
        });
    }
    let owners = creates.join_all().await;
    let mut rooms: Vec<&str> = owners.iter().map(|(_, room)| room.as_str()).collect();
    rooms.sort_unstable();
    rooms.dedup();
    assert_eq!(rooms.len(), 100);
    assert_eq!(house.manager.rooms().len(), 100);
    drop(owners);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_creates_ends_at_the_limit_and_no_room_outlives_its_owner_and_grace() {
    let config =
        Config { rooms_max: Limit::Max(40), owner_grace: Limit::Max(Duration::from_millis(50)), ..Config::default() };
    flood(config, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_creates_from_one_address_ends_at_that_addresss_limit() {
    let config = Config {
        rooms_per_address_max: Limit::Max(20),
        owner_grace: Limit::Max(Duration::from_millis(50)),
        ..Config::default()
    };
    let house = flood(config, 20).await;
    // What is owned by Rust comes from no address.
    let owners = [house.manager.create_room().await.unwrap(), house.manager.create_room().await.unwrap()];
    flood_house(&house, 20, owners.len()).await;
}

async fn flood(config: Config, rooms_max: usize) -> House {
    let house = House::open(config).await;
    flood_house(&house, rooms_max, 0).await;
    house
}

/// Twice as many creates as there may be rooms, twice: the places of rooms that are gone are free again.
async fn flood_house(house: &House, rooms_max: usize, others: usize) {
    for _ in 0..2 {
        let mut owners = Vec::new();
        for number in 0..2 * rooms_max {
            let mut owner = house.client().await;
            if number < rooms_max {
                owner.create().await;
            } else {
                owner.send(classic::CREATE).await;
                owner.expect(&classic::refused("", "too many rooms")).await;
            }
            owners.push(owner);
        }
        assert_eq!(house.manager.rooms().len(), rooms_max + others);
        drop(owners);
        let gone = || house.manager.rooms().len() == others && house.manager.connections() == 0;
        until_time(LONG, "all rooms and connections are gone", gone).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_are_told_when_their_owner_is_gone_for_good_however_it_went() {
    let house = House::open(Config { owner_grace: Limit::Max(Duration::from_millis(100)), ..Config::default() }).await;
    for way in ["dropped", "closed", "broken"] {
        let (mut owner, room) = house.owner().await;
        let mut viewers = [house.viewer(&room).await, house.viewer(&room).await];
        match way {
            "closed" => {
                owner.send_close().await;
                owner.expect_close(1000).await;
            }
            "broken" => {
                owner.send_raw(&[0xff; 16]).await;
                owner.expect_close(1002).await;
            }
            _ => drop(owner),
        }
        for viewer in &mut viewers {
            viewer.expect(&classic::not_connected(&room)).await;
            viewer.expect_close(1000).await;
        }
        refused(&house, &room).await;
    }
    until("no room is left", || house.manager.rooms().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_loss_is_not_final_before_the_grace_is_over() {
    let house = House::open(Config { owner_grace: Limit::Max(Duration::from_secs(60)), ..Config::default() }).await;
    let (owner, room) = house.owner().await;
    let mut viewer = house.viewer(&room).await;
    drop(owner);
    let is_away = || house.manager.rooms().iter().all(|room| room.owner == rtbroadcaster::OwnerStatus::Away);
    until("the owner's loss is noticed", is_away).await;
    viewer.expect_nothing().await;
    house.viewer(&room).await.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closing_a_room_tells_and_closes_every_connection_in_it() {
    let house = House::open(Config::default()).await;
    let (mut owner, room) = house.owner().await;
    let mut viewers = [house.viewer(&room).await, house.viewer(&room).await];
    owner.send(classic::CLOSE).await;
    for client in viewers.iter_mut().chain([&mut owner]) {
        client.expect(&classic::not_connected(&room)).await;
        client.expect_close(1000).await;
    }
    drop((owner, viewers));
    until("all connections are gone", || house.manager.connections() == 0).await;
    assert!(house.manager.rooms().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_closes_is_closed_alone() {
    let house = House::open(Config::default()).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    let mut viewer = house.viewer(&neighbours.room).await;
    viewer.send(classic::CLOSE).await;
    viewer.expect_close(1000).await;
    drop(viewer);
    neighbours.check().await;
    until("only two connections are left", || house.manager.connections() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_for_another_room_is_refused_and_relayed_to_nobody() {
    let house = House::open(Config::default()).await;
    let mut mine = Neighbours::move_in(&house).await;
    let mut other = Neighbours::move_in(&house).await;
    let stolen = classic::publish("stolen", "[1]").replacen('{', &format!(r#"{{"uuid":"{}","#, other.room), 1);
    mine.owner.send(&stolen).await;
    mine.owner.expect(&classic::refused(&other.room, "not the owner")).await;
    mine.check().await;
    other.check().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_that_publishes_is_told_that_it_may_not() {
    let house = House::open(Config::default()).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    let mut viewer = house.viewer(&neighbours.room).await;
    for say in [classic::publish("mine", "[1]"), classic::publish_state("mine", "[2]")] {
        viewer.send(&say).await;
        viewer.expect(&classic::refused("", "not the owner")).await;
    }
    neighbours.check().await;
    viewer.expect(&classic::message(&neighbours.room, "bell", "[1]", false)).await;
    house.viewer(&neighbours.room).await.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_says_nothing_is_closed_and_one_that_speaks_is_not() {
    let house =
        House::open(Config { first_message_timeout: Limit::Max(Duration::from_secs(1)), ..Config::default() }).await;
    let mut neighbours = Neighbours::move_in(&house).await;
    let silent = house.client().await;
    let mut half = house.client().await;
    // The first bytes of a message whose rest never comes.
    half.send_raw(&[0x81, 0xbe, 0, 0]).await;
    for mut client in [silent, half] {
        client.expect_close(4502).await;
    }
    neighbours.check().await;
    until("only two connections are left", || house.manager.connections() == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_never_answers_its_close_is_gone_in_time() {
    let house =
        House::open(Config { first_message_timeout: Limit::Max(Duration::from_millis(100)), ..Config::default() })
            .await;
    // Connected, and never read from again.
    let silent = house.client().await;
    until_time(LONG, "no connection is left", || house.manager.connections() == 0).await;
    let mut silent = silent;
    assert_eq!(silent.next().await, Came::Close(4502, "idle".into()));
}

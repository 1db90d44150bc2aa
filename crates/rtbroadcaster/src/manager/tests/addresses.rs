//! What one address may have: rooms, and bytes in a directory, also after a restart.

use std::net::IpAddr;
use std::time::Duration;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::limit::Limit;
#[cfg(feature = "disk")]
use rtbroadcaster_core::refusal::PublishError;

use super::*;
use crate::os_random::OsRandom;

fn place(last: u8) -> Option<AddressBlock> {
    Some(AddressBlock::from(IpAddr::from([192, 0, 2, last])))
}

async fn create(manager: &Manager, last: u8, grace: u64) -> Result<Owner, CreateError> {
    let options = RoomOptions::new().with_grace(Duration::from_secs(grace));
    manager.server().registry().create(place(last), Some(OwnerKey::random(&OsRandom)), options).await
}

#[tokio::test(start_paused = true)]
async fn at_its_cap_an_address_ends_the_room_that_it_left_longest_ago() {
    let config = Config {
        rooms_per_address_max: Limit::Max(3),
        owner_grace: Limit::Max(Duration::from_secs(100)),
        ..Config::default()
    };
    let manager = Manager::new(config);
    let (first, second, here) =
        (create(&manager, 1, 900).await, create(&manager, 1, 900).await, create(&manager, 1, 900).await);
    let rooms = [&first, &second, &here].map(|owner| owner.as_ref().unwrap().room());
    let elsewhere = create(&manager, 2, 900).await.unwrap();
    let there = || rooms.each_ref().map(|room| manager.room(room).is_some());
    drop(second);
    tokio::time::advance(Duration::from_secs(60)).await;
    drop((first, elsewhere));
    tokio::time::advance(Duration::from_secs(39)).await;
    assert_eq!(
        create(&manager, 1, 900).await.err(),
        Some(CreateError::TooManyRooms),
        "nobody was away for long enough"
    );
    tokio::time::advance(Duration::from_secs(2)).await;
    let fourth = create(&manager, 1, 900).await.unwrap();
    assert_eq!(there(), [true, false, true], "the one that was left first");
    assert_eq!(create(&manager, 1, 900).await.err(), Some(CreateError::TooManyRooms));
    tokio::time::advance(Duration::from_secs(60)).await;
    let fifth = create(&manager, 1, 900).await.unwrap();
    assert_eq!(there(), [false, false, true]);
    tokio::time::advance(Duration::from_secs(500)).await;
    assert_eq!(create(&manager, 1, 900).await.err(), Some(CreateError::TooManyRooms), "everybody is there");
    assert_eq!(manager.rooms().len(), 4, "that of another address among them");
    drop((here, fourth, fifth));
}

#[cfg(feature = "disk")]
mod kept {
    use rtbroadcaster_core::message::Message;

    use super::*;
    use crate::engine::disk::Disk;

    /// A directory that goes with its test.
    struct Directory(std::path::PathBuf);

    impl Directory {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!(
                "rtbroadcaster-{}-{}",
                std::process::id(),
                rtbroadcaster_core::id::Life::random(&OsRandom)
            )))
        }

        async fn open(&self, config: &Config) -> Manager {
            Manager::open(config.clone(), &Disk::at(&self.0)).await.unwrap()
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            // The system clears what cannot be removed now.
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[tokio::test]
    async fn a_kept_room_counts_for_its_creators_address_after_a_restart_too() {
        let directory = Directory::new();
        let config = Config { rooms_per_address_max: Limit::Max(1), ..Config::default() };
        let manager = directory.open(&config).await;
        let owner = create(&manager, 1, 900).await.unwrap();
        drop(owner);
        manager.shutdown().await;
        let manager = directory.open(&config).await;
        assert_eq!(manager.rooms().len(), 1);
        assert_eq!(create(&manager, 1, 900).await.err(), Some(CreateError::TooManyRooms));
        assert!(create(&manager, 2, 900).await.is_ok());
        manager.shutdown().await;
    }

    #[tokio::test]
    async fn beyond_its_bytes_an_address_creates_nothing_and_says_only_what_frees_as_much() {
        let directory = Directory::new();
        let config = Config {
            data_bytes_per_address_max: Limit::Max(20_000),
            history_messages_max: Limit::Max(8),
            ..Config::default()
        };
        let mut manager = directory.open(&config).await;
        let mut owner = create(&manager, 1, 900).await.unwrap();
        let (room, key) = (owner.room(), owner.key().clone());
        let value = |number: u32| Message::state(&format!("key {number}"), ["x".repeat(2_000)]).unwrap();
        let mut said = 0;
        let refused = loop {
            match owner.publish(value(said)).await {
                Ok(_) => said += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((refused, said), (PublishError::StateFull, 10), "20 kB are full");
        for round in 0..2 {
            assert_eq!(create(&manager, 1, 900).await.err(), Some(CreateError::TooManyRooms), "round {round}");
            let other = create(&manager, 2, 900).await;
            assert!(other.unwrap().publish(value(0)).await.is_ok(), "another address has its own");
            assert_eq!(owner.publish(value(99)).await, Err(PublishError::StateFull));
            // The limit holds after a restart too.
            drop(owner);
            manager.shutdown().await;
            manager = directory.open(&config).await;
            owner = manager.own(&room, &key).await.unwrap();
        }
        owner.publish(Message::ephemeral("pointer", [1]).unwrap()).await.expect("what is not kept takes nothing");
        for number in 0..said {
            owner.clear(&format!("key {number}")).await.expect("what frees may always be said");
        }
        owner.publish(value(99)).await.expect("there is space again");
        assert!(create(&manager, 1, 900).await.is_ok());
        manager.shutdown().await;
    }

    #[tokio::test]
    async fn a_full_directory_stops_every_room() {
        let directory = Directory::new();
        let config = Config { data_bytes_max: Limit::Max(10_000), ..Config::default() };
        let manager = directory.open(&config).await;
        let (one, other) = (create(&manager, 1, 900).await.unwrap(), create(&manager, 2, 900).await.unwrap());
        one.publish(Message::event("large", ["x".repeat(11_000)]).unwrap()).await.unwrap();
        assert_eq!(other.publish(Message::event("small", ()).unwrap()).await, Err(PublishError::StateFull));
        assert_eq!(create(&manager, 3, 900).await.err(), Some(CreateError::TooManyRooms));
        one.close().await.unwrap();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while other.publish(Message::event("small", ()).unwrap()).await.is_err() {
            assert!(std::time::Instant::now() < deadline, "the end of the room gives its bytes back");
        }
        manager.shutdown().await;
    }
}

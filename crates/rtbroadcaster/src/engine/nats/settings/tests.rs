//! Tests of the settings of the stream that need no server.

use super::*;

#[test]
fn versions_are_compared_by_number() {
    for version in ["2.12.8", "2.12.10", "2.15.1", "2.14.0-RC.1", "3.0.0"] {
        assert!(is_new_enough(version), "{version}");
    }
    for version in ["2.12.7", "2.9.10", "2.11.11", "", "x"] {
        assert!(!is_new_enough(version), "{version}");
    }
}

#[test]
fn a_namespace_is_part_of_subjects() {
    let settings = |namespace: &str| Settings::of(&Nats::at("nats://here").namespace(namespace), &Config::default());
    assert!(settings("my-app_1").is_ok());
    for wrong in ["", "a.b", "A", "*", ">", "a b", &"x".repeat(33)] {
        assert!(matches!(settings(wrong), Err(NatsError::Namespace(_))), "{wrong}");
    }
}

#[test]
fn a_stream_that_promises_less_is_refused() {
    let settings = Settings::of(&Nats::at("nats://here"), &Config::default()).unwrap();
    assert!(settings.check(&settings.config).is_ok());
    type Change = fn(&mut StreamConfig);
    let changes: [(&str, Change); 9] = [
        ("subjects", |config| config.subjects.clear()),
        ("republish", |config| config.republish = None),
        ("allow_direct", |config| config.allow_direct = false),
        ("allow_msg_ttl", |config| config.allow_message_ttl = false),
        ("persist_mode async", |config| config.persist_mode = Some(PersistenceMode::Async)),
        ("max_msgs_per_subject", |config| config.max_messages_per_subject = 100),
        ("num_replicas", |config| config.num_replicas = 1),
        ("max_age", |config| config.max_age = Duration::from_secs(60)),
        ("storage", |config| config.storage = StorageType::Memory),
    ];
    for (name, change) in changes {
        let mut found = settings.config.clone();
        change(&mut found);
        let Err(NatsError::Setting { setting, .. }) = settings.check(&found) else { panic!("{name}") };
        assert_eq!(setting, name);
    }
}

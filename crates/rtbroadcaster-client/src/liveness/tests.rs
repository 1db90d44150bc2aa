//! Tests of silence, probes and verdicts, with times as plain numbers.

use super::*;

const S: Duration = Duration::from_secs(1);

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the view of a connection whose socket has accepted everything.
fn view(read: Duration, written: Duration) -> ConnectionView {
    ConnectionView { read, written, has_taken_probe: true, owed: None }
}

fn signs(next: u64) -> Signs {
    Signs { alive: Some(ms(next)), next: Some(ms(next)), answers_pings: true }
}

/// Returns a client that is in the room since the beginning, on a server that plans a frame each 5 s.
fn inside() -> LivenessMonitor {
    let mut liveness = LivenessMonitor::default();
    liveness.entered(signs(5_000), None, Duration::ZERO);
    liveness
}

/// Runs until the next step that is not `Nothing`, and returns its time and itself. The socket accepts a ping at once.
fn next(liveness: &mut LivenessMonitor, view: ConnectionView, from: Duration) -> (Duration, LivenessStep) {
    let mut now = from;
    loop {
        let due = liveness.due(view, now).expect("there is a deadline").max(now);
        assert!(due < now + 1_000 * S, "{due:?}");
        now = due;
        match liveness.step(view, now) {
            LivenessStep::Nothing => {}
            step => return (now, step),
        }
    }
}

#[test]
fn two_intervals_of_silence_are_probed_shown_and_given_up_in_this_order() {
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    assert_eq!(next(&mut liveness, silent, Duration::ZERO), (10 * S, LivenessStep::Probe));
    assert!(!liveness.is_checking(ms(11_499)));
    assert_eq!(next(&mut liveness, silent, 10 * S), (ms(11_500), LivenessStep::GiveUp));
    assert!(liveness.is_checking(ms(11_500)));
    liveness.left(true, ms(11_500));
    assert!(!liveness.has_entered() && !liveness.is_checking(12 * S));
    assert_eq!(liveness.due(silent, 12 * S), None, "there is no probe outside of the room");
}

#[test]
fn any_frame_and_any_byte_restarts_the_timeout_of_a_probe_and_only_its_pong_answers_it() {
    for is_frame in [true, false] {
        let mut liveness = inside();
        let silent = view(Duration::ZERO, Duration::ZERO);
        assert_eq!(next(&mut liveness, silent, Duration::ZERO), (10 * S, LivenessStep::Probe));
        let read = if is_frame { Duration::ZERO } else { 11 * S };
        if is_frame {
            liveness.received(11 * S);
        }
        let heard = view(read, Duration::ZERO);
        assert_eq!(liveness.step(heard, ms(11_600)), LivenessStep::Nothing);
        assert!(liveness.is_checking(ms(11_600)), "the way to the server may be dark");
        let mut unanswered = inside();
        next(&mut unanswered, silent, Duration::ZERO);
        unanswered.received(11 * S);
        assert_eq!(next(&mut unanswered, silent, 11 * S), (ms(12_500), LivenessStep::GiveUp));
        liveness.received(12 * S);
        liveness.answered(12 * S);
        assert!(!liveness.is_checking(13 * S));
        let (at, step) = next(&mut liveness, heard, 12 * S);
        assert_eq!((at, step), (22 * S, LivenessStep::Probe), "two intervals behind it");
    }
}

#[test]
fn an_owner_whose_way_up_is_dark_knows_it_whatever_arrives() {
    let mut liveness = inside();
    let mut probes = 0;
    let mut checking = None;
    for millis in (0..20_000).step_by(50) {
        let now = ms(millis);
        // A frame each 1.4 s: too many for a silence, and none of them says that the publish has arrived.
        if millis % 1_400 == 0 {
            liveness.received(now);
        }
        let owed = ConnectionView { owed: Some(S), ..view(Duration::ZERO, Duration::ZERO) };
        match liveness.step(owed, now) {
            LivenessStep::Probe => probes += 1,
            LivenessStep::GiveUp => panic!("given up although it hears"),
            LivenessStep::Nothing => {}
        }
        if liveness.is_checking(now) {
            checking.get_or_insert(now);
        }
    }
    assert_eq!((probes, checking), (1, Some(ms(4_500))));
}

#[test]
fn bytes_that_come_all_the_time_are_no_silence() {
    let mut liveness = inside();
    for second in 1..1_000_u32 {
        let now = S * second;
        assert_eq!(liveness.step(view(now, Duration::ZERO), now), LivenessStep::Nothing);
        assert!(liveness.due(view(now, Duration::ZERO), now).unwrap() > now);
    }
}

#[test]
fn what_a_server_tells_of_its_next_frame_counts_from_then_on() {
    let mut liveness = inside();
    liveness.received(3 * S);
    liveness.planned(60 * S);
    let silent = view(Duration::ZERO, Duration::ZERO);
    assert_eq!(next(&mut liveness, silent, 3 * S), (123 * S, LivenessStep::Probe));
}

#[test]
fn an_old_server_is_given_up_after_two_heartbeats_and_one_without_any_never() {
    let mut old = LivenessMonitor::default();
    old.entered(Signs { alive: Some(4 * S), next: None, answers_pings: false }, None, S);
    let silent = view(Duration::ZERO, Duration::ZERO);
    assert_eq!(next(&mut old, silent, S), (9 * S, LivenessStep::GiveUp));
    let mut mute = LivenessMonitor::default();
    mute.entered(Signs { alive: None, next: None, answers_pings: false }, None, S);
    mute.suspect(2 * S);
    assert_eq!((mute.due(silent, 3 * S), mute.step(silent, 1_000 * S)), (None, LivenessStep::Nothing));
    // Without heartbeats a new server is probed only for a reason.
    let mut quiet = LivenessMonitor::default();
    quiet.entered(Signs { alive: None, next: None, answers_pings: true }, None, S);
    assert_eq!(quiet.due(silent, 2 * S), None);
    quiet.suspect(3 * S);
    assert_eq!(next(&mut quiet, silent, 3 * S), (3 * S, LivenessStep::Probe));
}

#[test]
fn a_late_deadline_asks_and_judges_nothing() {
    for server_is_old in [true, false] {
        let mut liveness = LivenessMonitor::default();
        liveness.entered(Signs { answers_pings: !server_is_old, ..signs(5_000) }, None, Duration::ZERO);
        let silent = view(Duration::ZERO, Duration::ZERO);
        assert_eq!(liveness.due(silent, S), Some(10 * S));
        let expected = if server_is_old { LivenessStep::Nothing } else { LivenessStep::Probe };
        assert_eq!(liveness.step(silent, 14 * S), expected);
        let (at, step) = next(&mut liveness, silent, 14 * S);
        assert_eq!(step, LivenessStep::GiveUp);
        assert_eq!(at, if server_is_old { 24 * S } else { ms(15_500) });
    }
    // The verdict on a probe may be late too.
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    next(&mut liveness, silent, Duration::ZERO);
    assert_eq!(liveness.due(silent, 10 * S), Some(ms(11_500)));
    assert_eq!(liveness.step(silent, 60 * S), LivenessStep::Probe, "an answer may have waited since before");
    assert_eq!(next(&mut liveness, silent, 60 * S), (ms(61_500), LivenessStep::GiveUp));
}

#[test]
fn after_a_sleep_the_truth_is_shown_within_two_seconds() {
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    liveness.slept(2 * S);
    assert_eq!(next(&mut liveness, silent, 2 * S), (2 * S, LivenessStep::Probe));
    assert!(!liveness.is_checking(ms(3_499)) && liveness.is_checking(ms(3_500)));
    // A program that asks for it meanwhile gets no second probe.
    liveness.suspect(3 * S);
    assert_eq!(next(&mut liveness, silent, 3 * S), (ms(4_500), LivenessStep::GiveUp));
    // After a second sleep the answer to the first probe would say nothing about the time since.
    let mut liveness = inside();
    liveness.slept(2 * S);
    assert_eq!(next(&mut liveness, silent, 2 * S), (2 * S, LivenessStep::Probe));
    liveness.slept(3 * S);
    assert_eq!(next(&mut liveness, silent, 3 * S), (3 * S, LivenessStep::Probe));
    assert_eq!(next(&mut liveness, silent, 3 * S), (ms(4_500), LivenessStep::GiveUp));
}

#[test]
fn a_publish_that_is_owed_for_two_seconds_is_a_reason_until_the_server_answers() {
    let mut liveness = inside();
    let owed = ConnectionView { owed: Some(S), ..view(Duration::ZERO, Duration::ZERO) };
    liveness.received(ms(1_500));
    assert_eq!(next(&mut liveness, owed, ms(1_500)), (3 * S, LivenessStep::Probe), "a frame is no acknowledgement");
    liveness.answered(ms(3_600));
    liveness.proven(0, ms(3_600));
    assert_eq!(next(&mut liveness, owed, ms(3_600)), (ms(5_600), LivenessStep::Probe), "as long as it is owed");
    // An acknowledgement of an earlier publish shows that the way up works.
    let mut acked = inside();
    acked.proven(100, ms(2_500));
    assert_eq!(next(&mut acked, owed, ms(2_500)), (ms(4_500), LivenessStep::Probe));
    // What was owed on an earlier connection is owed on this one since it is there.
    let mut again = LivenessMonitor::default();
    again.entered(signs(5_000), None, 100 * S);
    assert_eq!(next(&mut again, owed, 100 * S), (102 * S, LivenessStep::Probe));
}

#[test]
fn a_probe_s_time_runs_when_the_socket_has_taken_it_and_ten_seconds_after_it_took_anything() {
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    next(&mut liveness, silent, Duration::ZERO);
    // The socket accepts other bytes until 14 s, and then the ping.
    let taking = |written| ConnectionView { has_taken_probe: false, ..view(Duration::ZERO, written) };
    for second in 11..14 {
        assert_eq!(liveness.step(taking(S * second), S * second), LivenessStep::Nothing);
        assert!(liveness.due(taking(S * second), S * second).unwrap() <= S * second + LOOK);
    }
    let taken = view(Duration::ZERO, 14 * S);
    assert_eq!(next(&mut liveness, taken, 14 * S), (ms(15_500), LivenessStep::GiveUp));

    let mut stuck = inside();
    next(&mut stuck, silent, Duration::ZERO);
    assert_eq!(next(&mut stuck, taking(12 * S), 12 * S), (ms(23_500), LivenessStep::GiveUp));
}

#[test]
fn what_may_still_be_on_a_slow_way_up_has_its_time_until_the_next_frame_is_due() {
    let mut liveness = inside();
    let owed = ConnectionView { owed: Some(Duration::ZERO), ..view(Duration::ZERO, Duration::ZERO) };
    // 16 KiB take 8 s.
    liveness.sent(16_384, Duration::ZERO);
    assert_eq!(next(&mut liveness, owed, Duration::ZERO), (2 * S, LivenessStep::Probe));
    assert!(liveness.is_checking(4 * S), "that is said all the same");
    assert_eq!(next(&mut liveness, owed, 2 * S), (ms(9_500), LivenessStep::GiveUp));
    // 60 KB take longer than the server's next frame: that one would have come.
    let mut big = inside();
    big.sent(60_000, Duration::ZERO);
    next(&mut big, owed, Duration::ZERO);
    assert_eq!(next(&mut big, owed, 2 * S), (ms(11_500), LivenessStep::GiveUp));
    // What is acknowledged has come.
    let mut proven = inside();
    proven.sent(60_000, Duration::ZERO);
    proven.proven(0, S);
    assert_eq!(next(&mut proven, owed, S), (3 * S, LivenessStep::Probe));
    assert_eq!(next(&mut proven, owed, 3 * S), (ms(4_500), LivenessStep::GiveUp));
}

#[test]
fn what_is_said_behind_a_probe_gives_it_no_time() {
    for is_flushed in [true, false] {
        let mut liveness = LivenessMonitor::default();
        liveness.entered(signs(25_000), None, Duration::ZERO);
        let (mut asked, mut now) = (None, Duration::ZERO);
        let end = loop {
            // 8 000 bytes a second, four times as many as the slowest way up carries, into a socket that takes them
            // all.
            liveness.sent(800, now);
            let has_taken = is_flushed || asked.is_none();
            let view = ConnectionView {
                owed: Some(Duration::ZERO),
                has_taken_probe: has_taken,
                ..view(Duration::ZERO, ms(100))
            };
            match liveness.step(view, now) {
                LivenessStep::Nothing => {}
                LivenessStep::Probe => asked = Some(now),
                LivenessStep::GiveUp => break now,
            }
            assert!(now < 60 * S, "it is never given up");
            now += ms(100);
        };
        assert_eq!(asked, Some(2 * S));
        // 16 800 bytes in front of the probe take 8.2 s, from the beginning on.
        let expected = if is_flushed { ms(9_800) } else { ms(11_600) };
        assert_eq!(end, expected, "flushed: {is_flushed}");
    }
}

#[test]
fn time_in_which_the_program_does_not_take_what_came_is_no_silence() {
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    liveness.due(silent, S);
    liveness.was_not_read(100 * S);
    assert_eq!(next(&mut liveness, silent, 100 * S), (110 * S, LivenessStep::Probe), "nor a reason to ask");
    liveness.was_not_read(ms(111_400));
    assert_eq!(next(&mut liveness, silent, ms(111_400)), (ms(112_900), LivenessStep::GiveUp));
}

#[test]
fn a_program_that_asks_again_and_again_has_four_probes_a_second() {
    let mut liveness = inside();
    let mut probes = 0;
    for now in (0..10_000).map(ms) {
        liveness.suspect(now);
        if liveness.step(view(now, now), now) == LivenessStep::Probe {
            probes += 1;
            liveness.answered(now);
        }
    }
    assert_eq!(probes, 40);
}

#[test]
fn slow_answers_give_the_next_probes_more_time() {
    let mut liveness = inside();
    let silent = view(Duration::ZERO, Duration::ZERO);
    next(&mut liveness, silent, Duration::ZERO);
    liveness.received(ms(11_400));
    liveness.answered(ms(11_400));
    let at = next(&mut liveness, silent, ms(11_400)).0;
    assert_eq!(next(&mut liveness, silent, at), (at + ms(2_800), LivenessStep::GiveUp));
}

#[test]
fn no_moment_overflows() {
    let mut liveness = LivenessMonitor::default();
    liveness.entered(Signs { alive: Some(Duration::MAX), ..signs(5_000) }, Some(Duration::MAX), Duration::MAX);
    liveness.planned(Duration::MAX);
    liveness.sent(usize::MAX, Duration::MAX);
    let view =
        ConnectionView { owed: Some(Duration::MAX), has_taken_probe: false, ..view(Duration::MAX, Duration::MAX) };
    liveness.suspect(Duration::MAX);
    for now in [Duration::ZERO, Duration::MAX] {
        let _ = (liveness.due(view, now), liveness.step(view, now), liveness.is_checking(now));
        liveness.proven(usize::MAX, now);
        liveness.received(now);
        liveness.was_not_read(now);
    }
    liveness.left(true, Duration::ZERO);
}

//! Everything that PROTOCOL.md answers with a refusal or an end, beside viewers of a live room that lose nothing.
//!
//! `company` is the live room and `offender` who offends in it; the rest are tables of what is sent and what it earns.

mod classic;
mod company;
mod framing;
mod handshakes;
mod log;
mod offender;
mod patience;
mod rates;
mod v2;

use company::Company;
use offender::{Speech, Who};

/// Every table, row by row, in one live room.
async fn every_row(company: &Company) {
    for (what, bytes, end) in framing::rows() {
        for speech in [Speech::Classic, Speech::V2] {
            for who in [Who::Nobody, Who::Viewer, Who::Owner] {
                company.check(what, speech, who, &bytes, &[end]).await;
            }
        }
    }
    for (what, begin, rest) in framing::excess() {
        let whole = [&begin[..], &rest].concat();
        for who in [Who::Nobody, Who::Viewer, Who::Owner] {
            company.check(what, Speech::Classic, who, &begin, &["1009"]).await;
            // Neither a mistake nor a message: two others before it and one behind it end the connection all the same.
            company.check(what, Speech::V2, who, &whole, &["too_big"]).await;
            let wrong = framing::text("{}");
            let row = [&wrong[..], &wrong, &whole, &wrong].concat();
            let answers = ["bad_message", "bad_message", "too_big", "bad_message", "4501"];
            company.check(what, Speech::V2, who, &row, &answers).await;
        }
    }
    for (speech, rows) in [(Speech::Classic, classic::ROWS), (Speech::V2, v2::ROWS)] {
        for (who, text, answer) in rows {
            let frame = framing::text(&company.fill(text));
            company.check(text, speech, *who, &frame, &[answer]).await;
            // The third of them in a row ends the connection, with the code of that one.
            if let Some(end) = end_of_three(answer) {
                company.check(text, speech, *who, &frame.repeat(3), &[answer, answer, answer, end]).await;
            }
        }
    }
    for (row, request, status) in handshakes::rows(company.house()) {
        handshakes::check(company.house(), &row, &request, status).await;
    }
}

/// The code that closes the connection behind three refusals with the code `answer`.
fn end_of_three(answer: &str) -> Option<&'static str> {
    match answer {
        "bad_message" => Some("4501"),
        "no_room" => Some("4510"),
        "not_owner" => Some("4507"),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_earns_its_answer_and_the_viewers_of_a_live_room_lose_nothing() {
    let company = Company::open().await;
    every_row(&company).await;
    let said = company.end().await;
    assert!(said > 100, "{said} messages: the room was not live");
}

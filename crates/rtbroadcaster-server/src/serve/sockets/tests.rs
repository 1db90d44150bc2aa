//! Which sockets are admitted, and which are closed for them.

use super::*;
use futures_util::future::poll_immediate;

const BEYOND: usize = 3;

fn sockets(all: Limit, per_address: Limit) -> Arc<Sockets> {
    Sockets::new(SocketLimits { all, beyond: BEYOND, per_address }, None)
}

fn from(last: u8) -> Option<IpAddr> {
    Some([192, 0, 2, last].into())
}

async fn is_closed(counted: &CountedSocket) -> bool {
    poll_immediate(counted.closed()).await.is_some()
}

/// A socket that has a request.
fn busy(sockets: &Arc<Sockets>, address: Option<IpAddr>) -> CountedSocket {
    let counted = sockets.enter(address).unwrap();
    counted.start_request(address).unwrap();
    counted
}

#[tokio::test]
async fn at_an_addresss_limit_the_socket_that_is_idle_longest_is_closed() {
    let sockets = sockets(Limit::None, Limit::Max(3));
    let (silent, older, younger) = (sockets.enter(from(1)).unwrap(), busy(&sockets, from(1)), busy(&sockets, from(1)));
    older.wait(WaitReason::Idle);
    younger.wait(WaitReason::Idle);
    let other = sockets.enter(from(2)).unwrap();
    let _fourth = busy(&sockets, from(1));
    assert!(is_closed(&older).await && !is_closed(&younger).await && !is_closed(&silent).await);
    let _fifth = busy(&sockets, from(1));
    assert!(is_closed(&younger).await && !is_closed(&silent).await);
    let _sixth = busy(&sockets, from(1));
    assert!(is_closed(&silent).await, "when none is idle");
    assert_eq!(sockets.enter(from(1)).err(), Some(TooManySockets), "when all have requests");
    assert!(!is_closed(&other).await, "another address is left alone");
    drop((silent, older, younger, other));
    assert_eq!(sockets.counts(), PlainHttp { open: 3, refused: 1, displaced: 3 });
}

#[tokio::test]
async fn at_the_limit_of_all_a_few_more_are_answered_and_get_no_websocket() {
    let sockets = sockets(Limit::Max(4), Limit::None);
    let visits: Vec<_> = (0..4).map(|last| busy(&sockets, from(last))).collect();
    assert!(visits.iter().all(CountedSocket::may_upgrade));
    let beyond: Vec<_> = (0..BEYOND).map(|_| busy(&sockets, from(9))).collect();
    assert!(!beyond.iter().any(CountedSocket::may_upgrade));
    assert_eq!(sockets.enter(from(9)).err(), Some(TooManySockets));
    drop(beyond);
    visits[2].wait(WaitReason::Idle);
    assert!(sockets.enter(from(9)).unwrap().may_upgrade());
    assert!(is_closed(&visits[2]).await && !is_closed(&visits[3]).await);
}

#[tokio::test]
async fn a_proxys_socket_counts_for_the_client_while_it_has_its_request() {
    let sockets = sockets(Limit::None, Limit::Max(2));
    let proxy: Vec<_> = (0..5).map(|_| sockets.enter(None).unwrap()).collect();
    assert_eq!(proxy[0].start_request(from(1)), Ok(()));
    assert_eq!(proxy[1].start_request(from(1)), Ok(()));
    assert_eq!(proxy[2].start_request(from(1)), Err(TooManySockets), "two have requests of this client");
    assert_eq!(proxy[2].start_request(from(2)), Ok(()));
    proxy[1].start_request(from(2)).unwrap();
    assert_eq!(proxy[3].start_request(from(1)), Ok(()), "the second one has a request of another client now");
}

#[tokio::test]
async fn nothing_is_left_of_sockets_that_are_gone() {
    let sockets = sockets(Limit::None, Limit::None);
    let mut visits: Vec<_> = (0..100).map(|last| sockets.enter(from(last % 7)).unwrap()).collect();
    for (number, counted) in visits.iter().enumerate() {
        match number % 3 {
            0 => counted.wait(WaitReason::Idle),
            1 => counted.start_request(from(200)).unwrap(),
            _ => {}
        }
    }
    visits.reverse();
    drop(visits);
    let open = sockets.lock();
    assert!(open.sockets.is_empty() && open.addresses.is_empty() && open.evictable.first().is_none());
}

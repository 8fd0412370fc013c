//! Who is told that somebody is online.

use super::*;
use crate::fixture::runuser;

fn peer(session: u64) -> Peer {
    Peer { session, user: Some(user_of(31)), operator: false }
}

/// What a topic has told about presence, in order.
fn told(stand: &Stand, topic: &str) -> Vec<bool> {
    let events = lock(&stand.events);
    let of_topic = events.iter().filter(|event| event.topic == topic);
    of_topic
        .filter_map(|event| match &*event.args {
            args if args.contains(r#""online":true"#) => Some(true),
            args if args.contains(r#""online":false"#) => Some(false),
            _ => None,
        })
        .collect()
}

async fn a_while() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_last_that_is_told_is_how_it_is() {
    let stand = Stand::start(game(), None).await;
    stand.engine.joined(peer(1));
    a_while().await;
    let (go_on, held) = oneshot::channel();
    *lock(&stand.hold) = Some(held);
    // A page is loaded anew: the old session leaves while the new one joins.
    stand.engine.left(peer(1));
    a_while().await;
    stand.engine.joined(peer(2));
    a_while().await;
    go_on.send(()).unwrap();
    a_while().await;
    assert_eq!(told(&stand, "root.model.world.9.update_child"), [true, false, true]);
}

#[tokio::test]
async fn who_comes_into_a_world_is_told_to_be_online_or_not() {
    let stand = Stand::start(game(), None).await;
    let topic = "root.model.world.10.update_child";
    stand.tell(30, runuser(31, Some(10), Some(21)));
    stand.engine.reached(30).await;
    assert_eq!(told(&stand, topic), [false]);
    stand.engine.joined(peer(1));
    a_while().await;
    stand.tell(31, runuser(31, None, Some(21)));
    stand.tell(32, runuser(31, Some(10), Some(21)));
    stand.engine.reached(32).await;
    assert_eq!(told(&stand, topic), [false, true, true]);
}

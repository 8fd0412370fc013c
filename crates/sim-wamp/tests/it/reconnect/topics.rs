//! The subscriptions of agents.

use futures_util::StreamExt;
use sim_wamp::{EventError, MatchPolicy, Missed, Publication, SubscribeOptions, Subscription, uri};

use super::home::{Home, agent};
use crate::kit::{args, soon};

/// Publishes numbers.
async fn publish(home: &Home, topic: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let publication = Publication::new(topic, args(&format!("[{number}]")));
        soon(home.watcher.session.publish(publication)).await.expect("it lives");
    }
}

async fn next(subscription: &mut Subscription) -> Result<u32, EventError> {
    soon(subscription.next::<u32>()).await.expect("the agent lives")
}

#[tokio::test]
async fn subscriptions_of_one_topic_are_one_at_the_router_until_the_last_is_dropped() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    home.follow(uri::ON_UNSUBSCRIBE).await;
    let mut one = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let mut other = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let mut prefix = soon(agent.subscribe("app.t", MatchPolicy::Prefix)).await.unwrap();
    // The watcher's, and one per policy.
    assert_eq!(home.count("wamp.subscription.list").await, 3);
    publish(&home, "app.t", 0..2).await;
    for subscription in [&mut one, &mut other, &mut prefix] {
        assert_eq!(next(subscription).await, Ok(0));
        assert_eq!(next(subscription).await, Ok(1));
    }
    drop(one);
    publish(&home, "app.t", 2..3).await;
    assert_eq!(next(&mut other).await, Ok(2));
    drop(other);
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_UNSUBSCRIBE);
    assert_eq!(home.count("wamp.subscription.list").await, 2);
    publish(&home, "app.t", 3..4).await;
    assert_eq!((next(&mut prefix).await, next(&mut prefix).await), (Ok(2), Ok(3)));
}

#[tokio::test]
async fn subscription_that_is_wanted_again_while_it_is_given_back_is_there_again() {
    let home = Home::start().await;
    let agent = home.agent().await;
    for number in 0..50 {
        let mut topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
        publish(&home, "app.t", number..number + 1).await;
        assert_eq!(next(&mut topic).await, Ok(number));
    }
}

#[tokio::test]
async fn events_that_find_no_room_are_reported_in_their_place() {
    let home = Home::start().await;
    let agent = agent(home.url()).event_queue(2).start();
    let mut slow = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let mut last = soon(agent.subscribe("app.last", MatchPolicy::Exact)).await.unwrap();
    publish(&home, "app.t", 0..5).await;
    publish(&home, "app.last", 0..1).await;
    assert_eq!(next(&mut last).await, Ok(0));
    assert_eq!((next(&mut slow).await, next(&mut slow).await), (Ok(0), Ok(1)));
    publish(&home, "app.t", 5..6).await;
    let missed = Missed { dropped: 3, reconnected: false };
    assert_eq!(next(&mut slow).await, Err(EventError::Missed(missed)));
    assert_eq!(next(&mut slow).await, Ok(5));
}

#[tokio::test]
async fn retained_events_come_to_those_who_asked_for_them() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let mut plain = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let kept = Publication::new("app.t", args("[1]")).retained();
    soon(home.watcher.session.publish(kept)).await.unwrap();
    assert_eq!(next(&mut plain).await, Ok(1));
    let options = SubscribeOptions { get_retained: true, ..SubscribeOptions::default() };
    let mut late = soon(agent.subscribe("app.t", options)).await.unwrap();
    let event = soon(late.recv()).await.unwrap().unwrap();
    assert!(event.retained);
    publish(&home, "app.t", 2..3).await;
    assert_eq!((next(&mut plain).await, next(&mut late).await), (Ok(2), Ok(2)));
}

#[tokio::test]
async fn subscription_is_a_stream_that_ends_with_its_agent() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    let mut last = soon(agent.subscribe("app.", MatchPolicy::Prefix)).await.unwrap();
    publish(&home, "app.t", 0..3).await;
    publish(&home, "app.last", 3..4).await;
    for number in 0..4 {
        assert_eq!(next(&mut last).await, Ok(number));
    }
    soon(agent.close()).await;
    let events: Vec<_> = soon(topic.map(|event| event.unwrap().payload).collect()).await;
    assert_eq!(events, [args("[0]"), args("[1]"), args("[2]")]);
}

#[tokio::test]
async fn event_of_another_type_is_an_error_in_its_place() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let mut topic = soon(agent.subscribe("app.", MatchPolicy::Prefix)).await.unwrap();
    let text = Publication::new("app.t", args(r#"["text"]"#));
    soon(home.watcher.session.publish(text)).await.unwrap();
    publish(&home, "app.t", 1..2).await;
    let wrong = EventError::WrongType { topic: "app.t".into() };
    assert_eq!(next(&mut topic).await, Err(wrong));
    assert_eq!(next(&mut topic).await, Ok(1));
}

/// On several threads, events may come before anybody has looked at the answer that explains them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn events_right_behind_the_answer_are_not_lost() {
    let home = Home::start().await;
    let agent = home.agent().await;
    let kept = Publication::new("app.t", args("[1]")).retained();
    soon(home.watcher.session.publish(kept)).await.unwrap();
    let options = SubscribeOptions { get_retained: true, ..SubscribeOptions::default() };
    for _ in 0..500 {
        let mut topic = soon(agent.subscribe("app.t", options)).await.unwrap();
        assert_eq!(next(&mut topic).await, Ok(1));
    }
}

#[tokio::test]
async fn subscription_that_the_router_takes_away_is_asked_for_again() {
    let mut home = Home::start().await;
    let agent = home.agent().await;
    let mut topic = soon(agent.subscribe("app.t", MatchPolicy::Exact)).await.unwrap();
    home.follow(uri::ON_SUBSCRIBE).await;
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_SUBSCRIBE);
    let session = home.watcher.session.clone();
    let found = soon(session.call("wamp.subscription.lookup", args(r#"["app.t"]"#))).await.unwrap();
    let (subscription,): (u64,) = found.args().unwrap();
    let subscriber = agent.session().unwrap().info().session;
    let both = args(&format!("[{subscription},{subscriber}]"));
    soon(session.call("wamp.subscription.remove_subscriber", both)).await.unwrap();
    assert_eq!(&*home.watcher.event().await.topic, uri::ON_SUBSCRIBE);
    publish(&home, "app.t", 1..2).await;
    let missed = Missed { dropped: 0, reconnected: true };
    assert_eq!(next(&mut topic).await, Err(EventError::Missed(missed)));
    assert_eq!(next(&mut topic).await, Ok(1));
}

//! What an authorizer answers, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sim_wamp::{
    Action, Authorizer, MatchPolicy, Payload, Permission, Publication, Router, Session,
    SessionInfo, uri,
};

use crate::kit::{Joined, args, soon};

/// Counts how often it is asked, and says yes as long as the topic is not `app.no`.
#[derive(Default)]
struct Counting {
    asked: AtomicUsize,
}

#[async_trait]
impl Authorizer for Counting {
    async fn authorize(
        &self,
        session: &SessionInfo,
        action: Action,
        uri: &str,
        policy: MatchPolicy,
    ) -> Permission {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let permission = Permission::from(uri != "app.no");
        match action {
            Action::Subscribe if policy == MatchPolicy::Prefix => {
                permission.narrowed_to(uri, MatchPolicy::Exact)
            }
            Action::Publish if uri == "app.signed" => permission.disclosed(),
            // Only what a role may do is worth remembering.
            _ if &*session.authrole == "fickle" => permission,
            _ => permission.cached(),
        }
    }
}

async fn join(router: &Router, authrole: &str) -> Joined {
    let joined = router.attach_as("realm1", "ann", authrole).await;
    Joined::of(joined.expect("the realm is there"))
}

async fn publish(session: &Session, topic: &str) -> bool {
    let publication = Publication::new(topic, Payload::empty()).acknowledged();
    soon(session.publish(publication)).await.is_ok()
}

#[tokio::test]
async fn remembered_answers_are_asked_again_when_the_role_has_changed() {
    let counting = Arc::new(Counting::default());
    let router = Router::builder().realm("realm1").authorizer(counting.clone()).start();
    let asked = || counting.asked.swap(0, Ordering::Relaxed);
    let (steady, fickle) = (join(&router, "steady").await, join(&router, "fickle").await);
    for _ in 0..3 {
        assert!(publish(&steady.session, "app.yes").await);
        assert!(!publish(&steady.session, "app.no").await);
    }
    assert_eq!(asked(), 2);
    for _ in 0..3 {
        assert!(publish(&fickle.session, "app.yes").await);
    }
    assert_eq!(asked(), 3);
    router.role_changed("other");
    assert!(publish(&steady.session, "app.yes").await);
    assert_eq!(asked(), 0);
    router.role_changed("steady");
    assert!(publish(&steady.session, "app.yes").await);
    assert_eq!(asked(), 1);
}

#[tokio::test]
async fn narrowed_subscription_delivers_its_part_only() {
    let router = Router::builder().realm("realm1").authorizer(Arc::<Counting>::default()).start();
    let (mut one, other) = (join(&router, "a").await, join(&router, "b").await);
    soon(one.session.subscribe("app.error.1", MatchPolicy::Prefix)).await.unwrap();
    for topic in ["app.error.10", "app.error.1"] {
        soon(other.session.publish(Publication::new(topic, args("[1]")))).await.unwrap();
    }
    assert_eq!(&*one.event().await.topic, "app.error.1");
}

#[tokio::test]
async fn authorizer_may_disclose_whom_the_router_would_not() {
    let router = Router::builder()
        .realm("realm1")
        .authorizer(Arc::<Counting>::default())
        .disclose(false)
        .start();
    let (mut one, other) = (join(&router, "a").await, join(&router, "b").await);
    for topic in ["app.signed", "app.other"] {
        soon(one.session.subscribe(topic, MatchPolicy::Exact)).await.unwrap();
        soon(other.session.publish(Publication::new(topic, Payload::empty()))).await.unwrap();
        let publisher = one.event().await.publisher;
        assert_eq!(publisher.is_some(), topic == "app.signed", "{topic}");
    }
}

#[tokio::test]
async fn strict_routers_take_strict_uris_only() {
    let router = Router::builder()
        .realm("realm1")
        .authorizer(Arc::<Counting>::default())
        .uri_rule(uri::UriRule::Strict)
        .start();
    let one = join(&router, "a").await;
    assert!(publish(&one.session, "app.some_topic").await);
    let publication = Publication::new("app.Some-Topic", Payload::empty()).acknowledged();
    let refused = soon(one.session.publish(publication)).await;
    assert_eq!(refused.unwrap_err().uri, uri::INVALID_URI);
}

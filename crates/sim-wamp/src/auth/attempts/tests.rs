//! Failed logins are counted, and forgotten in time.

use super::*;

const LIMITS: AttemptLimits =
    AttemptLimits { per_authid: 3, per_address: 5, window: Duration::from_secs(60), remembered: 8 };

fn attempts() -> Arc<Attempts> {
    Arc::new(Attempts::new(LIMITS))
}

fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn fail(attempt: &Attempt) -> String {
    attempt.settle::<()>(Err(AuthRefused::new("wrong"))).unwrap_err().message
}

fn waits(attempt: &Attempt) -> Option<String> {
    attempt.admit().err().map(|refused| refused.message)
}

#[test]
fn defaults_let_a_class_mistype() {
    let limits = AttemptLimits::default();
    assert_eq!((limits.per_authid, limits.per_address, limits.window.as_secs()), (10, 300, 60));
}

#[tokio::test(start_paused = true)]
async fn who_failed_too_often_waits_for_the_end_of_the_window() {
    let attempts = attempts();
    let ann = attempts.attempt(Some("ann"), None);
    assert_eq!(fail(&ann), "wrong");
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!((fail(&ann), fail(&ann)), ("wrong".into(), "wrong".into()));
    assert_eq!(waits(&ann).unwrap(), "too many logins have failed: try again in 40 s");
    assert_eq!(waits(&attempts.attempt(Some("bob"), None)), None);
    tokio::time::advance(Duration::from_millis(39_500)).await;
    assert_eq!(waits(&ann).unwrap(), "too many logins have failed: try again in 1 s");
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(waits(&ann), None);
    assert_eq!((fail(&ann), fail(&ann)), ("wrong".into(), "wrong".into()));
    assert_eq!(waits(&ann), None);
}

#[tokio::test(start_paused = true)]
async fn success_clears_the_failures_of_the_name_but_not_of_the_address() {
    let attempts = attempts();
    let ann = attempts.attempt(Some("ann"), address("10.0.0.1"));
    for _ in 0..2 {
        fail(&ann);
        fail(&ann);
        assert_eq!(ann.settle(Ok(7)), Ok(7));
        assert_eq!(waits(&ann), None);
    }
    fail(&ann);
    assert!(waits(&ann).is_some());
    assert!(waits(&attempts.attempt(None, address("10.0.0.1"))).is_some());
    assert_eq!(waits(&attempts.attempt(Some("ann"), address("10.0.0.2"))), None);
}

#[tokio::test(start_paused = true)]
async fn guesses_that_are_sent_at_once_are_answered_like_any_others() {
    let attempts = attempts();
    let guesses: Vec<_> = (0..5).map(|_| attempts.attempt(Some("ann"), None)).collect();
    assert!(guesses.iter().all(|guess| guess.admit().is_ok()));
    for guess in &guesses[..3] {
        assert_eq!(fail(guess), "wrong");
    }
    let limited = "too many logins have failed: try again in 60 s";
    assert_eq!(fail(&guesses[3]), limited);
    assert_eq!(guesses[4].settle(Ok(())).unwrap_err().message, limited);
}

#[tokio::test(start_paused = true)]
async fn one_who_is_written_in_several_ways_is_one() {
    let attempts = attempts();
    for name in ["ann", "Ann", "ANN"] {
        fail(&attempts.attempt(Some(name), None));
    }
    assert!(waits(&attempts.attempt(Some("aNN"), None)).is_some());
    for host in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::", "2001:db8:1:2::2"] {
        fail(&attempts.attempt(None, address(host)));
    }
    fail(&attempts.attempt(None, address("2001:db8:1:2:3:4:5:6")));
    fail(&attempts.attempt(None, address("2001:db8:1:2:3:4:5:7")));
    assert!(waits(&attempts.attempt(None, address("2001:db8:1:2::99"))).is_some());
    assert_eq!(waits(&attempts.attempt(None, address("2001:db8:1:3::1"))), None);
    for _ in 0..5 {
        fail(&attempts.attempt(None, address("10.0.0.1")));
    }
    assert!(waits(&attempts.attempt(None, address("::ffff:10.0.0.1"))).is_some());
}

#[tokio::test(start_paused = true)]
async fn memory_is_bounded_and_forgets_the_oldest() {
    let attempts = attempts();
    let blocked = |name: &str| waits(&attempts.attempt(Some(name), None)).is_some();
    let victim = attempts.attempt(Some("victim"), None);
    for number in 0..100 {
        let stranger = attempts.attempt(Some(&format!("stranger{number}")), None);
        for _ in 0..3 {
            fail(&stranger);
        }
        assert!(attempts.locked().authids.counts.len() <= LIMITS.remembered);
        tokio::time::advance(Duration::from_millis(1)).await;
        if number == 95 {
            (0..3).for_each(|_| drop(fail(&victim)));
        }
    }
    assert!(blocked("victim") && blocked("stranger99") && !blocked("stranger0"));
    tokio::time::advance(LIMITS.window).await;
    fail(&attempts.attempt(Some("later"), None));
    let count = (0..LIMITS.remembered).map(|number| {
        fail(&attempts.attempt(Some(&format!("latest{number}")), None));
        attempts.locked().authids.counts.len()
    });
    assert!(count.max() <= Some(LIMITS.remembered));
}

#[tokio::test(start_paused = true)]
async fn limits_of_nothing_allow_one_failure_and_remember_it() {
    let limits = AttemptLimits { per_authid: 0, per_address: 0, remembered: 0, ..LIMITS };
    let attempts = Arc::new(Attempts::new(limits));
    let ann = attempts.attempt(Some("ann"), address("10.0.0.1"));
    assert_eq!(waits(&ann), None);
    assert_eq!(fail(&ann), "wrong");
    assert!(waits(&ann).is_some());
    fail(&attempts.attempt(Some("bob"), None));
    assert_eq!(attempts.locked().authids.counts.len(), 1);
}

//! The bots by their library: a class that is played well, and strategies that are wrong.

use std::time::Duration;

use async_trait::async_trait;
use div_bots::{DivBot, Values};
use sim_bots::{Arrivals, Bot, Moment, Move, Report, Seat, Step, find_run, seats};

use crate::service::Running;

const LIMIT: Duration = Duration::from_secs(20);

async fn seated(service: &Running, run: &str) -> Vec<Seat> {
    let run = find_run(&service.client, "div", run).await.unwrap();
    let password = |email: &str| email.split('@').next().unwrap().to_owned();
    seats(&service.client, run.id, password).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_players_play_three_rounds_and_everything_is_right() {
    let service = Running::start("a", 10).await;
    let players: Vec<_> = seated(&service, "a")
        .await
        .into_iter()
        .enumerate()
        .map(|(index, seat)| {
            (seat, Box::new(DivBot::new(Values::random(1, index))) as Box<dyn Bot>)
        })
        .collect();
    let arrivals = Arrivals::Random { seed: 3, mean: Duration::from_millis(5) };
    let report = service.class(3, arrivals).play(players).await;
    assert!(report.is_right(), "{report}");
    assert_eq!((report.players, report.rounds_played), (20, 60));
    let count = |step| report.latencies.summary(step).count;
    assert_eq!(
        [Step::Login, Step::Load, Step::Acknowledgment].map(count),
        [20, 20, 60],
        "{report}"
    );
    // Whoever comes late finds what was decided before in the tree, and measures nothing.
    assert!(count(Step::Partner) >= 20 && count(Step::Result) >= 40, "{report}");
    assert!(report.sentence(LIMIT).starts_with("This machine plays a class of 20: "));
    let results = service.client.results().list().await.unwrap();
    assert_eq!(results.len(), 30);
    service.stop().await;
}

/// Plays well, but is wrong about something.
struct Wrong {
    bot: DivBot,
    what: Mistake,
}

#[derive(Clone, Copy)]
enum Mistake {
    Answer,
    Check,
    Procedure,
}

#[async_trait]
impl Bot for Wrong {
    async fn decide(&mut self, now: Moment<'_>) -> Option<Move> {
        let decision = self.bot.decide(now).await?;
        Some(match self.what {
            Mistake::Answer => decision.expecting("thanks"),
            Mistake::Procedure => Move { procedure: "submit_nothing".to_owned(), ..decision },
            Mistake::Check => decision,
        })
    }

    fn check(&self, now: Moment<'_>) -> Result<(), String> {
        self.bot.check(now)?;
        match self.what {
            Mistake::Check => Err("the quotient should be a sum".to_owned()),
            _ => Ok(()),
        }
    }
}

async fn play_wrongly(service: &Running, what: Mistake) -> Report {
    let bot = |index| DivBot::new(Values::random(1, index));
    let players = seated(service, "a").await.into_iter().enumerate();
    let players = players
        .map(|(index, seat)| (seat, Box::new(Wrong { bot: bot(index), what }) as Box<dyn Bot>));
    service.class(1, Arrivals::AllAtOnce).play(players.collect()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_strategies_are_reported_as_failed() {
    let service = Running::start("a", 1).await;
    for (what, step, uri, words) in [
        (Mistake::Answer, Step::Acknowledgment, "wrong", "answered \"ok\", not \"thanks\""),
        (Mistake::Check, Step::Check, "wrong", "the quotient should be a sum"),
        (
            Mistake::Procedure,
            Step::Acknowledgment,
            "wamp.error.no_such_procedure",
            "submit_nothing",
        ),
    ] {
        let report = play_wrongly(&service, what).await;
        assert!(!report.is_right());
        assert_eq!(report.errors.get(&(step, uri.to_owned())), Some(&2), "{report}");
        assert!(report.failures.iter().all(|text| text.contains(words)), "{report}");
        let sentence = report.sentence(LIMIT);
        assert_eq!(sentence, "This machine does not play a class of 2: 2 of its bots failed.");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_that_is_wrong_is_counted_by_the_routers_reason() {
    let service = Running::start("a", 1).await;
    let mut seat = seated(&service, "a").await.remove(0);
    seat.password = "wrong".to_owned();
    let bot: Box<dyn Bot> = Box::new(DivBot::new(Values::Scripted(vec![1.0])));
    let report = service.class(1, Arrivals::AllAtOnce).play(vec![(seat, bot)]).await;
    let (step, uri) = report.errors.keys().next().unwrap();
    assert_eq!((*step, uri.starts_with("wamp.error.")), (Step::Login, true), "{report}");
    service.stop().await;
}

//! The visit of one player, from the login to the goodbye.

use std::time::Duration;

use sim_games_types::Resource;
use tokio::time::Instant;

use crate::board::Board;
use crate::browser::Browser;
use crate::{Bot, Class, Latencies, Moment, Object, Seat, Step, Trouble, View};

/// How long a complete period may take until it looks right: an object is told of by an event of
/// its own, so a decision that is changed and its result are seen one after the other.
const SETTLING: Duration = Duration::from_secs(2);

/// What a visit brought to light.
#[derive(Debug, Default)]
pub(crate) struct Visit {
    pub(crate) latencies: Latencies,
    /// Rounds played to their end.
    pub(crate) rounds: usize,
    /// What went wrong: where, the URI, and a sentence.
    pub(crate) failures: Vec<(Step, String, String)>,
}

impl Visit {
    pub(crate) fn fail(&mut self, step: Step, who: &str, trouble: &Trouble) {
        self.failures.push((step, trouble.uri().to_owned(), format!("{who}: {trouble}")));
    }
}

/// A trouble and where it was met.
type Stopped = (Step, Trouble);

/// Plays a seat.
pub(crate) async fn visit(
    class: &Class,
    board: &Board,
    seat: &Seat,
    mut bot: Box<dyn Bot>,
) -> Visit {
    let mut visit = Visit::default();
    let began = Instant::now();
    let mut browser = match Browser::login(&class.venue, seat).await {
        Ok(browser) => browser,
        Err(trouble) => {
            visit.fail(Step::Login, &seat.email, &trouble);
            return visit;
        }
    };
    visit.latencies.add(Step::Login, began.elapsed());
    let table = Table { class, board, seat };
    if let Err((step, trouble)) = table.stay(&mut browser, bot.as_mut(), &mut visit).await {
        let who = match visit.rounds {
            0 => seat.email.clone(),
            rounds => format!("{}, after {rounds} rounds", seat.email),
        };
        visit.fail(step, &who, &trouble);
    }
    if let Some(foreign) = browser.foreign.take() {
        visit.fail(Step::Check, &seat.email, &Trouble::Wrong(foreign));
    }
    browser.close().await;
    visit
}

/// What stays the same during a visit.
struct Table<'a> {
    class: &'a Class,
    board: &'a Board,
    seat: &'a Seat,
}

impl Table<'_> {
    async fn stay(
        &self,
        browser: &mut Browser<'_>,
        bot: &mut dyn Bot,
        visit: &mut Visit,
    ) -> Result<(), Stopped> {
        let began = Instant::now();
        browser.load().await.map_err(|trouble| (Step::Load, trouble))?;
        visit.latencies.add(Step::Load, began.elapsed());
        browser.catch_up().await.map_err(|trouble| (Step::Load, trouble))?;
        let mut played: Vec<Object> = Vec::new();
        for round in 1..=self.class.rounds {
            let period = self.next_period(browser, played.last()).await?;
            browser.idle(self.class.think).await.map_err(|trouble| (Step::Check, trouble))?;
            if !self.decide(browser, bot, (&period, round), visit).await? {
                break;
            }
            self.see_result(browser, bot, (&period, round)).await?;
            self.measure(browser, &period, visit);
            visit.rounds += 1;
            played.push(period);
        }
        self.compare(browser, bot, &played).await.map_err(|trouble| (Step::Check, trouble))
    }

    /// The period to play: at first the current one, then each time its successor.
    async fn next_period(
        &self,
        browser: &mut Browser<'_>,
        last: Option<&Object>,
    ) -> Result<Object, Stopped> {
        let find = |view: &View| {
            let periods = view.periods(view.scenario(self.seat)?.pk);
            let found = match last {
                None => periods.last().copied(),
                Some(last) => periods.into_iter().find(|it| it.order() > last.order()),
            };
            found.cloned()
        };
        let what = if last.is_none() { "a period to play" } else { "the next period" };
        let patience = self.class.venue.patience;
        let opened = browser.wait_until(what, patience, |view| find(view).is_some()).await;
        opened.map_err(|trouble| (Step::Result, trouble))?;
        let lost = || (Step::Result, Trouble::Wrong(format!("{what} is gone again")));
        find(&browser.view).ok_or_else(lost)
    }

    /// Makes the bot's move; says whether there was one.
    async fn decide(
        &self,
        browser: &mut Browser<'_>,
        bot: &mut dyn Bot,
        (period, round): (&Object, usize),
        visit: &mut Visit,
    ) -> Result<bool, Stopped> {
        let now = Moment { seat: self.seat, view: &browser.view, period, round };
        let Some(decision) = bot.decide(now).await else { return Ok(false) };
        self.board.sent(period.pk, self.seat.role);
        let began = Instant::now();
        let name = format!("period.{}.{}", period.pk, decision.procedure);
        let answer = browser.call(&name, &decision.args).await;
        let answer = answer.map_err(|trouble| (Step::Acknowledgment, trouble))?;
        visit.latencies.add(Step::Acknowledgment, began.elapsed());
        if answer != decision.expected {
            let text = format!("`{name}` answered {answer}, not {}", decision.expected);
            return Err((Step::Acknowledgment, Trouble::Wrong(text)));
        }
        Ok(true)
    }

    /// Waits for the other players' decisions and the result, and checks them.
    async fn see_result(
        &self,
        browser: &mut Browser<'_>,
        bot: &dyn Bot,
        (period, round): (&Object, usize),
    ) -> Result<(), Stopped> {
        let seat = self.seat;
        let is_complete = |view: &View| bot.is_complete(Moment { seat, view, period, round });
        let patience = self.class.venue.patience;
        let what = format!("the result of period {}", period.pk);
        let complete = browser.wait_until(&what, patience, is_complete).await;
        complete.map_err(|trouble| (Step::Result, trouble))?;
        let mut wrong = String::new();
        let settled = browser.wait_until("what is right", SETTLING, |view| {
            let right = bot.check(Moment { seat, view, period, round });
            right.map_err(|text| wrong = text).is_ok()
        });
        match settled.await {
            Err(Trouble::Late { .. }) => {
                let text = format!("period {}: {wrong}", period.pk);
                Err((Step::Check, Trouble::Wrong(text)))
            }
            other => other.map_err(|trouble| (Step::Result, trouble)),
        }
    }

    /// How long the events took, where a bot knows when the call was made.
    fn measure(&self, browser: &Browser<'_>, period: &Object, visit: &mut Visit) {
        let decisions = browser.view.decisions(period.pk);
        let told = |resource, object: &Object| browser.told.get(&(resource, object.pk)).copied();
        let mut add = |step, sent: Option<Instant>, told: Option<Instant>| {
            let time = sent.zip(told).and_then(|(sent, told)| told.checked_duration_since(sent));
            if let Some(time) = time {
                visit.latencies.add(step, time);
            }
        };
        for decision in decisions.iter().filter(|decision| decision.role() != self.seat.role) {
            let sent = self.board.sent_by(period.pk, decision.role());
            add(Step::Partner, sent, told(Resource::Decision, decision));
        }
        let roles = decisions.iter().map(|decision| decision.role());
        let sent = self.board.last_sent(period.pk, roles);
        for result in browser.view.results(period.pk) {
            add(Step::Result, sent, told(Resource::Result, result));
        }
    }

    /// Compares what the events told with what the server shows.
    async fn compare(
        &self,
        browser: &mut Browser<'_>,
        bot: &dyn Bot,
        played: &[Object],
    ) -> Result<(), Trouble> {
        let view = browser.reload().await?;
        if let Some(lost) = browser.view.lost(&view) {
            return Err(Trouble::Wrong(lost));
        }
        for (period, round) in played.iter().zip(1..) {
            if let Some(doubles) = view.doubles(period.pk) {
                return Err(Trouble::Wrong(doubles));
            }
            let now = Moment { seat: self.seat, view: &view, period, round };
            bot.check(now).map_err(|text| {
                Trouble::Wrong(format!("period {}, as reloaded: {text}", period.pk))
            })?;
        }
        Ok(())
    }
}

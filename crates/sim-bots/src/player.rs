//! The visit of one player, from the login to the goodbye.

use std::time::Duration;

use sim_games_types::Resource;
use tokio::time::Instant;

use crate::board::Board;
use crate::browser::Browser;
use crate::comeback::{Attempts, Decided, Memory};
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
    let table = Table { class, board, seat };
    let mut memory = Memory::default();
    let mut entered = table.enter(&mut visit).await;
    loop {
        let stopped = match entered {
            Err(stopped) => stopped,
            Ok(mut browser) => {
                let stayed = table.stay(&mut browser, bot.as_mut(), &mut memory, &mut visit).await;
                if let Some(foreign) = browser.foreign.take() {
                    visit.fail(Step::Check, &seat.email, &Trouble::Wrong(foreign));
                }
                browser.close().await;
                match stayed {
                    Ok(()) => return visit,
                    Err(stopped) => stopped,
                }
            }
        };
        let (step, trouble) = stopped;
        if !(class.comes_back && trouble.is_loss()) {
            let who = match visit.rounds {
                0 => seat.email.clone(),
                rounds => format!("{}, after {rounds} rounds", seat.email),
            };
            visit.fail(step, &who, &trouble);
            return visit;
        }
        entered = table.come_back(&mut visit).await;
    }
}

/// What stays the same during a visit.
struct Table<'a> {
    class: &'a Class,
    board: &'a Board,
    seat: &'a Seat,
}

impl<'a> Table<'a> {
    /// Logs in and loads the page.
    async fn enter(&self, visit: &mut Visit) -> Result<Browser<'a>, Stopped> {
        let began = Instant::now();
        let browser = Browser::login(&self.class.venue, self.seat).await;
        let mut browser = browser.map_err(|trouble| (Step::Login, trouble))?;
        visit.latencies.add(Step::Login, began.elapsed());
        let began = Instant::now();
        browser.load().await.map_err(|trouble| (Step::Load, trouble))?;
        visit.latencies.add(Step::Load, began.elapsed());
        browser.catch_up().await.map_err(|trouble| (Step::Load, trouble))?;
        Ok(browser)
    }

    /// Enters again after the session was lost, as soon as the service lets anybody in.
    async fn come_back(&self, visit: &mut Visit) -> Result<Browser<'a>, Stopped> {
        let mut attempts = Attempts::new(self.class.venue.patience);
        loop {
            // Whatever is wrong may be right once the service has started.
            match self.enter(visit).await {
                Ok(browser) => {
                    visit.latencies.add(Step::Return, attempts.elapsed());
                    return Ok(browser);
                }
                Err((_, trouble)) if !attempts.wait().await => {
                    let text =
                        format!("did not come back within {:?}: {trouble}", attempts.elapsed());
                    return Err((Step::Return, Trouble::Wrong(text)));
                }
                Err(_) => {}
            }
        }
    }

    async fn stay(
        &self,
        browser: &mut Browser<'_>,
        bot: &mut dyn Bot,
        memory: &mut Memory,
        visit: &mut Visit,
    ) -> Result<(), Stopped> {
        for round in memory.played.len() + 1..=self.class.rounds {
            let period = match memory.current.clone() {
                Some(period) => period,
                None => self.next_period(browser, memory.played.last()).await?,
            };
            memory.current = Some(period.clone());
            browser.idle(self.class.think).await.map_err(|trouble| (Step::Check, trouble))?;
            if !self.decide(browser, bot, (&period, round), memory, visit).await? {
                break;
            }
            self.see_result(browser, bot, (&period, round)).await?;
            self.measure(browser, &period, visit);
            visit.rounds += 1;
            memory.played.push(period);
            (memory.current, memory.decided) = (None, None);
        }
        let compared = self.compare(browser, bot, &memory.played).await;
        compared.map_err(|trouble| (Step::Check, trouble))
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

    /// Makes the bot's move, once more if the session was lost meanwhile; says whether there was one.
    async fn decide(
        &self,
        browser: &mut Browser<'_>,
        bot: &mut dyn Bot,
        (period, round): (&Object, usize),
        memory: &mut Memory,
        visit: &mut Visit,
    ) -> Result<bool, Stopped> {
        if memory.decided.is_none() {
            let now = Moment { seat: self.seat, view: &browser.view, period, round };
            let Some(decision) = bot.decide(now).await else { return Ok(false) };
            memory.decided = Some(Decided::new(decision, self.seat.run));
        }
        let Some(Decided { decision, key }) = &memory.decided else { return Ok(false) };
        // Keys are for those who repeat a call; without them a benchmark measures what people cause.
        let key = self.class.comes_back.then_some(key.as_str());
        self.board.sent(period.pk, self.seat.role);
        let began = Instant::now();
        let name = format!("period.{}.{}", period.pk, decision.procedure);
        let answer = browser.call(&name, &decision.args, key).await;
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

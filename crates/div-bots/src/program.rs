//! Who plays, in which run, and what is told of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use divide::rules::{DIVIDEND, DIVISOR};
use serde_json::json;
use sim_bots::{Bot, Class, Client, Report, Seat, find_class, find_run, online, seats};
use sim_wamp::Credentials;

use crate::cli::{Args, Secret, Strategy};
use crate::own_run::OwnRun;
use crate::script::{Script, local_part, value_in};
use crate::strategy::{DivBot, Values};

/// The largest class that is tried unless one is named.
const MOST: usize = 1000;

/// What is printed, and whether all was right.
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) is_right: bool,
}

/// Plays as the options say.
pub(crate) async fn play(args: &Args) -> Result<Outcome> {
    let table = Table::new(args)?;
    if args.find_class {
        return in_own_run(&table, async |run| table.search(run).await).await;
    }
    if let Some(players) = args.players {
        let play = async |run: &mut OwnRun| {
            let seats = run.seats(&table.client, players).await?;
            Ok(table.told(&table.play(seats).await?))
        };
        return in_own_run(&table, play).await;
    }
    let seats = table.existing_seats().await?;
    if seats.is_empty() {
        bail!("there is no seat to play; name another run, or leave out --empty-seats");
    }
    Ok(table.told(&table.play(seats).await?))
}

/// Removes the run whatever happens in it, also when somebody presses Ctrl-C.
async fn in_own_run(
    table: &Table<'_>,
    play: impl AsyncFnOnce(&mut OwnRun) -> Result<Outcome>,
) -> Result<Outcome> {
    let mut run = OwnRun::plan(&table.client, &table.args.game_slug).await?;
    let outcome = tokio::select! {
        outcome = play(&mut run) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped, the run is removed")),
    };
    let removed = run.remove(&table.client).await;
    let outcome = outcome?;
    removed.map(|()| outcome)
}

/// What stays the same while the program runs.
struct Table<'a> {
    args: &'a Args,
    client: Client,
    script: Option<Script>,
    class: Class,
}

impl<'a> Table<'a> {
    fn new(args: &'a Args) -> Result<Self> {
        let password = args.staff_password.as_ref().map_or("simpl", |Secret(text)| text);
        let client = Client::builder(&args.games_url)
            .basic(&args.staff_user, password)
            .timeout(args.patience)
            .build()?;
        let script = match &args.script {
            Some(file) => Some(Script::read(&read(file)?)?),
            None => None,
        };
        let class = Class {
            venue: args.venue(),
            arrivals: args.arrivals()?,
            rounds: args.rounds,
            think: args.think,
            comes_back: args.come_back,
        };
        Ok(Self { args, client, script, class })
    }

    /// The seats of the runs that are named, without those that nobody is to play.
    async fn existing_seats(&self) -> Result<Vec<Seat>> {
        let classic = self.script.as_ref().filter(|script| script.is_classic());
        let runs = match (&self.args.run, classic) {
            (Some(run), _) => vec![run.clone()],
            (None, Some(script)) => script.runs(),
            (None, None) => vec!["default".to_owned()],
        };
        let mut all = Vec::new();
        for name in runs {
            let run = find_run(&self.client, &self.args.game_slug, &name).await?;
            let seats = seats(&self.client, run.id, |email| local_part(email).to_owned()).await?;
            let mut seats: Vec<_> = seats.into_iter().filter(|seat| self.is_wanted(seat)).collect();
            if self.args.empty_seats {
                let there = online(&self.class.venue, &self.leader(), run.id).await;
                let there = there.with_context(|| {
                    format!("cannot learn who is online in run `{name}`; give one of its leaders")
                })?;
                seats.retain(|seat| !there.contains(&seat.runuser));
            }
            all.extend(seats);
        }
        self.find_all_of_script(&all)?;
        Ok(all)
    }

    fn is_wanted(&self, seat: &Seat) -> bool {
        let plays = seat.world.is_some() && [DIVIDEND, DIVISOR].contains(&&*seat.role_name);
        plays && self.script.as_ref().is_none_or(|script| script.line(&seat.email).is_some())
    }

    /// Refuses a script with players who have no seat; with `--empty-seats` they may be online.
    fn find_all_of_script(&self, seats: &[Seat]) -> Result<()> {
        let lines = self.script.iter().flat_map(|script| &script.0);
        let has_seat =
            |email: &str| seats.iter().any(|seat| seat.email.eq_ignore_ascii_case(email));
        match lines.map(|line| &line.email).find(|email| !has_seat(email)) {
            Some(email) if !self.args.empty_seats => {
                bail!("`{email}` of the script has no seat as {DIVIDEND} or {DIVISOR} in the run")
            }
            _ => Ok(()),
        }
    }

    fn leader(&self) -> Credentials {
        let authid = self.args.leader_user.clone();
        let ticket = match &self.args.leader_password {
            Some(Secret(text)) => text.clone(),
            None => local_part(&authid).to_owned(),
        };
        Credentials::Ticket { authid, ticket }
    }

    async fn play(&self, seats: Vec<Seat>) -> Result<Report> {
        let players: Result<Vec<_>> =
            seats.into_iter().enumerate().map(|(index, seat)| self.player(index, seat)).collect();
        Ok(self.class.play(players?).await)
    }

    fn player(&self, index: usize, seat: Seat) -> Result<(Seat, Box<dyn Bot>)> {
        let chosen = self.args.strategy;
        let default = if self.script.is_some() { Strategy::Scripted } else { Strategy::Random };
        let values = match chosen.unwrap_or(default) {
            Strategy::Random => Values::random(self.args.seed, index),
            Strategy::Scripted => Values::Scripted(self.values(&seat.email)?),
        };
        Ok((seat, Box::new(DivBot::new(values))))
    }

    fn values(&self, email: &str) -> Result<Vec<f64>> {
        let line = self.script.as_ref().and_then(|script| script.line(email));
        match line {
            Some(line) if !line.values.is_empty() => Ok(line.values.clone()),
            _ => {
                let value = value_in(email);
                let value = value.with_context(|| {
                    format!("`{email}` has no number in it; give a script that says what to play")
                })?;
                Ok(vec![value])
            }
        }
    }

    async fn search(&self, run: &mut OwnRun) -> Result<Outcome> {
        let (most, limit) = (self.args.players.unwrap_or(MOST), self.args.limit);
        let mut tried = Vec::new();
        let found = find_class(most, 2, limit, async |players| {
            let seats = run.seats(&self.client, players).await?;
            let report = self.play(seats).await?;
            tried.push(report.clone());
            anyhow::Ok(report)
        });
        let found = found.await?;
        let sentence = found.sentence();
        let text = if self.args.json {
            let tried: Vec<_> = tried.iter().map(|report| report.to_json(limit)).collect();
            let class = found.largest.as_ref().map(|report| report.players);
            format!("{}\n", json!({"class": class, "tried": tried, "sentence": sentence}))
        } else {
            let tried: String = tried.iter().map(|report| format!("{report}\n")).collect();
            format!("{tried}{sentence}\n")
        };
        Ok(Outcome { text, is_right: found.largest.is_some() })
    }

    fn told(&self, report: &Report) -> Outcome {
        let limit = self.args.limit;
        let text = if self.args.json {
            format!("{}\n", report.to_json(limit))
        } else {
            format!("{report}\n{}\n", report.sentence(limit))
        };
        Outcome { text, is_right: report.is_right() }
    }
}

pub(crate) fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))
}

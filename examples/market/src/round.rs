//! The end of a round: orders become trades, and the next round begins.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use sim::prelude::*;
use sim::types::RunUserPk;

use crate::clearing::{Order, Side, clear, profit};
use crate::{CONSUMER, PRODUCER};

/// The timer of a period that closes it.
pub(crate) const CLOSE: &str = "close";

/// What a leader can choose; it lies in the run's data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How long a round of the tournament lasts at most; 0 leaves it to the leader.
    pub seconds: f64,
    /// What a producer offers who enters nothing.
    pub producer: Order,
    /// What a consumer bids who enters nothing.
    pub consumer: Order,
}

impl Default for Settings {
    fn default() -> Self {
        let order = |price| Order { quantity: 10, price };
        Self { seconds: 0.0, producer: order(5.0), consumer: order(7.0) }
    }
}

impl Settings {
    /// The settings of a run, as far as its data has any.
    pub(crate) fn of(run: &Scope<Run>) -> Self {
        run.data().unwrap_or_default()
    }

    /// How long a round lasts, if the clock ends it.
    pub(crate) fn limit(&self) -> Option<Duration> {
        Duration::try_from_secs_f64(self.seconds).ok().filter(|limit| !limit.is_zero())
    }

    fn default_order(&self, side: Side) -> Order {
        match side {
            Side::Sell => self.producer,
            Side::Buy => self.consumer,
        }
    }
}

/// What a result keeps for a market.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Market {
    price: Option<f64>,
    quantity: u32,
    pub(crate) surplus: f64,
}

/// What a result keeps for a trader.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Trade {
    quantity: u32,
    profit: f64,
}

/// A player in a round.
struct Trader {
    member: RunUserPk,
    role: Scope<Role>,
    side: Side,
    order: Order,
}

/// The name of a player's decision. Several players have the same role, and a role has only one
/// decision of a name in a period: so each gets a name of its own.
pub(crate) fn decision_of(member: RunUserPk) -> String {
    format!("decision-{member}")
}

fn result_of(member: RunUserPk) -> String {
    format!("result-{member}")
}

/// Closes a round: the absent get default orders, the market is cleared, the next round opens.
pub(crate) fn close(mut period: Scope<Period>) -> CallResult<()> {
    let settings = Settings::of(&period.run()?);
    let is_practice = period.in_scenario()?.is_private();
    let traders = traders(&period, &settings)?;
    let mut orders: Vec<_> = traders.iter().map(|trader| (trader.side, trader.order)).collect();
    if is_practice {
        // Who practices is alone: the other side is an average one.
        for side in [Side::Sell, Side::Buy] {
            if orders.iter().all(|(of, _)| *of != side) {
                orders.push((side, settings.default_order(side)));
            }
        }
    }
    let cleared = clear(&orders);
    for (trader, quantity) in traders.iter().zip(&cleared.traded) {
        let worth = |price| profit(trader.side, trader.order, *quantity, price);
        let trade = Trade { quantity: *quantity, profit: cleared.price.map_or(0.0, worth) };
        period.save_result_for(&trader.role, &result_of(trader.member), trade)?;
    }
    let sides = orders.iter().zip(&cleared.traded);
    let quantity = sides.filter(|((side, _), _)| *side == Side::Sell).map(|(_, sold)| sold).sum();
    let market = Market { price: cleared.price, quantity, surplus: cleared.surplus };
    period.save_result("market", market)?;
    period.cancel_timer(CLOSE)?;
    period.close()?;
    let mut next = period.open_next()?;
    match settings.limit() {
        Some(limit) if !is_practice => next.set_timer(CLOSE, limit),
        _ => Ok(()),
    }
}

/// Everybody who trades in a round, with the order that counts.
fn traders(period: &Scope<Period>, settings: &Settings) -> CallResult<Vec<Trader>> {
    let members = if period.in_scenario()?.is_private() {
        vec![period.member()?]
    } else {
        period.in_world()?.members()?
    };
    let roles = period.game()?.roles()?;
    let mut traders = Vec::new();
    for member in members {
        let Some(role) = roles.iter().find(|role| member.role == Some(role.id)) else { continue };
        let side = match &*role.name {
            PRODUCER => Side::Sell,
            CONSUMER => Side::Buy,
            _ => continue,
        };
        let name = decision_of(member.id);
        let order = match period.decision(&role.name, &name) {
            Some(order) => order,
            None => {
                let Order { quantity, price } = settings.default_order(side);
                let data = json!({ "quantity": quantity, "price": price, "default": true });
                period.save_decision(role, &name, data)?;
                Order { quantity, price }
            }
        };
        traders.push(Trader { member: member.id, role: role.clone(), side, order });
    }
    Ok(traders)
}

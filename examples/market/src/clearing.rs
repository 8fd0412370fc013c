//! The model: a call auction. All trade at one price, and as much as buyers and sellers agree on.

use serde::{Deserialize, Serialize};

/// What a trader enters, and what a decision keeps: so much, at this price or a better one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// How many pieces at most.
    pub quantity: u32,
    /// The least that a seller takes, the most that a buyer pays, for one piece.
    pub price: f64,
}

/// Who sells and who buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Offers pieces.
    Sell,
    /// Wants pieces.
    Buy,
}

/// What comes of a round's orders.
#[derive(Clone, Debug, PartialEq)]
pub struct Cleared {
    /// The price that everybody trades at; none when nobody does.
    pub price: Option<f64>,
    /// How many pieces each order trades, in the order of the orders.
    pub traded: Vec<u32>,
    /// What all together are better off than without the market.
    pub surplus: f64,
}

/// Clears the market: the cheapest offers meet the highest bids as long as they agree. The price
/// lies half way between the last two that do.
#[must_use]
pub fn clear(orders: &[(Side, Order)]) -> Cleared {
    let queue = |side| {
        let mut queue: Vec<_> = (0..orders.len()).filter(|at| orders[*at].0 == side).collect();
        queue.sort_by(|a, b| orders[*a].1.price.total_cmp(&orders[*b].1.price));
        queue
    };
    let (mut sellers, mut buyers) =
        (queue(Side::Sell).into_iter(), queue(Side::Buy).into_iter().rev());
    let mut cleared = Cleared { price: None, traded: vec![0; orders.len()], surplus: 0.0 };
    let (mut seller, mut buyer) = (sellers.next(), buyers.next());
    while let (Some(sells), Some(buys)) = (seller, buyer) {
        let (ask, bid) = (orders[sells].1, orders[buys].1);
        if ask.price > bid.price {
            break;
        }
        let left = [ask.quantity - cleared.traded[sells], bid.quantity - cleared.traded[buys]];
        let pieces = left[0].min(left[1]);
        cleared.traded[sells] += pieces;
        cleared.traded[buys] += pieces;
        if pieces > 0 {
            cleared.price = Some(f64::midpoint(ask.price, bid.price));
            cleared.surplus += f64::from(pieces) * (bid.price - ask.price);
        }
        if left[0] == pieces {
            seller = sellers.next();
        }
        if left[1] == pieces {
            buyer = buyers.next();
        }
    }
    cleared
}

/// What a trade is worth to one trader, measured by the trader's own price.
#[must_use]
pub fn profit(side: Side, order: Order, traded: u32, price: f64) -> f64 {
    let each = match side {
        Side::Sell => price - order.price,
        Side::Buy => order.price - price,
    };
    f64::from(traded) * each
}

#[cfg(test)]
mod tests {
    use super::Side::{Buy, Sell};
    use super::*;

    fn orders(list: &[(Side, u32, f64)]) -> Vec<(Side, Order)> {
        list.iter()
            .map(|(side, quantity, price)| (*side, Order { quantity: *quantity, price: *price }))
            .collect()
    }

    #[test]
    fn the_cheapest_offers_meet_the_highest_bids() {
        let orders = orders(&[(Sell, 10, 4.0), (Sell, 10, 8.0), (Buy, 6, 9.0), (Buy, 9, 6.0)]);
        let cleared = clear(&orders);
        assert_eq!(cleared.traded, [10, 0, 6, 4]);
        assert_eq!(cleared.price, Some(5.0));
        assert_eq!(cleared.surplus, 6.0 * 5.0 + 4.0 * 2.0);
    }

    #[test]
    fn the_profits_of_all_add_up_to_the_surplus() {
        let orders = orders(&[(Sell, 3, 1.0), (Buy, 2, 5.0), (Sell, 3, 2.0), (Buy, 7, 4.0)]);
        let cleared = clear(&orders);
        let price = cleared.price.unwrap();
        let profits = orders.iter().zip(&cleared.traded);
        let all: f64 =
            profits.map(|((side, order), traded)| profit(*side, *order, *traded, price)).sum();
        assert!((all - cleared.surplus).abs() < 1e-9, "{all} {cleared:?}");
    }

    #[test]
    fn nobody_trades_when_nobody_agrees_or_nobody_is_there() {
        for list in [&[(Sell, 1, 5.0), (Buy, 1, 4.0)][..], &[(Sell, 1, 5.0)], &[]] {
            let cleared = clear(&orders(list));
            assert_eq!((cleared.price, cleared.surplus), (None, 0.0));
            assert!(cleared.traded.iter().all(|traded| *traded == 0));
        }
    }

    #[test]
    fn an_order_for_nothing_is_passed_over() {
        let cleared = clear(&orders(&[(Sell, 0, 1.0), (Sell, 2, 3.0), (Buy, 2, 5.0)]));
        assert_eq!((cleared.price, cleared.traded), (Some(4.0), vec![0, 2, 2]));
    }
}

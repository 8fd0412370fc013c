//! The rules of a hand: a value, of which every action makes the next one.

use rand::Rng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

const RANKS: [&str; 13] = ["A", "2", "3", "4", "5", "6", "7", "8", "9", "10", "J", "Q", "K"];
const SUITS: [&str; 4] = ["clubs", "diamonds", "hearts", "spades"];

/// More than this is a bust.
const LIMIT: u32 = 21;

/// From this score on the dealer draws no more.
const DEALER_STANDS: u32 = 17;

/// A card.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Card {
    /// `A`, `2` to `10`, `J`, `Q` or `K`.
    pub rank: String,
    /// `clubs`, `diamonds`, `hearts` or `spades`.
    pub suit: String,
}

/// What lies on the table, for everybody to see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// The player's cards.
    pub player_cards: Vec<Card>,
    /// The dealer's cards.
    pub dealer_cards: Vec<Card>,
    /// What the player's cards count.
    pub player_score: u32,
    /// What the dealer's cards count.
    pub dealer_score: u32,
    /// Whether the player has too much.
    pub player_busted: bool,
    /// Whether the dealer has too much.
    pub dealer_busted: bool,
    /// Whether nobody has won.
    pub push: bool,
    /// Whether the hand is over.
    pub done: bool,
}

/// A hand as a result keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Round {
    /// What browsers see.
    pub data: Table,
    /// What is left of the deck. No browser ever sees it: its name begins with `_`.
    #[serde(rename = "_deck")]
    pub deck: Vec<Card>,
}

impl Round {
    /// A new hand: two cards for the player, one for the dealer.
    #[must_use]
    pub fn deal(random: &mut impl Rng) -> Self {
        let mut deck = deck();
        deck.shuffle(random);
        Self { data: Table::default(), deck }.with(2, 1)
    }

    /// One card more for the player.
    #[must_use]
    pub fn hit(self) -> Self {
        let mut round = self.with(1, 0);
        round.data.player_busted = round.data.player_score > LIMIT;
        round.data.done = round.data.player_busted;
        round
    }

    /// The player has enough: the dealer draws, and the hand is over.
    #[must_use]
    pub fn stand(self) -> Self {
        let mut round = self;
        while round.data.dealer_score < DEALER_STANDS {
            round = round.with(0, 1);
        }
        round.data.dealer_busted = round.data.dealer_score > LIMIT;
        round.data.push = round.data.dealer_score == round.data.player_score;
        round.data.done = true;
        round
    }

    /// So many cards more for the player and for the dealer. A hand never needs the whole deck.
    fn with(mut self, player: usize, dealer: usize) -> Self {
        let table = &mut self.data;
        for (cards, count) in [(&mut table.player_cards, player), (&mut table.dealer_cards, dealer)]
        {
            let left = self.deck.len().saturating_sub(count);
            cards.extend(self.deck.drain(left..));
        }
        table.player_score = score(&table.player_cards);
        table.dealer_score = score(&table.dealer_cards);
        self
    }
}

/// All cards, in order.
#[must_use]
pub fn deck() -> Vec<Card> {
    let of = |suit: &str| RANKS.map(|rank| Card { rank: rank.to_owned(), suit: suit.to_owned() });
    SUITS.into_iter().flat_map(of).collect()
}

/// What cards count: an ace counts eleven, unless that is too much.
#[must_use]
pub fn score(cards: &[Card]) -> u32 {
    let worth = |card: &Card| match &*card.rank {
        "A" => 1,
        "J" | "Q" | "K" => 10,
        rank => rank.parse().unwrap_or_default(),
    };
    let low: u32 = cards.iter().map(worth).sum();
    let has_ace = cards.iter().any(|card| card.rank == "A");
    if has_ace && low + 10 <= LIMIT { low + 10 } else { low }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    fn cards(ranks: &str) -> Vec<Card> {
        let card = |rank: &str| Card { rank: rank.to_owned(), suit: "hearts".to_owned() };
        ranks.split_whitespace().map(card).collect()
    }

    /// A hand with these cards, and a deck whose cards come in this order.
    fn round(player: &str, dealer: &str, deck: &str) -> Round {
        let (player_cards, dealer_cards) = (cards(player), cards(dealer));
        let data = Table { player_cards, dealer_cards, ..Table::default() };
        Round { data, deck: cards(deck).into_iter().rev().collect() }.with(0, 0)
    }

    #[test]
    fn a_deck_has_52_different_cards_and_a_deal_takes_three() {
        let all: std::collections::HashSet<_> = deck().into_iter().collect();
        assert_eq!(all.len(), 52);
        let round = Round::deal(&mut StdRng::seed_from_u64(1));
        let table = &round.data;
        let sizes = [round.deck.len(), table.player_cards.len(), table.dealer_cards.len()];
        assert_eq!(sizes, [49, 2, 1]);
        assert!(!table.done);
    }

    #[test]
    fn an_ace_counts_eleven_unless_that_is_too_much() {
        let scores = ["A K", "A 5", "A 5 K", "A A", "A A 9", "A A K", "2 10 J"];
        assert_eq!(scores.map(|it| score(&cards(it))), [21, 16, 16, 12, 21, 12, 22]);
    }

    #[test]
    fn a_player_with_more_than_21_is_busted_and_the_hand_is_over() {
        let after = round("K 6", "9", "5 K").hit();
        assert_eq!((after.data.player_score, after.data.done), (21, false));
        let after = after.hit();
        assert!(after.data.player_busted && after.data.done && !after.data.push);
    }

    #[test]
    fn the_dealer_draws_up_to_17() {
        let after = round("K 9", "6", "A 2").stand();
        assert_eq!((after.data.dealer_score, after.data.dealer_cards.len()), (17, 2));
        assert!(after.data.done && !after.data.push && !after.data.dealer_busted);
        let after = round("K 9", "10", "6 8").stand();
        assert!(after.data.dealer_busted && after.data.done);
    }

    #[test]
    fn equal_scores_are_a_push() {
        assert!(round("K 9", "9", "K").stand().data.push);
    }
}

// How the pages show Blackjack.
const SUITS = { clubs: "♣", diamonds: "♦", hearts: "♥", spades: "♠" };

const WORDS = {
  en: { you: "you", dealer: "dealer", push: "nobody wins", won: "you win", lost: "you lose" },
  de: { you: "du", dealer: "Bank", push: "niemand gewinnt", won: "du gewinnst", lost: "du verlierst" },
};

const hand = (cards, score) => `${cards.map(({ rank, suit }) => rank + SUITS[suit]).join(" ")} (${score})`;

function ending({ push, player_busted, dealer_busted, player_score, dealer_score }) {
  if (push) return "push";
  return !player_busted && (dealer_busted || player_score > dealer_score) ? "won" : "lost";
}

export default {
  decision: {
    procedure: "submit_decision",
    scope: "scenario",
    label: { en: "Your move", de: "Dein Zug" },
    actions: [
      { label: { en: "Deal", de: "Geben" }, arguments: { action: "deal" } },
      { label: { en: "Hit", de: "Karte" }, arguments: { action: "hit" } },
      { label: { en: "Stand", de: "Halten" }, arguments: { action: "stand" } },
      { label: { en: "New game", de: "Neues Spiel" }, procedure: "deal_new_game" },
    ],
    example: (role, random, last) => {
      const table = last?.data;
      if (!table || table.done) return { action: "deal" };
      return { action: table.player_score < 17 ? "hit" : "stand" };
    },
  },
  result: {
    label: { en: "Table", de: "Tisch" },
    text: ({ data: table }, lang) => {
      const words = WORDS[lang] ?? WORDS.en;
      const cards = `${words.you} ${hand(table.player_cards, table.player_score)}, `
        + `${words.dealer} ${hand(table.dealer_cards, table.dealer_score)}`;
      return table.done ? `${cards}: ${words[ending(table)]}` : cards;
    },
  },
};

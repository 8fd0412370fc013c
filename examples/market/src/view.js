// How the pages show Market.
const whole = (random, low, high) => low + Math.floor(random() * (high - low + 1));

const price = { name: "price", type: "number", label: { en: "Price", de: "Preis" } };
const quantity = { name: "quantity", type: "number", label: { en: "Quantity", de: "Menge" } };

export default {
  decision: {
    procedure: "submit_decision",
    // Several players have one role.
    name: "decision-{runuser}",
    phases: ["Practice", "Tournament"],
    alone: ["Practice"],
    fields: [
      { ...price, example: (role, random) => whole(random, ...(role === "Producer" ? [3, 6] : [5, 9])) },
      { ...quantity, example: (role, random) => whole(random, 1, 20) },
    ],
  },
  result: {
    name: "market",
    label: { en: "Market", de: "Markt" },
    fields: [price, quantity, { name: "surplus", label: { en: "Surplus", de: "Gewinn aller" } }],
    own: {
      name: "result-{runuser}",
      label: { en: "you", de: "du" },
      fields: [quantity, { name: "profit", label: { en: "Profit", de: "Gewinn" } }],
    },
  },
};

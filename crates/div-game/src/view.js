// How the pages show Div.
export default {
  decision: {
    procedure: "submit_decision",
    field: "operand",
    label: {
      en: { Dividend: "Your dividend", Divisor: "Your divisor" },
      de: { Dividend: "Dein Dividend", Divisor: "Dein Divisor" },
    },
    // What a seat decides that plays by itself.
    example: (role, random) => 1 + Math.floor(random() * (role === "Divisor" ? 10 : 100)),
  },
  result: { field: "quotient", label: { en: "Quotient", de: "Quotient" } },
};

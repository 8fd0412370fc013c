// How the pages show Div.
export default {
  decision: {
    procedure: "submit_decision",
    field: "operand",
    label: {
      en: { Dividend: "Your dividend", Divisor: "Your divisor" },
      de: { Dividend: "Dein Dividend", Divisor: "Dein Divisor" },
    },
  },
  result: { field: "quotient", label: { en: "Quotient", de: "Quotient" } },
};

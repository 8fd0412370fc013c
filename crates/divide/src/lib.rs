//! The model core of Div: dividend and divisor in, quotient out.

//! The game Div: one player chooses a dividend, another the divisor.

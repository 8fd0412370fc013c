//! The facade that a simulation's author uses.

//! Histories that have failed once.

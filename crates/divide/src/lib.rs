#![doc = include_str!("../README.md")]

mod quotient;
pub mod rules;

pub use quotient::{DivideError, divide};

#![doc = include_str!("../README.md")]

mod quotient;

pub use quotient::{DivideError, divide};

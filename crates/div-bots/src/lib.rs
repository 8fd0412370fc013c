#![doc = include_str!("../README.md")]

pub mod cli;
mod own_run;
mod program;
mod script;
mod strategy;

pub use script::{Line, Script, ScriptError};
pub use strategy::{DivBot, Values};

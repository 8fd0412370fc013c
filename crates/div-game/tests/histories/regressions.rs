//! Histories that have failed once.

use anyhow::Result;

use crate::Stage;
use crate::op::Op;

fn play(ops: &[Op]) -> Result<()> {
    Stage::new()?.play(ops)
}

#[test]
fn a_run_that_is_activated_and_deactivated_at_once_is_not_loaded() -> Result<()> {
    let (on, off) = (Op::Activate { active: true }, Op::Activate { active: false });
    play(&[off, Op::Check, on, off, Op::Check, on, off, on, off])
}

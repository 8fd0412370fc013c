//! What must be stored at the end: every acknowledged decision, each once.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::pair::Acknowledged;
use crate::div::Div;
use crate::tables::Tables;

/// Compares every acknowledged decision with what is stored in these runs; returns how many there
/// are.
pub(super) async fn compare<'a>(
    div: &Div,
    runs: impl IntoIterator<Item = u64>,
    roles: [u64; 2],
    acknowledged: impl IntoIterator<Item = &'a Acknowledged>,
) -> Result<usize> {
    let mut expected: BTreeMap<(u64, u64), u32> = BTreeMap::new();
    for it in acknowledged {
        expected.insert((it.period, it.role), it.operand);
    }
    let mut stored = 0;
    for run in runs {
        let tables = Tables::read(&div.rest, run).await?;
        tables.check(roles[0], roles[1])?;
        for (period, row) in &tables.periods {
            for (role, operand) in &row.operands {
                let wanted = expected.remove(&(*period, *role));
                let is_wanted = wanted.map(f64::from) == Some(*operand);
                ensure!(is_wanted, "period {period}, role {role}: {operand}, not {wanted:?}");
                stored += 1;
            }
        }
    }
    let missing = expected.first_key_value();
    ensure!(missing.is_none(), "{} acknowledged and not stored: {missing:?}", expected.len());
    Ok(stored)
}

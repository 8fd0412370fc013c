//! Everything stored of one run, read over REST and checked as a whole.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::rest::Rest;

/// What is stored of one period.
#[derive(Debug, Clone, Default)]
pub struct PeriodRow {
    /// The scenario it belongs to.
    pub scenario: u64,
    /// Its place in the scenario.
    pub order: i64,
    /// The operands by role.
    pub operands: BTreeMap<u64, f64>,
    /// The quotient of its result.
    pub quotient: Option<f64>,
}

/// The periods of a run by pk.
#[derive(Debug)]
pub struct Tables {
    /// The periods of the worlds' scenarios.
    pub periods: BTreeMap<u64, PeriodRow>,
}

impl Tables {
    /// Reads a run.
    ///
    /// # Errors
    /// When a decision or result is there twice, or has not the shape of Div.
    pub async fn read(rest: &Rest, run: u64) -> Result<Self> {
        let mut periods: BTreeMap<u64, PeriodRow> = BTreeMap::new();
        for period in rest.list(&format!("periods/?scenario__world__run={run}")).await? {
            let order = period["order"].as_i64().context("no order")?;
            let row =
                PeriodRow { scenario: pk(&period["scenario"])?, order, ..PeriodRow::default() };
            periods.insert(pk(&period["id"])?, row);
        }
        for decision in rest.list(&format!("decisions/?run={run}")).await? {
            let row = periods.get_mut(&pk(&decision["period"])?).context("a stray decision")?;
            let operand = decision["data"]["operand"].as_f64().context("no operand")?;
            let doubled = row.operands.insert(pk(&decision["role"])?, operand);
            ensure!(doubled.is_none(), "two decisions of one role in one period: {decision}");
        }
        for result in rest.list(&format!("results/?run={run}")).await? {
            let row = periods.get_mut(&pk(&result["period"])?).context("a stray result")?;
            let quotient = result["data"]["quotient"].as_f64().context("no quotient")?;
            ensure!(row.quotient.replace(quotient).is_none(), "two results: {result}");
        }
        Ok(Self { periods })
    }

    /// Checks that every period with both decisions has its result and its successor, that no
    /// other has a result, and that the orders of each scenario run from 1 without a gap.
    ///
    /// # Errors
    /// When one of this does not hold.
    pub fn check(&self, dividend: u64, divisor: u64) -> Result<()> {
        let mut orders: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
        for row in self.periods.values() {
            orders.entry(row.scenario).or_default().push(row.order);
        }
        for (scenario, found) in &mut orders {
            found.sort_unstable();
            let expected: Vec<i64> = (1..).take(found.len()).collect();
            ensure!(*found == expected, "the periods of scenario {scenario} are {found:?}");
        }
        for (period, row) in &self.periods {
            let pair = row.operands.get(&dividend).zip(row.operands.get(&divisor));
            let expected = pair.map(|(dividend, divisor)| dividend / divisor);
            ensure!(row.quotient == expected, "period {period}: {row:?}");
            let last = orders[&row.scenario].len() as i64 == row.order;
            ensure!(expected.is_none() == last, "period {period} and its successor: {row:?}");
        }
        Ok(())
    }
}

fn pk(value: &Value) -> Result<u64> {
    value.as_u64().with_context(|| format!("`{value}` is no id"))
}

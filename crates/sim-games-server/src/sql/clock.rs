//! A clock that was set back, as the journal tells.
//!
//! Nothing depends on the times: the order of changes is that of their numbers, a row's version
//! grows in any case, and tokens have no end. Only timers ring late.

use std::time::Duration;

use sim_games_types::Timestamp;

use super::connection::{Connection, Fault};

/// How far the clocks of several machines on one database may differ.
const TOLERATED: Duration = Duration::from_secs(5);

/// Warns when the newest change lies in the future.
pub(super) fn check(connection: &dyn Connection) -> Result<(), Fault> {
    let sql = "SELECT at FROM journal ORDER BY seq DESC LIMIT 1";
    let newest = connection.first(sql, &[], |row| row.int(0))?.map(Timestamp::from_micros);
    let now = Timestamp::now();
    let Some(newest) = newest else { return Ok(()) };
    let ahead = newest.micros().saturating_sub(now.micros());
    let ahead = Duration::from_micros(u64::try_from(ahead).unwrap_or_default());
    if ahead > TOLERATED {
        tracing::warn!(
            "this machine's clock says {now}, {} before the newest change in the database: set the \
             clock; until it has caught up, times are wrong and timers ring late, but no change is \
             lost or out of order",
            in_words(ahead)
        );
    }
    Ok(())
}

/// A time as a person says it, in its two largest units.
fn in_words(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_two_units() {
        for (seconds, words) in
            [(7, "7 s"), (60, "1 min 0 s"), (7260, "2 h 1 min"), (90_000, "1 days 1 h")]
        {
            assert_eq!(in_words(Duration::from_secs(seconds)), words);
        }
    }
}

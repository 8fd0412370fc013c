//! How many files the process may have open: every session is one.

/// What the service itself has open, roughly.
const OWN: u64 = 64;

/// With fewer files than this a school may not fit.
const FEW: u64 = 4096;

/// Raises the limit as far as the process may, and says so when that is not far.
pub(crate) fn raise_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) if limit < FEW => tracing::warn!(
            "only {limit} files may be open, enough for some {} sessions; raise the limit by \
             `ulimit -Hn`, `LimitNOFILE` of systemd, or `--ulimit nofile` of a container engine",
            limit.saturating_sub(OWN)
        ),
        Ok(limit) => tracing::debug!(limit, "files that may be open"),
        Err(error) => tracing::warn!("how many files may be open cannot be raised: {error}"),
    }
}

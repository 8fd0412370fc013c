//! What a store must do, whatever its database: held against the public interface.

mod export;
mod feed;
pub(crate) mod fixture;
pub(crate) mod server;
mod skipped;
mod tokens;
mod units;

/// Stamps the tests of a store into a module for each database.
macro_rules! store_tests {
    ($($module:ident :: { $($test:ident),+ $(,)? }),+ $(,)?) => {
        mod sqlite {
            $($(
                #[tokio::test]
                async fn $test() {
                    super::$module::$test(super::fixture::sqlite).await;
                }
            )+)+
        }

        mod postgres {
            $($(
                #[tokio::test]
                async fn $test() {
                    if super::server::server().is_some() {
                        super::$module::$test(super::fixture::postgres).await;
                    }
                }
            )+)+
        }
    };
}

store_tests! {
    units::{
        a_new_database_has_its_staff_account,
        rows_refer_to_rows_of_the_same_unit,
        a_refused_unit_leaves_nothing_and_takes_nobody_along,
        get_or_create_is_atomic_for_everybody_who_asks_at_once,
        an_upsert_without_role_never_makes_a_second_row,
        a_failed_precondition_refuses_the_unit,
        updated_grows_with_every_change,
        a_repeated_call_gets_its_first_answer_also_after_reopening,
        deletions_are_told_leaves_first_with_their_run,
        a_deleted_phase_leaves_its_runs,
        a_role_in_use_is_not_deleted,
        a_rewind_keeps_the_last_period,
        a_rewind_to_a_missing_period_changes_nothing,
        moving_a_world_moves_what_is_below,
        a_scenario_has_exactly_one_parent,
        a_changed_password_counts_at_once,
        inactive_and_unknown_users_are_refused_alike,
        keys_are_never_given_twice,
        snapshots_hold_parents_before_children,
        keys_of_another_game_or_run_are_refused,
        after_a_failure_it_is_tried_whether_something_can_be_written,
    },
    export::{
        a_table_has_a_row_per_decision_and_result_with_where_it_stands,
        lines_hold_every_object_as_the_interface_represents_it,
        a_package_holds_the_table_the_lines_and_the_journal,
        more_rows_than_a_page_are_exported_once_each,
        an_export_that_nobody_takes_ends,
    },
    feed::{
        the_feed_has_no_gap_between_journal_and_live,
        a_reader_that_falls_behind_reads_on_from_the_journal,
        the_journal_outlives_the_process,
        the_feed_ends_when_the_store_is_closed,
    },
    tokens::{
        a_token_is_its_user_until_it_is_logged_out,
        of_a_token_only_the_digest_is_stored,
        the_twenty_first_token_ends_the_oldest,
        a_user_who_may_no_longer_log_in_has_no_tokens,
        a_new_password_keeps_the_token_in_use_and_no_other,
        a_password_that_changed_since_it_was_checked_gives_no_token,
        a_hash_that_django_wrote_is_replaced_after_the_first_login,
        a_hash_that_cannot_be_read_lets_nobody_in,
        a_renewal_never_undoes_a_new_password,
        many_users_of_one_unit_log_in_and_get_better_hashes,
    },
}

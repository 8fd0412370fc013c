//! The black-box suite: one module per feature, everything through programs and sockets.

/// Makes a test of each function that takes a target, once per target.
macro_rules! tests_on {
    (every, $tests:tt) => {
        tests_on!(embedded, $tests);
        tests_on!(elsewhere, $tests);
        tests_on!(apart, $tests);
    };
    (ours, $tests:tt) => {
        tests_on!(embedded, $tests);
        tests_on!(games_api, $tests);
        tests_on!(apart, $tests);
    };
    (apart, $tests:tt) => {
        tests_on!(on_sim_router, SimRouter, $tests);
        tests_on!(on_crossbar, Crossbar, $tests);
    };
    (elsewhere, $tests:tt) => {
        tests_on!(games_api, $tests);
        tests_on!(original, $tests);
    };
    (embedded, $tests:tt) => {
        tests_on!(on_embedded, Embedded, $tests);
    };
    (games_api, $tests:tt) => {
        tests_on!(on_games_api, GamesApi, $tests);
    };
    (original, $tests:tt) => {
        tests_on!(on_original, Original, $tests);
    };
    ($module:ident, $target:ident, [$($test:ident),+ $(,)?]) => {
        mod $module {
            use black_box::Target;
            $(
                #[tokio::test]
                async fn $test() -> anyhow::Result<()> {
                    match Target::$target.is_available()? {
                        true => super::$test(Target::$target).await,
                        false => Ok(()),
                    }
                }
            )+
        }
    };
}

mod apart;
mod certificates;
mod clock;
mod comeback;
mod config;
mod crash;
mod disk;
mod elsewhere;
mod frames;
mod games_api;
mod games_api_program;
mod init;
mod inputs;
mod observation;
mod openapi_fuzz;
mod original;
mod pages;
mod pairs;
mod python_client;
mod refusals;
mod rest_crash;
mod rest_limits;
mod round;
mod seed;
mod startup;
mod stock_browser;
mod unreliable;
mod wamp_interop;

//! The black-box suite: one module per feature, everything through programs and sockets.

mod crash;
mod frames;
mod games_api;
mod games_api_program;
mod inputs;
mod openapi_fuzz;
mod original;
mod pairs;
mod python_client;
mod refusals;
mod rest_crash;
mod rest_limits;
mod round;
mod seed;
mod startup;
mod stock_browser;
mod wamp_interop;

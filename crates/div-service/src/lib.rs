//! The Div service: Games API, WAMP router and engine in one process.

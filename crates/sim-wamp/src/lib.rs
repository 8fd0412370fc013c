//! A WAMP client and router library.

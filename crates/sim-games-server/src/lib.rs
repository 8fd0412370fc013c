//! The Games API: store, journal and REST endpoints.

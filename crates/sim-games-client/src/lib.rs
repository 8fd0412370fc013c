//! A typed client of the Games API.

//! Creates the default environment of Div through the Games API.

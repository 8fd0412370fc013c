//! The scope engine: tree, calls, handlers, hooks and units of work of multi-player simulations.

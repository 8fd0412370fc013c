//! A test harness for simulations: a whole service in one value, without a network.

//! Classes of bots on a whole service in this process.

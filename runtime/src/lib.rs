//! Virtual threads. Nothing is here yet: see `ARCHITECTURE.md` for what comes.

//! Sessions: state machine, session task, registry, checkpoints, journal, recovery.

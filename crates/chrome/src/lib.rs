//! Chromium as a process: find, launch, keep, adopt, stop, reap.

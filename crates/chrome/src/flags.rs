//! Chromium's command line.

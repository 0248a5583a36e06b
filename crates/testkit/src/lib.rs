//! Tests only: scripted CDP peer, raw Chromium, fake programs, test site, lifecycle harness.

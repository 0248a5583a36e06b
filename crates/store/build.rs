//! Tells cargo that the migrations are part of the crate.

#![allow(
    clippy::print_stdout,
    reason = "it is how a build script talks to cargo"
)]

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}

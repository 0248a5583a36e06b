//! A keeper and nothing else: what `browserd keeper RUN` is in the product.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "the main function of a test program"
)]

use browserd_chrome as chrome;

fn main() {
    let run = std::env::args_os().nth(1).expect("the run folder");
    std::process::exit(chrome::keeper::main(run.as_ref()));
}

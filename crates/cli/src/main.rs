//! `browserd`: the composition root. It reads argv, the environment and signals; nothing else does.
//!
//! One program plays four parts, told apart before anything is parsed or set up:
//!
//! ```text
//! browserd keeper RUN    holds one browser's pipe; must stay tiny      chrome::keeper
//! browserd daemon        owns the sessions of a home (= serve)         daemon
//! browserd mcp           an MCP server on stdio that joins the daemon  mcp
//! browserd COMMAND       one call, then gone                           command
//! ```

mod arguments;
mod command;
mod config;
mod daemon;
mod demo;
mod doctor;
mod environment;
mod failure;
mod home;
mod mcp;
mod output;
mod print;

use std::process::ExitCode;

fn main() -> ExitCode {
    // A keeper's budget is 4 MiB: no parser, runtime or log is set up in it.
    let mut words = environment::arguments();
    if words.nth(1).is_some_and(|word| word == "keeper") {
        return keeper(words.next());
    }
    command::main()
}

fn keeper(run: Option<std::ffi::OsString>) -> ExitCode {
    let Some(run) = run else {
        return ExitCode::from(failure::USAGE);
    };
    let code = chrome::keeper::main(std::path::Path::new(&run));
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}

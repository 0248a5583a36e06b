//! The command line.

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::{Failure, USAGE};
use crate::output::{self, Form};
use crate::{demo, failure};

/// Browser sessions for AI agents that survive crashes.
#[derive(Debug, Parser)]
#[command(name = "browserd", version, disable_help_subcommand = true)]
struct Arguments {
    /// Print one JSON value.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows what browserd is for, on a demo application.
    Demo {
        #[command(subcommand)]
        part: Option<DemoPart>,
    },
}

#[derive(Debug, Subcommand)]
enum DemoPart {
    /// Only serves the demo application.
    Serve {
        /// The address to listen on.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
}

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(err) => {
            let code = if err.use_stderr() { USAGE } else { 0 };
            drop(err.print());
            return ExitCode::from(code);
        }
    };
    let form = if arguments.json {
        Form::Json
    } else {
        Form::Human
    };
    match command(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure, form);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn command(command: Command) -> Result<(), Failure> {
    match command {
        Command::Demo {
            part: Some(DemoPart::Serve { listen }),
        } => demo::serve(listen),
        Command::Demo { part: None } => Err(Failure::new(
            base::Code::NotAvailable,
            "The demo is still to come.",
        )),
    }
}

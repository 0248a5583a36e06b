//! Commands: from the command line to one call, and from its answer to the terminal.

mod call;
mod completions;
mod exchange;
pub mod key;
pub mod kv;
pub mod login;
mod operation;
mod page;
mod session;
mod status;
mod stop;

use std::process::ExitCode;

use api::arguments::IDEMPOTENCY_KEY;
use api::{Caller, Door, Invoke as _};
use base::Tasks;
use clap::Parser as _;

use crate::arguments::{Arguments, Command, Common, DemoPart, Session};
use crate::environment::Environment;
use crate::failure::{Failure, USAGE};
use crate::home::Home;
use crate::output::{self, Form};
use crate::{daemon, demo, doctor, mcp, print};

use call::{Call, context};
use page::Place;

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(err) => return usage(&err),
    };
    let form = if arguments.common.json {
        Form::Json
    } else {
        Form::Human
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::failure(&failure, form);
            ExitCode::from(failure.exit_code())
        }
    }
}

/// Prints help or what is wrong with the command line.
fn usage(err: &clap::Error) -> ExitCode {
    // Nobody is left to tell if printing fails.
    drop(err.print());
    ExitCode::from(if err.use_stderr() { USAGE } else { 0 })
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let environment = Environment::of_process();
    let Arguments { common, command } = arguments;
    let place = Place::of(&common, &environment);
    let one = |call: Call| one_shot(&environment, &common, call);
    match command {
        Command::Serve(flags) => daemon::main(&environment, &flags),
        Command::Stop { browsers } => stop::stop(&Home::of(&environment)?, browsers, &common),
        Command::Mcp => mcp::main(&environment),
        Command::Status { gc } => status::status(&Home::of(&environment)?, &common, gc),
        Command::Doctor => doctor::main(&environment, form(&common)),
        Command::Open(open) => one(page::open(&place, &open)?),
        Command::Snapshot(snapshot) => one(page::snapshot(&place, &snapshot)),
        Command::Click(click) => one(page::click(&place, &click)),
        Command::Fill { target, text } => {
            one(place.interact("fill", Some(&target)).with("text", text))
        }
        Command::Type { words } => {
            let (target, text) = page::perhaps_target(&words);
            one(place.interact("type", target).with("text", text))
        }
        Command::Press { words } => {
            let (target, key) = page::perhaps_target(&words);
            one(place.interact("press", target).with("key", key))
        }
        Command::Select { target, values } => one(place
            .interact("select", Some(&target))
            .with("values", values)),
        Command::Check { target } => one(place.interact("check", Some(&target))),
        Command::Uncheck { target } => one(place.interact("uncheck", Some(&target))),
        Command::Hover { target } => one(place.interact("hover", Some(&target))),
        Command::Scroll(scroll) => one(page::scroll(&place, &scroll)),
        Command::Wait(wait) => one(page::wait(&place, &wait, &common)),
        Command::Eval { expression } => one(page::eval(&place, &expression)?),
        Command::Text { html } => one(page::text(&place, html)),
        Command::Screenshot(shot) => {
            let call = page::screenshot(&place, &shot)?;
            let answer = invoke(&environment, &common, &call)?;
            print::picture(&answer, shot.file.as_deref(), form(&common))
        }
        Command::Tabs => one(place.in_session("list_tabs", print::tabs)),
        Command::Tab(tab) => one(page::tab(&place, &tab)),
        Command::Back => one(place.interact("back", None)),
        Command::Forward => one(place.interact("forward", None)),
        Command::Reload => one(place.interact("reload", None)),
        Command::Dialog(dialog) => one(page::dialog(&place, &dialog)),
        Command::Session(Session::Export(words)) => {
            let call = exchange::export(&place, &words, &environment)?;
            let answer = invoke(&environment, &common, &call)?;
            exchange::exported(&answer, &words.file, form(&common))
        }
        Command::Session(session) => one(session::session(&place, &session, &environment)?),
        Command::Key(words) => key::main(&environment, &words, &common),
        Command::Login(words) => one(login::call(&place, &words)),
        Command::Kv(words) => one(kv::call(&words)),
        Command::Demo {
            part: Some(DemoPart::Serve { listen }),
        } => demo::serve(listen),
        Command::Demo { part: None } => demo::main(&environment, form(&common)),
        Command::Operations => operation::list(form(&common)),
        Command::Completions { shell } => completions::completions(shell),
        Command::Man => completions::man(),
        Command::Operation(words) => {
            let (call, common) = operation::parse(&words, &environment, &common)?;
            one_shot(&environment, &common, call)
        }
    }
}

fn form(common: &Common) -> Form {
    if common.json { Form::Json } else { Form::Human }
}

/// Runs one call and shows its answer.
fn one_shot(environment: &Environment, common: &Common, call: Call) -> Result<(), Failure> {
    let answer = invoke(environment, common, &call)?;
    call.show(&answer, form(common))
}

/// Runs one call; starts the daemon if there is none.
fn invoke(
    environment: &Environment,
    common: &Common,
    call: &Call,
) -> Result<serde_json::Value, Failure> {
    let home = Home::of(environment)?;
    let ctx = context(call, common.timeout);
    let mut arguments = call.arguments();
    if let Some(key) = &common.idempotency_key {
        arguments[IDEMPOTENCY_KEY] = key.as_str().into();
    }
    runtime()?.block_on(async {
        let daemon = daemon::joined(&home, &Tasks::new());
        let caller = Caller::local(Door::Socket);
        Ok(daemon
            .invoke(&ctx, &caller, call.operation(), arguments)
            .await?)
    })
}

/// Returns a runtime for one call: no threads, as they would cost more than the call.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(|err| Failure::io("The runtime can't be started", &err))
}

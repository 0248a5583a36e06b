//! Evaluate: a script of the caller's in the page's own world.

use std::fmt;

use base::{Ctx, Private};
use cdp::protocol::runtime;
use cdp::{Events, Next};
use serde_json::Value;

use crate::effect::Effects;
use crate::{Error, Gate, Page};

/// How many console lines of a run are kept, and how long each may be.
const MAX_LINES: usize = 200;
const MAX_LINE: usize = 4096;

/// The group of the objects that are held until their value is read.
const GROUP: &str = "browserd-evaluate";

/// A script to run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evaluate {
    /// The script; `await` may be used. Its value is that of its last expression.
    pub expression: String,
}

/// What came of a script.
#[derive(Clone)]
pub struct Evaluated {
    /// Its value as JSON; null if there is none or it threw. Numbers that JSON has no form
    /// for come as text.
    pub value: Private<Value>,
    /// What was written to the console during the run, by the script or others.
    pub console: Vec<ConsoleLine>,
    /// What it threw.
    pub exception: Option<Exception>,
}

/// A line on the console.
#[derive(Clone, Debug)]
pub struct ConsoleLine {
    /// `log`, `warning`, `error` and so on.
    pub level: String,
    /// Its arguments as text, joined by spaces.
    pub text: Private<String>,
}

/// What a script threw.
#[derive(Clone, Debug)]
pub struct Exception {
    /// The error with its stack, or the value that was thrown.
    pub text: Private<String>,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl fmt::Debug for Evaluated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluated")
            .field("console", &self.console)
            .field("exception", &self.exception)
            .finish_non_exhaustive()
    }
}

impl Page {
    /// Runs a script in the page and waits for its value, also if that is a promise.
    ///
    /// A script that throws is no error of the call: see [`Evaluated::exception`].
    ///
    /// # Errors
    /// [`Error::NoJson`] if the value can't be had as JSON, [`Error::DialogOpen`] at once if
    /// the script opens a dialog, [`Error::OutcomeUnknown`] if it did not end in time.
    ///
    /// # Cancel safety
    /// The script runs on.
    pub async fn evaluate(
        &self,
        ctx: &Ctx,
        gate: &Gate,
        script: &Evaluate,
    ) -> Result<Evaluated, Error> {
        self.refuse_if_held()?;
        // Before the effect: a script that is queued at a stopped renderer runs later.
        self.fresh(ctx).await?;
        let mut events = self.session().events();
        let is_program = is_program(&script.expression);
        let command = runtime::Evaluate {
            expression: script.expression.clone(),
            await_promise: Some(true),
            // What a program ends with is not waited for: it may be a promise.
            return_by_value: Some(!is_program),
            repl_mode: is_program.then_some(true),
            object_group: is_program.then(|| GROUP.to_owned()),
            user_gesture: Some(true),
            ..Default::default()
        };
        let mut answer = Effects::new(self, ctx, gate)
            .last(&command)
            .await
            .map_err(no_json)?;
        if is_program {
            answer = self.by_value(ctx, answer).await?;
        }
        // The script may have asked for a document, which would hold the next one up; a probe
        // before that finds out.
        self.forget_alive();
        let exception = answer.exception_details.map(Exception::of);
        let value = if exception.is_some() {
            Value::Null
        } else {
            value_of(answer.result)
        };
        Ok(Evaluated {
            value: value.into(),
            console: console_of(&mut events),
            exception,
        })
    }
}

impl Page {
    /// Reads what a program ended with, if that is an object; a promise is waited for.
    async fn by_value(
        &self,
        ctx: &Ctx,
        answer: runtime::EvaluateReturns,
    ) -> Result<runtime::EvaluateReturns, Error> {
        let thrown = answer.exception_details.as_ref();
        let thrown = thrown.and_then(|details| details.exception.as_ref()?.object_id.as_ref());
        let held = thrown.is_some() || answer.result.object_id.is_some();
        let read = match answer.result.object_id.clone() {
            Some(object) if answer.exception_details.is_none() => {
                let read = runtime::CallFunctionOn {
                    function_declaration: "function(){return this}".to_owned(),
                    object_id: Some(object),
                    return_by_value: Some(true),
                    await_promise: Some(true),
                    ..Default::default()
                };
                let work = self.session().call(ctx, &read);
                let read = self.unless_held(work).await;
                read.map_err(|err| gone_unread(no_json(err.after_effects())))
                    .map(|read| runtime::EvaluateReturns {
                        result: read.result,
                        exception_details: read.exception_details,
                    })
            }
            _ => Ok(answer),
        };
        if held {
            let release = runtime::ReleaseObjectGroup {
                object_group: GROUP.to_owned(),
            };
            // The script has run, whatever becomes of this.
            if let Err(err) = self.session().post(&release) {
                tracing::debug!(%err, "the objects of a script are held until its document goes");
            }
        }
        read
    }
}

/// Tells whether a script has to be run as a program that is typed in piece by piece: only
/// there may `await` stand by itself, and may a name be declared again.
fn is_program(script: &str) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut words = script.split(|c| !of_word(c));
    words.any(|word| ["await", "let", "const", "class", "using"].contains(&word))
}

impl Exception {
    fn of(thrown: runtime::ExceptionDetails) -> Self {
        let place = |number: i64| u32::try_from(number + 1).unwrap_or(1);
        let text = match thrown.exception {
            Some(exception) => text_of(&exception),
            None => thrown.text,
        };
        Self {
            text: bounded(&text).into(),
            line: place(thrown.line_number),
            column: place(thrown.column_number),
        }
    }
}

fn value_of(result: runtime::RemoteObject) -> Value {
    match (result.value, result.unserializable_value) {
        (Some(value), _) => value,
        (None, Some(number)) => Value::String(number),
        (None, None) => Value::Null,
    }
}

/// What came before the reply is in the queue by now: both are read by one reader.
fn console_of(events: &mut Events) -> Vec<ConsoleLine> {
    let mut lines = Vec::new();
    while let Some(next) = events.try_next() {
        let Next::Event(event) = next else { continue };
        let Some(Ok(call)) = event.decode::<runtime::ConsoleAPICalledEvent>() else {
            continue;
        };
        if lines.len() < MAX_LINES {
            let words: Vec<_> = call.args.iter().map(text_of).collect();
            let level = serde_json::to_value(&call.r#type).ok();
            lines.push(ConsoleLine {
                level: level
                    .as_ref()
                    .and_then(Value::as_str)
                    .unwrap_or("log")
                    .to_owned(),
                text: bounded(&words.join(" ")).into(),
            });
        }
    }
    lines
}

pub(crate) fn text_of(object: &runtime::RemoteObject) -> String {
    match (
        &object.value,
        &object.unserializable_value,
        &object.description,
    ) {
        (Some(Value::String(text)), _, _) => text.clone(),
        (Some(value), _, _) => value.to_string(),
        (None, Some(number), _) => number.clone(),
        (None, None, Some(description)) => description.clone(),
        (None, None, None) => "undefined".to_owned(),
    }
}

fn bounded(text: &str) -> String {
    match text.char_indices().nth(MAX_LINE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A program has run; its value went with its document.
fn gone_unread(err: Error) -> Error {
    match err {
        Error::Cdp(cdp::Error::Protocol { .. }) => Error::Gone,
        err => err,
    }
}

fn no_json(err: Error) -> Error {
    match err {
        Error::Cdp(cdp::Error::Protocol { message, .. })
            if message.contains("returned by value") || message.contains("reference chain") =>
        {
            Error::NoJson { reason: message }
        }
        err => err,
    }
}

//! `batch`: operations one after another, each a call of its own.

use api::{ApiError, Batch, Batched, Operation, StepResult, arguments};
use base::{CallId, Ctx};
use serde_json::{Map, Value};

use super::Run;
use crate::Operate as _;
use crate::sessions::OnSessions;
use crate::sessions::failure::failure;

/// How many steps a batch may have.
const MOST_STEPS: usize = 50;
/// What is about the daemon, or would be a batch in a batch.
const REFUSED: [&str; 3] = [Batch::NAME, api::GetStatus::NAME, api::StopDaemon::NAME];

impl Run<Batch> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Batch) -> Result<Batched, ApiError> {
        let steps = read_all(&input)?;
        // A batch that was cut off may have done some of it: it must not pass for one that was
        // never begun. Its steps are in the journal by ids of their own.
        let begun = self.sessions.begin_call(ctx.call, Batch::NAME);
        begun.await.map_err(|err| failure(&err))?;
        let mut out = Batched::default();
        for (at, (operation, arguments)) in steps.into_iter().enumerate() {
            let step = Ctx {
                call: CallId::new(),
                ..limited(ctx, &arguments)
            };
            let mut arguments = arguments;
            if operation.name != api::WaitFor::NAME {
                arguments.remove("timeout_ms");
            }
            tracing::info!(batch = %ctx.call, call = %step.call, operation = operation.name, "a step begins");
            let result = Box::pin(self.operate(&step, operation, arguments)).await;
            let mut told = StepResult {
                operation: operation.name.to_owned(),
                call_id: step.call.to_string(),
                ..StepResult::default()
            };
            let failed = result.is_err();
            match result {
                Ok(answer) => told.answer = Some(answer),
                Err(error) => told.error = Some(error),
            }
            out.results.push(told);
            if failed {
                out.failed = Some(at);
                break;
            }
            out.done += 1;
        }
        out.untrusted = vec!["results".to_owned()];
        Ok(out)
    }
}

type Step = (&'static api::OperationInfo, Map<String, Value>);

/// Reads every step before the first is begun: what can be known to be wrong costs nothing.
fn read_all(input: &Batch) -> Result<Vec<Step>, ApiError> {
    if input.steps.is_empty() || MOST_STEPS < input.steps.len() {
        return Err(ApiError::invalid(format!(
            "`steps`: not 1 to {MOST_STEPS} of them"
        )));
    }
    let steps = input.steps.iter().enumerate();
    let read = steps.map(|(at, step)| {
        read(input, step.clone()).map_err(|mut err| {
            err.message = format!("`steps`, number {at} from 0: {}", err.message);
            err
        })
    });
    read.collect()
}

fn read(input: &Batch, mut step: Map<String, Value>) -> Result<Step, ApiError> {
    let name = step.remove("operation");
    let Some(Value::String(name)) = name else {
        return Err(ApiError::invalid("it has no `operation`"));
    };
    let own = step.contains_key("session_id");
    let own_tab = step.contains_key("tab_id") || step.contains_key("target_id");
    let about = |arguments: Map<String, Value>| arguments::resolve(&name, arguments.into());
    let (operation, _) = about(step.clone())?;
    if REFUSED.contains(&operation.name) {
        return Err(ApiError::invalid(format!(
            "{} can't be part of a batch",
            operation.name
        )));
    }
    if operation.is_in_session() && !own {
        step.insert("session_id".to_owned(), input.session_id.clone().into());
        if let Some(tab) = input.tab_id.clone().filter(|_| !own_tab) {
            step.insert("tab_id".to_owned(), tab.into());
        }
    }
    about(step)
}

fn limited(ctx: &Ctx, arguments: &Map<String, Value>) -> Ctx {
    let asked = arguments.get("timeout_ms").and_then(Value::as_u64);
    asked.map_or_else(
        || ctx.clone(),
        |millis| ctx.at_most(std::time::Duration::from_millis(millis)),
    )
}

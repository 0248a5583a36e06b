//! Small answers: what is too large for a model is kept, and its beginning given.
//!
//! ```text
//!   answer ──▶ within the bound? ──yes──▶ as it is
//!                  │ no
//!                  ▼
//!              cut the largest fields ──▶ keep_result ──▶ heads, with a handle for each
//! ```
//!
//! One rule for every operation: a field goes whole or as its head. A text's head is text; a
//! list's or an object's are its first entries, and what is kept of it is JSON, one entry a line. The
//! steps of a batch are answers of their own. Never cut are the answers of operations that say
//! so ([`api::Operation::WHOLE`]), pictures and files, and a text within the `max_bytes` that its
//! caller asked for. Names in what is told of a cut are ours: a page can't name an answer's field.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, Batch, Caller, Invoke, KeepResult, KeptResults, Operation, OperationInfo};
use base::{Code, Ctx};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::sessions::head;

/// The largest answer that goes whole, in bytes, unless something else is configured.
pub const LARGEST_ANSWER: usize = 16 * 1024;
/// Fields that one answer is cut in at the most.
const MOST_CUTS: usize = 16;
/// A field smaller than this is never cut.
const SMALLEST: usize = 1024;
/// The shortest head.
const SHORTEST_HEAD: usize = 512;
/// How long the keeping may take, beside the call's own time.
const KEEPING: Duration = Duration::from_secs(10);

/// What of a call says how its answer may be cut.
pub(crate) struct Asked {
    operation: Option<&'static OperationInfo>,
    session: Option<String>,
    /// What the caller says it can take of a text; for a batch, that of each step.
    budgets: Vec<Option<usize>>,
}

/// A field that was cut.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Cut {
    /// Its place in the answer.
    pub field: String,
    /// How long the whole is.
    pub bytes: usize,
    /// How many bytes of it the head stands for.
    pub shown: usize,
    /// What the rest is read by; else why it was not kept.
    pub kept: Result<Handle, String>,
}

/// What a cut field is read by.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Handle {
    pub handle: String,
    pub until: String,
}

impl Asked {
    /// Reads a call before it is made.
    pub fn of(name: &str, arguments: &Value) -> Self {
        let name = api::alias(name).map_or(name, |alias| alias.operation);
        let budget = |arguments: &Value| match arguments.get("max_bytes")? {
            Value::String(text) => text.trim().parse().ok(),
            number => usize::try_from(number.as_u64()?).ok(),
        };
        let budgets = match arguments.get("steps") {
            Some(Value::Array(steps)) => steps.iter().map(budget).collect(),
            _ => vec![budget(arguments)],
        };
        let session = arguments.get("session_id").and_then(Value::as_str);
        Self {
            operation: api::find(name),
            session: session.map(str::to_owned),
            budgets,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.operation.is_some_and(|of| of.name == name)
    }

    /// Tells whether a field is handed over beside the text and costs no tokens.
    pub fn is_media(&self, field: &str) -> bool {
        field == "data" && (self.is(api::Screenshot::NAME) || self.is(api::Pdf::NAME))
    }
}

/// Makes an answer small, if it isn't; tells what was cut.
pub(crate) async fn fit(
    invoke: &Arc<dyn Invoke>,
    caller: &Caller,
    cancel: &CancellationToken,
    largest: usize,
    asked: &Asked,
    answer: Value,
) -> (Value, Vec<Cut>) {
    let Value::Object(mut fields) = answer else {
        return (answer, vec![]);
    };
    if is_small(&fields, largest, asked) {
        return (Value::Object(fields), vec![]);
    }
    let whole = fields.clone();
    let parts = shorten(&mut fields, largest, asked);
    if parts.is_empty() {
        return (Value::Object(fields), vec![]);
    }
    let session = fields.get("session_id").and_then(Value::as_str);
    let session = session.or(asked.session.as_deref());
    let (told, texts): (Vec<_>, Vec<_>) = parts.into_iter().map(Part::split).unzip();
    let arguments = json!({ "session_id": session, "parts": texts });
    let mut ctx = Ctx::within(KEEPING);
    ctx.cancel = cancel.clone();
    let kept = invoke
        .invoke(&ctx, caller, KeepResult::NAME, arguments)
        .await;
    let kept = kept.and_then(|kept| {
        serde_json::from_value::<KeptResults>(kept)
            .ok()
            .filter(|kept| kept.handles.len() == told.len())
            .ok_or_else(|| ApiError::new(Code::Internal, "the daemon answered something else"))
    });
    if let Err(err) = &kept
        && ![Code::LimitReached, Code::BodyTooLarge].contains(&err.code)
    {
        // Better long than lost: what was done to get the answer may not be done again.
        tracing::warn!(%err, "a large answer could not be kept and goes whole");
        return (Value::Object(whole), vec![]);
    }
    let kept_as = |place: usize| match &kept {
        Ok(kept) => Ok(Handle {
            handle: kept.handles[place].clone(),
            until: kept.expires_at.clone(),
        }),
        Err(err) => Err(err.to_string()),
    };
    let told = told.into_iter().enumerate();
    let cuts: Vec<_> = told
        .map(|(place, (field, bytes, shown))| Cut {
            field,
            bytes,
            shown,
            kept: kept_as(place),
        })
        .collect();
    fields.insert("cut".to_owned(), cuts.iter().map(Cut::as_json).collect());
    (Value::Object(fields), cuts)
}

impl Cut {
    /// Returns the call that reads on.
    pub fn read_on(&self) -> Option<String> {
        let Handle { handle, .. } = self.kept.as_ref().ok()?;
        let (name, shown) = (api::ReadResult::NAME, self.shown);
        Some(format!(
            r#"{name} {{"handle": "{handle}", "offset": {shown}}}"#
        ))
    }

    fn as_json(&self) -> Value {
        let mut out = json!({ "field": self.field, "bytes": self.bytes, "shown": self.shown });
        match &self.kept {
            Ok(Handle { handle, until }) => {
                out["handle"] = handle.as_str().into();
                out["expires_at"] = until.as_str().into();
                out["read_on"] = self.read_on().into();
            }
            Err(reason) => out["not_kept"] = reason.as_str().into(),
        }
        out
    }
}

/// All that a call with a small answer pays: one look at how long its texts are.
fn is_small(fields: &Map<String, Value>, largest: usize, asked: &Asked) -> bool {
    if asked.operation.is_some_and(|operation| operation.whole) || largest == 0 {
        return true;
    }
    let mut left = largest;
    fields
        .iter()
        .filter(|(name, _)| !asked.is_media(name))
        .all(|(_, value)| take(value, &mut left))
}

/// Takes what a value weighs from what is left; stops as soon as nothing is.
fn take(value: &Value, left: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => text.len(),
        _ => 8,
    };
    let Some(rest) = left.checked_sub(own) else {
        return false;
    };
    *left = rest;
    match value {
        Value::Array(items) => items.iter().all(|item| take(item, left)),
        Value::Object(fields) => fields.iter().all(|(name, value)| {
            *left = left.saturating_sub(name.len());
            take(value, left)
        }),
        _ => true,
    }
}

fn weight(value: &Value) -> usize {
    let mut left = usize::MAX;
    take(value, &mut left);
    usize::MAX - left
}

/// A field that may be cut.
struct Candidate {
    /// Its place, as it is told.
    field: String,
    pointer: String,
    weight: usize,
}

/// A field that was cut, with all of it.
struct Part {
    field: String,
    text: String,
    shown: usize,
}

impl Part {
    fn split(self) -> ((String, usize, usize), Value) {
        let told = (self.field.clone(), self.text.len(), self.shown);
        (told, json!({ "field": self.field, "text": self.text }))
    }
}

/// Cuts the largest fields until the rest and their heads are within the bound, as far as that
/// can be had.
fn shorten(fields: &mut Map<String, Value>, largest: usize, asked: &Asked) -> Vec<Part> {
    let total: usize = fields
        .iter()
        .filter(|(name, _)| !asked.is_media(name))
        .map(|(name, value)| name.len() + weight(value))
        .sum();
    let heads = largest / 2;
    let (mut candidates, as_one) = candidates(fields, asked);
    let mut number = enough(&mut candidates, total, heads);
    if number.is_none() && as_one {
        candidates = of_answer(
            "",
            "",
            fields,
            asked,
            asked.budgets.first().copied().flatten(),
        );
        number = enough(&mut candidates, total, heads);
    }
    candidates.truncate(number.unwrap_or(MOST_CUTS));
    let share = (heads / candidates.len().max(1)).max(SHORTEST_HEAD);
    let mut answer = Value::Object(std::mem::take(fields));
    let cut = |candidate: Candidate| {
        let value = answer.pointer_mut(&candidate.pointer)?;
        let (text, shown) = behead(value, share)?;
        Some(Part {
            field: candidate.field,
            text,
            shown,
        })
    };
    let parts = candidates.into_iter().filter_map(cut).collect();
    if let Value::Object(cut) = answer {
        *fields = cut;
    }
    parts
}

/// Returns how many of the candidates, the heaviest first, have to be cut; `None` if all of
/// them are not enough.
fn enough(candidates: &mut [Candidate], total: usize, rest: usize) -> Option<usize> {
    candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.weight));
    let mut left = total;
    for (place, candidate) in candidates.iter().take(MOST_CUTS).enumerate() {
        left = left.saturating_sub(candidate.weight);
        if left <= rest {
            return Some(place + 1);
        }
    }
    None
}

/// Returns the fields that may be cut, and whether the steps of a batch may be cut as one.
fn candidates(fields: &Map<String, Value>, asked: &Asked) -> (Vec<Candidate>, bool) {
    let steps = match fields.get("results") {
        Some(Value::Array(steps)) if asked.is(Batch::NAME) => steps,
        _ => {
            let budget = asked.budgets.first().copied().flatten();
            return (of_answer("", "", fields, asked, budget), false);
        }
    };
    let (mut all, mut as_one) = (vec![], true);
    for (place, step) in steps.iter().enumerate() {
        let budget = asked.budgets.get(place).copied().flatten();
        let name = step.get("operation").and_then(Value::as_str);
        if name.and_then(api::find).is_some_and(|of| of.whole) {
            as_one = false;
            continue;
        }
        as_one &= budget.is_none();
        if let Some(Value::Object(answer)) = step.get("answer") {
            let (field, pointer) = (
                format!("results[{place}].answer."),
                format!("/results/{place}/answer"),
            );
            // The data of a picture within a batch is text like any other.
            let of_step = Asked {
                operation: None,
                session: None,
                budgets: vec![],
            };
            all.extend(of_answer(&field, &pointer, answer, &of_step, budget));
        }
    }
    (all, as_one)
}

fn of_answer(
    field: &str,
    pointer: &str,
    fields: &Map<String, Value>,
    asked: &Asked,
    budget: Option<usize>,
) -> Vec<Candidate> {
    let within = |value: &Value| match (value, budget) {
        (Value::String(text), Some(budget)) => text.len() <= budget,
        _ => false,
    };
    fields
        .iter()
        .filter(|(name, value)| !asked.is_media(name) && !within(value))
        .filter(|(name, _)| !["recovered", "untrusted", "session_id"].contains(&name.as_str()))
        .map(|(name, value)| Candidate {
            field: format!("{field}{name}"),
            pointer: format!("{pointer}/{name}"),
            weight: weight(value),
        })
        .filter(|candidate| SMALLEST < candidate.weight)
        .collect()
}

/// Leaves the head of a value in its place and returns the whole as text, and how many bytes of
/// it the head is; `None` if the whole is no longer than that.
fn behead(value: &mut Value, share: usize) -> Option<(String, usize)> {
    match value {
        Value::String(text) => {
            let shown = head(text, share).len();
            if shown == text.len() {
                return None;
            }
            let short = text[..shown].to_owned();
            Some((std::mem::replace(text, short), shown))
        }
        Value::Array(items) => {
            let lines = items.iter().map(Value::to_string);
            let (text, count, shown) = in_lines('[', lines, ']', share)?;
            items.truncate(count);
            Some((text, shown))
        }
        Value::Object(fields) => {
            let named = |(name, value): (&String, &Value)| {
                format!("{}: {value}", Value::from(name.as_str()))
            };
            let (text, count, shown) = in_lines('{', fields.iter().map(named), '}', share)?;
            let rest: Vec<_> = fields.keys().skip(count).cloned().collect();
            for name in rest {
                fields.remove(&name);
            }
            Some((text, shown))
        }
        _ => None,
    }
}

/// Writes entries as JSON, one a line. Returns it, how many entries the head has, and where it
/// ends; `None` if that is all of them.
fn in_lines(
    open: char,
    lines: impl Iterator<Item = String>,
    close: char,
    share: usize,
) -> Option<(String, usize, usize)> {
    let mut text = format!("{open}\n");
    let (mut all, mut count, mut shown) = (0, 0, text.len());
    for line in lines {
        if 0 < all {
            text.push_str(",\n");
        }
        if count == all {
            // The line before is whole only now, with its comma.
            shown = text.len();
        }
        text.push_str(&line);
        if count == all && text.len() <= share {
            count += 1;
        }
        all += 1;
    }
    text.push('\n');
    text.push(close);
    (count < all).then_some((text, count, shown))
}

#[cfg(test)]
mod tests;

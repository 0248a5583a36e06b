//! What a command comes to: an operation, its arguments and how its answer is shown.

use base::Ctx;
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::output::{self, Form};

/// How an answer is shown to people.
pub type Show = fn(&Value) -> Result<(), Failure>;

/// One operation to run.
pub struct Call {
    operation: String,
    arguments: Map<String, Value>,
    show: Show,
}

impl Call {
    /// Returns a call without arguments.
    pub fn new(operation: &str, show: Show) -> Self {
        Self {
            operation: operation.to_owned(),
            arguments: Map::new(),
            show,
        }
    }

    /// Adds an argument, unless it is null: what wasn't said isn't sent.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.arguments.insert(name.to_owned(), value);
        }
        self
    }

    /// Adds a switch that is sent only when it is on.
    #[must_use]
    pub fn with_switch(self, name: &str, on: bool) -> Self {
        if on { self.with(name, true) } else { self }
    }

    /// Adds the element that a person named: a ref, else a CSS selector.
    #[must_use]
    pub fn at(self, target: Option<&str>) -> Self {
        match target {
            Some(text) if is_ref(text) => self.with("ref", text),
            Some(text) => self.with("selector", text),
            None => self,
        }
    }

    /// Returns the operation's name.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// Returns the arguments.
    pub fn arguments(&self) -> Value {
        Value::Object(self.arguments.clone())
    }

    /// Shows the answer.
    pub fn show(&self, answer: &Value, form: Form) -> Result<(), Failure> {
        match form {
            Form::Json => output::json(answer),
            Form::Human => (self.show)(answer),
        }
    }

    /// Returns the time the call has, unless the command line says otherwise.
    pub fn time(&self) -> Option<std::time::Duration> {
        let arguments = json!(self.arguments);
        api::arguments::time_asked(&arguments)
            .map(|asked| asked + std::time::Duration::from_secs(5))
    }
}

/// Tells whether the text has the form of a ref: `@e3` or `e3`.
fn is_ref(text: &str) -> bool {
    let digits = text
        .strip_prefix('@')
        .unwrap_or(text)
        .strip_prefix('e')
        .unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the context of a call that may take as long as the command line says.
pub fn context(call: &Call, timeout: Option<std::time::Duration>) -> Ctx {
    const LIMIT: std::time::Duration = std::time::Duration::from_secs(30);
    Ctx::within(timeout.or_else(|| call.time()).unwrap_or(LIMIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_told_from_a_selector() {
        let nothing: Show = |_| Ok(());
        let at = |text| Call::new("interact", nothing).at(Some(text)).arguments();
        assert_eq!(at("@e3"), json!({ "ref": "@e3" }));
        assert_eq!(at("e12"), json!({ "ref": "e12" }));
        assert_eq!(at("em"), json!({ "selector": "em" }));
        assert_eq!(at("#e3"), json!({ "selector": "#e3" }));
    }
}

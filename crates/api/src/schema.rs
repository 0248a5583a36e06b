//! Schemas made from the types: JSON Schema 2020-12, which is OpenAPI 3.1's own dialect.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::OperationInfo;

/// What is known of one argument.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Property {
    pub name: String,
    pub kind: Kind,
}

/// What an argument is made of, as far as a text could be taken for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    Number,
    Flag,
    List,
    /// A list of numbers.
    Numbers,
    Other,
}

/// Makes the schema of an operation's arguments, everything in place.
pub(crate) fn of_input<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        })
        .for_deserialize();
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// Makes the schema of an operation's answer, shared types under `$defs`.
pub(crate) fn of_output<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.definitions_path = "/components/schemas".into();
        })
        .for_serialize();
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

impl OperationInfo {
    /// Returns what is known of the arguments.
    pub(crate) fn properties(&self) -> &[Property] {
        self.properties.get_or_init(|| {
            let schema = (self.input_schema)();
            let properties = schema.get("properties").and_then(Value::as_object);
            properties
                .into_iter()
                .flatten()
                .map(|(name, schema)| Property {
                    name: name.clone(),
                    kind: kind(schema),
                })
                .collect()
        })
    }
}

fn kind(schema: &Value) -> Kind {
    let word = match schema.get("type") {
        Some(Value::String(word)) => word.as_str(),
        Some(Value::Array(words)) => words
            .iter()
            .filter_map(Value::as_str)
            .find(|word| *word != "null")
            .unwrap_or(""),
        _ => "",
    };
    match word {
        "string" => Kind::Text,
        "integer" | "number" => Kind::Number,
        "boolean" => Kind::Flag,
        "array" if is_number(&schema["items"]) => Kind::Numbers,
        "array" => Kind::List,
        _ => Kind::Other,
    }
}

fn is_number(schema: &Value) -> bool {
    matches!(schema["type"].as_str(), Some("integer" | "number"))
}

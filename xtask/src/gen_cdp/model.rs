//! The protocol's JSON, as far as the generator reads it.

use serde::Deserialize;

/// One of the two files.
#[derive(Deserialize)]
pub struct Protocol {
    pub domains: Vec<Domain>,
}

#[derive(Deserialize)]
pub struct Domain {
    pub domain: String,
    #[serde(default)]
    pub types: Vec<Shape>,
    #[serde(default)]
    pub commands: Vec<Method>,
    #[serde(default)]
    pub events: Vec<Method>,
}

/// A command or an event.
#[derive(Deserialize)]
pub struct Method {
    pub name: String,
    #[serde(default)]
    pub parameters: Vec<Shape>,
    #[serde(default)]
    pub returns: Vec<Shape>,
}

/// A type, a field or an array's item: the protocol describes all three alike.
#[derive(Deserialize, Default)]
pub struct Shape {
    /// The name of a type.
    #[serde(default)]
    pub id: String,
    /// The name of a field.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub r#type: String,
    #[serde(rename = "$ref")]
    pub reference: Option<String>,
    #[serde(default)]
    pub optional: bool,
    #[serde(rename = "enum", default)]
    pub values: Vec<String>,
    #[serde(default)]
    pub properties: Vec<Shape>,
    pub items: Option<Box<Shape>>,
}

impl Shape {
    /// Returns the full name (`Domain.Type`) of the type this refers to, itself or by its items.
    pub fn target(&self, domain: &str) -> Option<String> {
        match (&self.reference, &self.items) {
            (Some(reference), _) => Some(full(domain, reference)),
            (None, Some(items)) => items.target(domain),
            (None, None) => None,
        }
    }
}

/// Returns `reference` with its domain.
pub fn full(domain: &str, reference: &str) -> String {
    if reference.contains('.') {
        reference.to_owned()
    } else {
        format!("{domain}.{reference}")
    }
}

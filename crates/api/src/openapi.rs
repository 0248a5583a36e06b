//! OpenAPI 3.1, made from the operation list.

use serde_json::{Map, Value, json};

use crate::{Effect, Method, OPERATIONS, OperationInfo, Problem, schema};

/// Returns the document that `/openapi.json` serves.
#[must_use]
pub fn document(version: &str) -> Value {
    let mut shared = Map::new();
    let problem = lift(schema::of_output::<Problem>(), &mut shared);
    shared.insert("Problem".to_owned(), problem);
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let item = paths
            .entry(operation.route.path)
            .or_insert_with(|| json!({}));
        item[operation.route.method.as_str().to_lowercase()] = describe(operation, &mut shared);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "browserd",
            "version": version,
            "description": "Browser sessions for agents that outlive crashes and restarts. \
                Any operation may also be called as POST /v1/sessions/{session_id}/{operation} \
                or POST /v1/operations/{operation}, with its arguments as a JSON object.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": shared,
        },
    })
}

fn describe(operation: &OperationInfo, shared: &mut Map<String, Value>) -> Value {
    let input = (operation.input_schema)();
    let in_path: Vec<_> = operation.route.parameters().collect();
    let mut parameters: Vec<Value> = Vec::new();
    let mut body = Map::new();
    for (name, of) in input["properties"].as_object().cloned().unwrap_or_default() {
        let description = of.get("description").cloned().unwrap_or_default();
        let required = is_required(&input, &name);
        if in_path.contains(&name.as_str()) {
            parameters.push(parameter(&name, "path", true, &description, &of));
        } else if operation.route.method == Method::Get {
            parameters.push(parameter(&name, "query", required, &description, &of));
        } else {
            body.insert(name, of);
        }
    }
    if operation.effect != Effect::Read {
        parameters.push(idempotency_key());
    }
    let output = lift((operation.output_schema)(), shared);
    let mut out = json!({
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": {
            "200": {"description": "Done.", "content": {"application/json": {"schema": output}}},
            "default": {
                "description": "Refused or failed; `code` says why.",
                "content": {(Problem::MEDIA_TYPE): {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    });
    if operation.route.method == Method::Post {
        out["requestBody"] = request_body(operation, &input, body, &in_path);
    }
    out
}

fn parameter(name: &str, place: &str, required: bool, description: &Value, of: &Value) -> Value {
    let mut of = of.clone();
    if let Some(of) = of.as_object_mut() {
        of.remove("description");
        // What isn't given in a query isn't null, it isn't there.
        if of.get("type").is_some_and(Value::is_array) {
            of.insert("type".to_owned(), Value::from("string"));
        }
        of.remove("default");
    }
    json!({"name": name, "in": place, "required": required, "description": description, "schema": of})
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "The call is done once in 24 hours; repeats with the key get its outcome.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    })
}

fn request_body(
    operation: &OperationInfo,
    input: &Value,
    body: Map<String, Value>,
    in_path: &[&str],
) -> Value {
    let required: Vec<_> = body
        .keys()
        .filter(|name| is_required(input, name))
        .cloned()
        .collect();
    let examples: Map<String, Value> = operation
        .examples
        .iter()
        .enumerate()
        .filter_map(|(at, text)| {
            let mut example: Map<String, Value> = serde_json::from_str(text).ok()?;
            example.retain(|name, _| !in_path.contains(&name.as_str()));
            Some((format!("example{}", at + 1), json!({"value": example})))
        })
        .collect();
    json!({
        "required": !required.is_empty(),
        "content": {"application/json": {
            "schema": {"type": "object", "properties": body, "required": required},
            "examples": examples,
        }},
    })
}

fn is_required(input: &Value, name: &str) -> bool {
    input["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|of| of == name))
}

/// Moves a schema's shared types to where the document keeps them.
fn lift(mut schema: Value, shared: &mut Map<String, Value>) -> Value {
    let defs = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("components"));
    if let Some(Value::Object(defs)) =
        defs.and_then(|mut defs| defs.get_mut("schemas").map(Value::take))
    {
        shared.extend(defs);
    }
    schema
}

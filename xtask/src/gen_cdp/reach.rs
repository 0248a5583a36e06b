//! Which types are needed, and which fields would make a type hold itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use super::model::{Domain, Shape, full};

type Domains = BTreeMap<String, Domain>;

/// Returns the full names of every type of the domains `whole`, and of all they reach.
pub fn from(domains: &Domains, whole: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let mut open: Vec<String> = Vec::new();
    for name in whole {
        let domain = domains
            .get(*name)
            .with_context(|| format!("no domain {name}"))?;
        open.extend(domain.types.iter().map(|shape| full(name, &shape.id)));
        for method in domain.commands.iter().chain(&domain.events) {
            for shape in method.parameters.iter().chain(&method.returns) {
                open.extend(shape.target(name));
            }
        }
    }
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        let shape = find(domains, &name).with_context(|| format!("no type {name}"))?;
        if reached.insert(name.clone()) {
            let domain = name.split('.').next().unwrap_or_default();
            open.extend(shape.target(domain));
            open.extend(
                shape
                    .properties
                    .iter()
                    .filter_map(|field| field.target(domain)),
            );
        }
    }
    Ok(reached)
}

/// Returns the fields, as (full type name, field), that lead back to the type that holds them.
pub fn cycles(domains: &Domains) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for domain in domains.values() {
        for shape in &domain.types {
            let owner = full(&domain.domain, &shape.id);
            for field in &shape.properties {
                let held = field
                    .reference
                    .as_ref()
                    .map(|name| full(&domain.domain, name));
                if held.is_some_and(|held| holds(domains, &held, &owner)) {
                    found.insert((owner.clone(), field.name.clone()));
                }
            }
        }
    }
    found
}

/// Tells whether a value of `from` holds one of `to` without an array between them.
fn holds(domains: &Domains, from: &str, to: &str) -> bool {
    let mut open = vec![from.to_owned()];
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if name == to {
            return true;
        }
        if !seen.insert(name.clone()) {
            continue;
        }
        let domain = name.split('.').next().unwrap_or_default();
        let fields = find(domains, &name).map(|shape| shape.properties.as_slice());
        let held = fields
            .unwrap_or_default()
            .iter()
            .filter_map(|field| field.reference.as_ref());
        open.extend(held.map(|name| full(domain, name)));
    }
    false
}

fn find<'a>(domains: &'a Domains, name: &str) -> Option<&'a Shape> {
    let (domain, id) = name.split_once('.')?;
    domains
        .get(domain)?
        .types
        .iter()
        .find(|shape| shape.id == id)
}

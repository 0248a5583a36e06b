//! What Cargo knows: each crate depends only on what lies below it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde::Deserialize;

use super::{Violation, Weight};

/// What each crate may use of the workspace (ARCHITECTURE.md "Crates").
const MAY_USE: [(&str, &[&str]); 12] = [
    ("base", &[]),
    ("cdp", &["base"]),
    ("store", &["base"]),
    ("chrome", &["base"]),
    ("page", &["base", "cdp"]),
    ("api", &["base"]),
    ("session", &["base", "cdp", "chrome", "page", "store"]),
    ("agent", &["base", "api"]),
    ("client", &["base", "api"]),
    ("server", &["base", "cdp", "api", "session", "agent"]),
    (
        "cli",
        &[
            "base", "cdp", "store", "chrome", "page", "api", "session", "agent", "client", "server",
        ],
    ),
    ("testkit", &["base", "api", "cdp", "client"]),
];

/// Who may use a crate of others that stands for knowledge not everyone may have.
const KNOWLEDGE: [(&str, &[&str], &[&str]); 3] = [
    (
        "http-walls",
        &[
            "axum",
            "http",
            "http-body-util",
            "hyper",
            "hyper-util",
            "reqwest",
            "rmcp",
            "tower-http",
        ],
        &["api", "client", "server", "cli"],
    ),
    (
        "sql-walls",
        &["sqlx", "rusqlite", "libsqlite3-sys", "object_store"],
        &["store"],
    ),
    ("environment-walls", &["clap"], &["cli"]),
];

/// What is never shipped, and so may know what it needs.
const NOT_SHIPPED: [&str; 2] = ["testkit", "xtask"];

/// The part of `cargo metadata` the rules need.
#[derive(Deserialize, Debug)]
pub struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize, Debug)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize, Debug)]
struct Dependency {
    name: String,
    /// `null` for a normal one.
    kind: Option<String>,
    /// Only those of the workspace have one.
    path: Option<String>,
}

/// Asks Cargo what depends on what.
///
/// # Errors
/// If Cargo can't tell.
pub fn metadata(root: &Path) -> anyhow::Result<Metadata> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root)
        .output()
        .context("cargo can't be run")?;
    if !output.status.success() {
        bail!(
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata is not what it was")
}

/// Returns every dependency that points the wrong way.
///
/// Tests may use more (`testkit` above all), so dev-dependencies are not judged.
#[must_use]
pub fn check(metadata: &Metadata) -> Vec<Violation> {
    let table: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut violations = Vec::new();
    for package in &metadata.packages {
        let own = short(&package.name);
        if own == "xtask" {
            continue;
        }
        let Some(may) = table.get(own) else {
            violations.push(violation(
                own,
                "crates",
                "the crate is not in the table".to_owned(),
            ));
            continue;
        };
        let shipped = package
            .dependencies
            .iter()
            .filter(|one| one.kind.as_deref() != Some("dev"));
        for dependency in shipped {
            let used = short(&dependency.name);
            if dependency.path.is_some() {
                if !may.contains(&used) {
                    violations.push(violation(own, rule_of(own, used), what_of(own, used, may)));
                }
            } else {
                violations.extend(check_knowledge(own, used));
            }
        }
    }
    violations
}

/// Returns every crate that the workspace's lints don't hold.
///
/// # Errors
/// If a manifest can't be read.
pub fn check_manifests(root: &Path) -> anyhow::Result<Vec<Violation>> {
    let mut violations = Vec::new();
    let mut folders = vec![root.join("xtask")];
    for entry in fs::read_dir(root.join("crates"))? {
        folders.push(entry?.path());
    }
    for folder in folders
        .iter()
        .filter(|folder| folder.join("Cargo.toml").is_file())
    {
        let manifest = fs::read_to_string(folder.join("Cargo.toml"))?;
        if !is_under_lints(&manifest) {
            let own = folder.file_name().unwrap_or_default().to_string_lossy();
            let what = "its manifest lacks `[lints] workspace = true`".to_owned();
            violations.push(violation(&own, "lints", what));
        }
    }
    Ok(violations)
}

fn is_under_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim);
    lines.any(|line| line == "[lints]")
        && lines
            .take_while(|line| !line.starts_with('['))
            .any(|line| line == "workspace = true")
}

/// Returns a package's name as the table has it.
fn short(package: &str) -> &str {
    match package {
        "browserd" => "cli",
        name => name.strip_prefix("browserd-").unwrap_or(name),
    }
}

/// Returns the sharpest rule that a dependency breaks.
fn rule_of(own: &str, used: &str) -> &'static str {
    match (own, used) {
        (_, "testkit" | "xtask") => "tests-only",
        ("page", "session") => "invariant 2: page knows no session",
        ("store", "cdp" | "chrome" | "page" | "session") => "invariant 2: store knows no browser",
        ("agent", _) => "invariant 13: the agent can do what an outside client can",
        ("client", _) => "client knows nothing of the daemon's insides",
        _ => "crates",
    }
}

fn what_of(own: &str, used: &str, may: &[&str]) -> String {
    let may = if may.is_empty() {
        "nothing of the workspace".to_owned()
    } else {
        may.join(", ")
    };
    format!("{own} may not use {used}; it may use {may}")
}

fn check_knowledge(own: &str, used: &str) -> Option<Violation> {
    let (rule, _, owners) = KNOWLEDGE
        .iter()
        .find(|(_, crates, _)| crates.contains(&used))?;
    let fine = owners.contains(&own) || NOT_SHIPPED.contains(&own);
    let what = || format!("{own} may not use {used}; only {} may", owners.join(", "));
    (!fine).then(|| violation(own, rule, what()))
}

fn violation(own: &str, rule: &'static str, what: String) -> Violation {
    Violation {
        place: format!("crates/{own}"),
        rule,
        what,
        weight: Weight::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the rules that one made-up dependency breaks.
    fn broken_by(own: &str, used: &str, kind: Option<&str>) -> Vec<&'static str> {
        let ours = MAY_USE.iter().any(|(name, _)| short(used) == *name) || used == "xtask";
        let dependency = Dependency {
            name: used.to_owned(),
            kind: kind.map(str::to_owned),
            path: ours.then(|| format!("crates/{used}")),
        };
        let package = Package {
            name: own.to_owned(),
            dependencies: vec![dependency],
        };
        check(&Metadata {
            packages: vec![package],
        })
        .into_iter()
        .map(|one| one.rule)
        .collect()
    }

    #[test]
    fn a_crate_may_use_what_lies_below_it() {
        for (own, used) in [
            ("browserd-cdp", "browserd-base"),
            ("browserd-session", "browserd-page"),
            ("browserd-server", "browserd-session"),
            ("browserd-agent", "browserd-api"),
            ("browserd", "browserd-chrome"),
            ("browserd-server", "axum"),
            ("browserd-store", "sqlx"),
            ("browserd-testkit", "axum"),
            ("xtask", "browserd-session"),
        ] {
            assert!(broken_by(own, used, None).is_empty(), "{own} -> {used}");
        }
    }

    #[test]
    fn a_crate_may_not_use_what_lies_above_or_beside_it() {
        for (own, used, rule) in [
            ("browserd-base", "browserd-cdp", "crates"),
            (
                "browserd-page",
                "browserd-session",
                "invariant 2: page knows no session",
            ),
            ("browserd-page", "browserd-store", "crates"),
            (
                "browserd-store",
                "browserd-chrome",
                "invariant 2: store knows no browser",
            ),
            ("browserd-chrome", "browserd-cdp", "crates"),
            ("browserd-session", "browserd-api", "crates"),
            ("browserd-server", "browserd-store", "crates"),
            (
                "browserd-client",
                "browserd-session",
                "client knows nothing of the daemon's insides",
            ),
            (
                "browserd-agent",
                "browserd-session",
                "invariant 13: the agent can do what an outside client can",
            ),
            ("browserd", "browserd-testkit", "tests-only"),
            ("browserd-session", "hyper", "http-walls"),
            ("browserd-page", "http", "http-walls"),
            ("browserd-server", "sqlx", "sql-walls"),
            ("browserd-server", "clap", "environment-walls"),
        ] {
            assert_eq!(broken_by(own, used, None), [rule], "{own} -> {used}");
        }
    }

    #[test]
    fn tests_may_use_the_testkit_and_builds_may_not() {
        assert!(broken_by("browserd-page", "browserd-testkit", Some("dev")).is_empty());
        assert_eq!(
            broken_by("browserd-page", "browserd-testkit", Some("build")),
            ["tests-only"]
        );
    }

    #[test]
    fn a_crate_that_nobody_placed_is_told() {
        assert_eq!(broken_by("browserd-helpers", "serde", None), ["crates"]);
    }

    #[test]
    fn a_manifest_outside_the_lints_is_seen() {
        assert!(is_under_lints("[package]\n[lints]\nworkspace = true\n"));
        assert!(!is_under_lints("[package]\nworkspace = true\n"));
        assert!(!is_under_lints(
            "[lints]\n[dependencies]\nworkspace = true\n"
        ));
    }
}

//! `xtask gen-cdp`: writes the lenient protocol types of `cdp` from the npm package `devtools-protocol`.
//!
//! ```text
//! npm pack devtools-protocol && tar xzf devtools-protocol-*.tgz
//! cargo run -p xtask -- gen-cdp --protocol package/json
//! ```
//!
//! The allow-listed domains are written whole, other domains with the types the former reach and
//! nothing else. No prose of the protocol is copied. The output is committed, so that a build
//! needs neither npm nor a network.

mod model;
mod names;
mod reach;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use model::{Domain, Protocol};

/// The domains that are written whole.
const DOMAINS: [&str; 19] = [
    "Accessibility",
    "Browser",
    "DOM",
    "DOMStorage",
    "Emulation",
    "Fetch",
    "IO",
    "IndexedDB",
    "Input",
    "Inspector",
    "Log",
    "Network",
    "Page",
    "Performance",
    "Runtime",
    "ServiceWorker",
    "Storage",
    "SystemInfo",
    "Target",
];

/// Generates `cdp`'s protocol types.
#[derive(clap::Args)]
pub struct Arguments {
    /// The folder that holds browser_protocol.json and js_protocol.json.
    #[arg(long)]
    protocol: PathBuf,
    /// The folder to write to.
    #[arg(long, default_value = "crates/cdp/src/protocol")]
    out: PathBuf,
}

/// Reads the protocol and writes one file per domain.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let domains = read(&arguments.protocol)?;
    for name in DOMAINS {
        if !domains.contains_key(name) {
            bail!("the protocol has no domain {name}");
        }
    }
    let reached = reach::from(&domains, &DOMAINS)?;
    let boxed = reach::cycles(&domains);

    std::fs::create_dir_all(&arguments.out)?;
    let mut written = Vec::new();
    for domain in domains.values() {
        let whole = DOMAINS.contains(&domain.domain.as_str());
        let text = write::domain(domain, whole, &reached, &boxed);
        if let Some(text) = text {
            let module = names::snake(&domain.domain);
            put(&arguments.out.join(format!("{module}.rs")), &text)?;
            written.push((module, domain.domain.clone()));
        }
    }
    put(&arguments.out.join("domains.rs"), &write::list(&written))?;
    remove_others(&arguments.out, &written)
}

fn read(folder: &Path) -> anyhow::Result<BTreeMap<String, Domain>> {
    let mut domains = BTreeMap::new();
    for file in ["browser_protocol.json", "js_protocol.json"] {
        let path = folder.join(file);
        let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let protocol: Protocol = serde_json::from_slice(&text)?;
        for domain in protocol.domains {
            domains.insert(domain.domain.clone(), domain);
        }
    }
    Ok(domains)
}

/// Writes `text` to `path` the way rustfmt has it.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text)?;
    match std::process::Command::new("rustfmt")
        .args(["--edition", "2024"])
        .arg(path)
        .status()
    {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => bail!("rustfmt refused {}: {status}", path.display()),
        Err(err) => Err(err).context("starting rustfmt"),
    }
}

/// A domain that is no longer reached would otherwise stay behind, uncompiled.
fn remove_others(folder: &Path, written: &[(String, String)]) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let stem = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .unwrap_or_default();
        let ours = stem == "domains" || written.iter().any(|(module, _)| module == stem);
        if !ours {
            std::fs::remove_file(&path)?;
        }
    }
    Ok(())
}

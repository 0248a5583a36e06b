//! `session export` and `session import`: checkpoints as files on this machine.
//!
//! The daemon seals and opens; this reads and writes the files, and the passphrase from where
//! no other user and no history sees it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base::Code;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::call::Call;
use super::page::{Place, labelled};
use crate::arguments::{Cover, Export, Import};
use crate::environment::Environment;
use crate::failure::Failure;
use crate::output::{self, Form};
use crate::print;

/// Where a passphrase is taken from unless a file is named.
const PASSPHRASE: &str = "BROWSERD_EXPORT_PASSPHRASE";
/// Longer than any passphrase.
const LONGEST_PASSPHRASE: u64 = 4096;
/// Larger than any file the daemon takes.
const LARGEST: u64 = 32 << 20;

/// Returns the call of an export.
pub fn export(place: &Place, export: &Export, environment: &Environment) -> Result<Call, Failure> {
    if export.file.exists() && !export.force {
        return Err(Failure::Usage(format!(
            "{} is there already; give --force to replace it.",
            export.file.display()
        )));
    }
    let call = Call::new("export_checkpoint", print::any)
        .with("session_id", place.session.as_str())
        .with("checkpoint_id", export.checkpoint.clone());
    covered(call, &export.cover, environment)
}

/// Writes the file that was answered, and shows what it is.
pub fn exported(answer: &Value, file: &Path, form: Form) -> Result<(), Failure> {
    let failed = |err: &io::Error| Failure::io(format!("{} can't be written", file.display()), err);
    let bytes = answer["file"]
        .as_str()
        .and_then(|text| STANDARD.decode(text).ok())
        .ok_or_else(|| Failure::new(Code::Internal, "The answer holds no file.".to_owned()))?;
    write_whole(file, &bytes).map_err(|err| failed(&err))?;
    if let Some(warning) = answer["warning"].as_str() {
        output::note(&format!("WARNING: {warning}"));
    }
    match form {
        Form::Json => {
            // The file is on disk; its bytes have no place in a script's variable.
            let fields = answer.as_object().cloned().unwrap_or_default();
            let mut shown: Map<String, Value> = fields
                .into_iter()
                .filter(|(name, _)| name != "file")
                .collect();
            shown.insert("path".to_owned(), file.display().to_string().into());
            output::json(&Value::Object(shown))
        }
        Form::Human => output::line(&format!(
            "The checkpoint {} is in {}, {} bytes, {}.",
            print::text(&answer["checkpoint"], "id"),
            file.display(),
            bytes.len(),
            if answer["sealed"] == true {
                "sealed under the passphrase"
            } else {
                "not sealed"
            }
        )),
    }
}

/// Returns the call of an import.
pub fn import(place: &Place, import: &Import, environment: &Environment) -> Result<Call, Failure> {
    let failed =
        |err: &io::Error| Failure::io(format!("{} can't be read", import.file.display()), err);
    let mut bytes = vec![];
    File::open(&import.file)
        .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
        .map_err(|err| failed(&err))?;
    let call = Call::new("import_checkpoint", print::imported)
        .with("file", STANDARD.encode(&bytes))
        .with("key", import.key.clone());
    let call = if import.into {
        call.with("session_id", place.session.as_str())
    } else {
        call
    };
    covered(labelled(call, &import.labels)?, &import.cover, environment)
}

fn covered(call: Call, cover: &Cover, environment: &Environment) -> Result<Call, Failure> {
    if cover.unsealed {
        return Ok(call.with("unsealed", true));
    }
    let passphrase = match &cover.passphrase_file {
        Some(file) => Some(first_line(file)?),
        None => environment
            .text(PASSPHRASE)
            .map_err(|_| Failure::Usage(format!("{PASSPHRASE} is no UTF-8.")))?
            .map(str::to_owned),
    };
    match passphrase {
        Some(passphrase) => Ok(call.with("passphrase", passphrase)),
        None => Err(Failure::Usage(
            "There is no passphrase. Give --passphrase-file FILE (`-` is stdin) or set \
             BROWSERD_EXPORT_PASSPHRASE; --unsealed leaves the file open to whoever has it."
                .to_owned(),
        )),
    }
}

fn first_line(file: &PathBuf) -> Result<String, Failure> {
    let failed = |err: &io::Error| Failure::io(format!("{} can't be read", file.display()), err);
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin()
            .take(LONGEST_PASSPHRASE)
            .read_to_string(&mut text)
    } else {
        File::open(file).and_then(|from| from.take(LONGEST_PASSPHRASE).read_to_string(&mut text))
    };
    read.map_err(|err| failed(&err))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// Writes a file of this user's own that is whole or not there.
fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = file.with_file_name(name);
    let mut to = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)?;
    let written = to
        .write_all(bytes)
        .and_then(|()| to.sync_all())
        .and_then(|()| std::fs::rename(&part, file));
    if written.is_err() {
        drop(std::fs::remove_file(&part));
    }
    written
}

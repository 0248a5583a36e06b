//! One checkpoint as one file, and back.
//!
//! ```text
//! record  length of its kind u8 | its kind | length u64 | its bytes
//! file    "about" | "manifest" | each part in the order of the manifest | "end"
//! ```
//!
//! The file around it, and what keeps it from others, is `store::file`. In the manifest a
//! part's address is its number; nothing of the home it came from is in the file. The layout
//! is written down in `docs/checkpoint.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use store::CheckpointRow;

use super::carry::{self, check, parts_of, read_manifest, refused};
use super::manifest::{self, Manifest};
use crate::Error;
use crate::deps::Deps;

/// The version of the layout that is written.
const VERSION: u16 = 1;
const ABOUT: &str = "about";
const MANIFEST: &str = "manifest";
const END: &str = "end";
/// More parts than any checkpoint has.
const MOST_PARTS: usize = 10_000;

/// What a file says about the checkpoint in it.
#[derive(Clone, Default, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    /// The version of the layout.
    pub format: u16,
    /// The checkpoint's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was taken.
    pub taken_at: String,
    /// The labels of its session.
    pub labels: BTreeMap<String, String>,
}

/// What a file holds: parts that are whole, in the order of their manifest.
pub(crate) struct Imported {
    /// What it says about itself.
    pub about: About,
    /// The manifest; its addresses are numbers.
    pub manifest: Manifest,
    /// The parts.
    pub parts: Vec<Vec<u8>>,
}

impl std::fmt::Debug for Imported {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Imported")
            .field("parts", &self.parts.len())
            .finish_non_exhaustive()
    }
}

/// Returns a stored checkpoint as the content of a file.
///
/// # Errors
/// Those of reading it; [`Error::Checkpoint`] if there is more in it than this version knows;
/// those of `store::file` if it is too large.
///
/// # Cancel safety
/// Yes.
pub(crate) async fn write(
    deps: &Deps,
    row: &CheckpointRow,
    labels: &[(String, String)],
) -> Result<Vec<u8>, Error> {
    let about = About {
        format: VERSION,
        name: row.name.as_ref().map(|name| name.expose().clone()),
        taken_at: row.taken_at.to_string(),
        labels: labels.iter().cloned().collect(),
    };
    let mut manifest = read_manifest(&row.manifest)?;
    let mut parts = vec![];
    let mut size = 0;
    for (number, (kind, address)) in parts_of(&mut manifest).into_iter().enumerate() {
        let canonical = carry::read_part(deps, row, kind, address).await?;
        check(kind, &canonical)?;
        size += canonical.len();
        store::file::fits(size)?;
        *address = number.to_string();
        parts.push((kind, canonical));
    }
    let written = |err: serde_json::Error| refused(err.to_string());
    let mut content = vec![];
    record(
        &mut content,
        ABOUT,
        &serde_json::to_vec(&about).map_err(written)?,
    );
    record(
        &mut content,
        MANIFEST,
        &manifest::encode(&manifest).map_err(written)?,
    );
    for (kind, canonical) in parts {
        record(&mut content, kind, &canonical);
    }
    record(&mut content, END, b"");
    Ok(content)
}

fn record(content: &mut Vec<u8>, kind: &str, bytes: &[u8]) {
    // Kinds are words of ours.
    content.push(kind.len() as u8);
    content.extend_from_slice(kind.as_bytes());
    content.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    content.extend_from_slice(bytes);
}

/// Reads the content of a file.
///
/// # Errors
/// [`Error::File`] for whatever isn't exactly what [`write`] makes.
pub(crate) fn read(mut content: &[u8]) -> Result<Imported, Error> {
    let about: About = serde_json::from_slice(next(&mut content, ABOUT)?)
        .map_err(|err| bad(&format!("what it says about itself: {err}")))?;
    if about.format != VERSION {
        return Err(bad(&format!(
            "its layout is {}, this version knows {VERSION}",
            about.format
        )));
    }
    let told = |err: Error| bad(&err.to_string());
    let mut manifest = read_manifest(next(&mut content, MANIFEST)?).map_err(told)?;
    let mut parts = vec![];
    for (number, (kind, address)) in parts_of(&mut manifest).into_iter().enumerate() {
        if MOST_PARTS <= number {
            return Err(bad("it has more parts than any checkpoint"));
        }
        if *address != number.to_string() {
            return Err(bad("its manifest doesn't match its parts"));
        }
        let canonical = next(&mut content, kind)?;
        check(kind, canonical).map_err(told)?;
        parts.push(canonical.to_vec());
    }
    next(&mut content, END)?;
    if !content.is_empty() {
        return Err(bad("it goes on after its end"));
    }
    Ok(Imported {
        about,
        manifest,
        parts,
    })
}

/// Takes the next record, which must be of that kind.
fn next<'a>(content: &mut &'a [u8], kind: &str) -> Result<&'a [u8], Error> {
    let missing = || bad(&format!("the part {kind:?} isn't where it belongs"));
    let (length, rest) = content.split_first().ok_or_else(missing)?;
    let (found, rest) = rest
        .split_at_checked(usize::from(*length))
        .ok_or_else(missing)?;
    if found != kind.as_bytes() {
        return Err(missing());
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(missing)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| missing())?;
    let (bytes, rest) = rest.split_at_checked(length).ok_or_else(missing)?;
    *content = rest;
    Ok(bytes)
}

fn bad(reason: &str) -> Error {
    store::Error::File {
        reason: reason.to_owned(),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BARE: &[u8] = include_bytes!("../../tests/fixtures/checkpoint-1-bare.brwd");
    const SEALED: &[u8] = include_bytes!("../../tests/fixtures/checkpoint-1-sealed.brwd");

    /// Written by the first version. They must open for ever, and hold the same.
    #[test]
    fn a_file_of_every_version_opens() {
        use store::file::{Cover, unpack};
        let files = [
            (BARE, Cover::Bare),
            (SEALED, Cover::Passphrase("correct horse battery")),
        ];
        for (file, cover) in files {
            let mut imported = read(&unpack(file, cover).unwrap()).unwrap();
            assert_eq!(imported.about.name.as_deref(), Some("fixture"));
            assert_eq!(imported.about.labels["of"], "fixture");
            assert_eq!(imported.manifest.version, 1);
            let kinds = parts_of(&mut imported.manifest);
            let kinds: Vec<_> = kinds.into_iter().map(|(kind, _)| kind).collect();
            assert_eq!(kinds, ["cookies", "origin", "indexed_db", "tab"]);
            let part = |number: usize| -> serde_json::Value {
                serde_json::from_slice(&imported.parts[number]).unwrap()
            };
            let cookie = &part(0)["cookies"][0];
            assert_eq!(
                (&cookie["name"], &cookie["value"]),
                (&"login".into(), &"ada".into())
            );
            assert_eq!(part(1)["local"]["mark"], "kept");
            let databases: super::super::part::indexed_db::Databases =
                serde_json::from_slice(&imported.parts[2]).unwrap();
            assert_eq!(databases.databases.len(), 1);
            let store = &part(2)["databases"][0]["stores"][0];
            let record = store["records"][0].as_str().unwrap();
            assert!(record.contains("Ada"), "{record}");
            let tab: manifest::TabPart = serde_json::from_slice(&imported.parts[3]).unwrap();
            assert_eq!(tab.url, "http://127.0.0.1:18765/");
            assert_eq!(tab.title, "Fixture");
            assert_eq!(tab.form.fields[0].held, ["Ada L."]);
            assert_eq!(tab.session_storage["http://127.0.0.1:18765/"]["tab"], "one");
        }
    }

    fn whole() -> Vec<u8> {
        let mut content = vec![];
        record(&mut content, ABOUT, br#"{"format":1,"name":"n"}"#);
        record(
            &mut content,
            MANIFEST,
            br#"{"version":1,"cookies":"0","tabs":[{"tab":1,"part":"1"}],"active":1}"#,
        );
        record(&mut content, "cookies", br#"{"cookies":[]}"#);
        record(&mut content, "tab", br#"{"tab":1,"url":"about:blank"}"#);
        record(&mut content, END, b"");
        content
    }

    #[test]
    fn only_what_is_whole_and_in_order_is_taken() {
        let read_whole = read(&whole()).unwrap();
        assert_eq!(read_whole.parts.len(), 2);
        assert_eq!(read_whole.about.name.as_deref(), Some("n"));
        for cut in 0..whole().len() {
            assert!(read(&whole()[..cut]).is_err(), "cut at {cut}");
        }
        assert!(read(&[&whole()[..], b"x"].concat()).is_err());
        // A length that no memory holds.
        let mut long = whole();
        long[6..14].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read(&long).is_err());
        // A part of another kind in the place of one.
        let text = String::from_utf8_lossy(&whole()).replace("cookies\u{e}", "kookies\u{e}");
        assert!(read(text.as_bytes()).is_err());
        // A manifest that asks for more than there is.
        let text =
            String::from_utf8_lossy(&whole()).replace(r#""cookies":"0""#, r#""cookies":"7""#);
        assert!(read(text.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(read(&bytes).is_err());
        }

        #[test]
        fn a_bent_file_of_an_older_version_is_refused_and_never_read_wrong(
            at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<bool>(),
        ) {
            let mut file = BARE.to_vec();
            let at = at.index(file.len());
            if cut {
                file.truncate(at);
            } else {
                file[at] ^= 1 << bit;
            }
            let bent = store::file::unpack(&file, store::file::Cover::Bare);
            prop_assert!(bent.is_err());
        }

        #[test]
        fn a_bent_content_is_refused_or_reads_as_parts_of_their_kind(
            at in any::<prop::sample::Index>(), byte in any::<u8>(),
        ) {
            let mut content = whole();
            let at = at.index(content.len());
            content[at] = byte;
            if let Ok(mut imported) = read(&content) {
                let kinds: Vec<_> = parts_of(&mut imported.manifest)
                    .into_iter()
                    .map(|(kind, _)| kind)
                    .collect();
                for (kind, part) in kinds.into_iter().zip(&imported.parts) {
                    prop_assert!(check(kind, part).is_ok());
                }
            }
        }
    }
}

//! A screenshot, written to a file.

use std::path::Path;

use base::Code;
use base64::Engine as _;
use serde_json::{Value, json};

use super::{recovered, text};
use crate::failure::Failure;
use crate::output::{self, Form};

/// Writes the picture to `file` and tells so. `-` is stdout.
pub fn picture(answer: &Value, file: Option<&Path>, form: Form) -> Result<(), Failure> {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text(answer, "data"))
        .map_err(|err| Failure::new(Code::Internal, format!("The picture is no base64: {err}.")))?;
    if file == Some(Path::new("-")) {
        return output::bytes(&bytes);
    }
    let by_type = match text(answer, "mime_type") {
        "image/jpeg" => "screenshot.jpg",
        "image/webp" => "screenshot.webp",
        _ => "screenshot.png",
    };
    let file = file.unwrap_or(Path::new(by_type));
    std::fs::write(file, &bytes)
        .map_err(|err| Failure::io(format_args!("{} can't be written", file.display()), &err))?;
    match form {
        Form::Human => {
            recovered(answer);
            let (width, height) = (&answer["width"], &answer["height"]);
            output::line(&format!(
                "Wrote {}, {width} × {height} pixels.",
                file.display()
            ))
        }
        Form::Json => {
            // The file holds the bytes; the rest of the answer stays as it is.
            let mut told = answer.clone();
            if let Some(told) = told.as_object_mut() {
                told.remove("data");
                told.insert("file".to_owned(), json!(file));
            }
            output::json(&told)
        }
    }
}

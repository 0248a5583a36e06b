//! `pdf`: the page as it would be printed.

use api::{ApiError, InTab, Pdf, Printed};
use base::Ctx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use session::page;
use session::{Act, Outcome};

use super::{Run, other_outcome};
use crate::sessions::OnSessions;
use crate::sessions::wire::{Frame, framed};

impl Run<Pdf> for OnSessions {
    async fn run(&self, ctx: &Ctx, input: Pdf) -> Result<InTab<Printed>, ApiError> {
        let act = Act::Pdf(page::Pdf {
            landscape: input.landscape.unwrap_or(false),
            background: input.background.unwrap_or(false),
            scale: input.scale,
            paper: paper(input.paper.as_deref(), input.width, input.height)?,
            margin: input.margin,
            pages: input.pages,
            header: input.header,
            footer: input.footer,
            css_page_size: input.css_page_size.unwrap_or(false),
        });
        let acted = self
            .act(ctx, &input.session_id, input.tab_id.as_deref(), act)
            .await?;
        let frame = Frame::of(&acted);
        let Outcome::Pdf(file) = acted.outcome else {
            return Err(other_outcome());
        };
        let fields = Printed {
            data: STANDARD.encode(&file),
            mime_type: "application/pdf".to_owned(),
            bytes: file.len(),
        };
        Ok(framed(&frame, fields, &["data"]))
    }
}

/// Returns width and height of the paper in inches.
fn paper(
    name: Option<&str>,
    width: Option<f64>,
    height: Option<f64>,
) -> Result<Option<(f64, f64)>, ApiError> {
    let size = match (name, width, height) {
        (None, None, None) => return Ok(None),
        (None, Some(width), Some(height)) => (width, height),
        (Some(name), None, None) => match name.to_ascii_lowercase().as_str() {
            "a3" => (11.69, 16.54),
            "a4" => (8.27, 11.69),
            "a5" => (5.83, 8.27),
            "letter" => (8.5, 11.0),
            "legal" => (8.5, 14.0),
            "tabloid" => (11.0, 17.0),
            _ => {
                return Err(ApiError::invalid(
                    "`paper` is a3, a4, a5, letter, legal or tabloid",
                ));
            }
        },
        _ => {
            return Err(ApiError::invalid(
                "the paper has a name, or a width and a height",
            ));
        }
    };
    Ok(Some(size))
}

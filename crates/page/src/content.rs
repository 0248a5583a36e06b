//! Content: the page's text as it is shown, or its HTML.

use base::{Ctx, Private};
use serde::Deserialize;
use serde_json::json;

use crate::world::Ask;
use crate::{Error, Page};

/// How much content is given at the most.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What the content is wanted as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ContentFormat {
    /// The text that is visible.
    #[default]
    Text,
    /// The document as it stands, as HTML.
    Html,
}

/// The content of a page.
#[derive(Clone, Debug)]
pub struct Content {
    /// The text or HTML.
    pub content: Private<String>,
    /// The page's URL.
    pub url: Private<String>,
    /// The page's title.
    pub title: Private<String>,
    /// Whether it was cut at the bound of 8 MiB.
    pub truncated: bool,
}

#[derive(Deserialize, Debug)]
struct Read {
    content: String,
    url: String,
    title: String,
    truncated: bool,
}

impl Page {
    /// Returns the page's content.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn content(&self, ctx: &Ctx, format: ContentFormat) -> Result<Content, Error> {
        let frame = self.main_frame();
        let function = match format {
            ContentFormat::Text => "text",
            ContentFormat::Html => "html",
        };
        let arguments = json!({ "maxLength": MAX_BYTES });
        let ask = Ask {
            frame: &frame,
            function,
            arguments,
        };
        let read: Read = self.not_held_up(ctx, self.ask(ctx, &ask)).await?;
        self.saw_title(&read.title);
        Ok(Content {
            content: read.content.into(),
            url: self.shown_url(read.url).into(),
            title: read.title.into(),
            truncated: read.truncated,
        })
    }
}

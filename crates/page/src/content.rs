//! Content: the page's text as it is shown, as Markdown, its links, or its HTML.

use base::{Ctx, Private};
use serde::Deserialize;
use serde_json::json;

use crate::world::Ask;
use crate::{Error, Locator, Page};

/// How much content is given at the most.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// What content is wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentOptions {
    /// As what.
    pub format: ContentFormat,
    /// Of which element; otherwise of the page.
    pub scope: Option<Locator>,
    /// How many bytes it may have.
    pub max_bytes: Option<usize>,
}

/// What the content is wanted as.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ContentFormat {
    /// The text that is visible.
    #[default]
    Text,
    /// The main content as Markdown, without navigation and the like.
    Markdown,
    /// A Markdown list of the links that are drawn, each place once.
    Links,
    /// The document as it stands, as HTML.
    Html,
}

impl ContentFormat {
    const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Links => "links",
            Self::Html => "html",
        }
    }
}

/// The content of a page.
#[derive(Clone, Debug)]
pub struct Content {
    /// The text, Markdown, links or HTML.
    pub content: Private<String>,
    /// The page's URL.
    pub url: Private<String>,
    /// The page's title.
    pub title: Private<String>,
    /// Whether it was cut, at 8 MiB at the latest.
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
    /// [`Error::Stopped`] if the page did not answer in time, [`Error::RefStale`] or
    /// [`Error::NotActionable`] if the scope is not there.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn content(&self, ctx: &Ctx, options: &ContentOptions) -> Result<Content, Error> {
        let max = options.max_bytes.unwrap_or(MAX_BYTES).min(MAX_BYTES);
        let with = json!({ "format": options.format.word(), "maxLength": max });
        let read = match &options.scope {
            None => {
                let frame = self.main_frame();
                let ask = Ask {
                    frame: &frame,
                    function: "content",
                    arguments: with,
                };
                self.not_held_up(ctx, self.ask(ctx, &ask)).await?
            }
            Some(scope) => {
                let tried = self.try_once::<_, Read>(ctx, scope, "contentOf", with);
                match self.not_held_up(ctx, tried).await? {
                    Ok(found) => found.value,
                    Err(last) => return Err(Error::NotActionable { tries: 1, last }),
                }
            }
        };
        self.saw_title(&read.title);
        let mut content = read.content;
        let mut truncated = read.truncated;
        // The script counts characters.
        if max < content.len() {
            let end = (0..=max).rev().find(|at| content.is_char_boundary(*at));
            content.truncate(end.unwrap_or(0));
            truncated = true;
        }
        Ok(Content {
            content: content.into(),
            url: self.shown_url(read.url).into(),
            title: read.title.into(),
            truncated,
        })
    }
}

//! What was typed into a tab's page, and its focus. Secrets are never read from the page.
//!
//! Not in it: fields in frames of other sites and in closed shadow trees, editable elements that
//! hold more than text, marks and links, chosen files.

use std::time::Duration;

use base::Ctx;
use page::{FormRestored, Page};
use serde::{Deserialize, Serialize};

/// How long the fields of a page that renders late are waited for.
const PATIENCE: Duration = Duration::from_millis(1000);
/// How long the page may take to be asked, beside that.
const ANSWER: Duration = Duration::from_millis(2000);

/// What the fields of one page hold other than at first.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FormPart {
    /// The page it was read from; empty if it was not read.
    pub url: String,
    /// The fields in document order.
    pub fields: Vec<FieldPart>,
    /// Nothing was seen that is not in `fields`.
    pub whole: bool,
    /// A secret was there, or could have been unseen; it is not in `fields`.
    pub secret: bool,
    /// The element that has the focus.
    pub focus: Option<FieldPart>,
}

/// One field: what it is known again by, and what it holds.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldPart {
    /// Its element.
    pub tag: String,
    /// The kind of an `input`.
    pub r#type: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it is labelled.
    pub label: String,
    /// What a checkbox or a radio button stands for.
    pub choice: String,
    /// Where it is in the document.
    pub place: String,
    /// What it holds: a text, `true` or `false`, or the chosen options.
    pub held: Vec<String>,
    /// What of its text is selected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u32, u32)>,
}

impl FormPart {
    /// Tells whether it was never read; such a part isn't stored.
    pub(crate) const fn is_unread(&self) -> bool {
        self.url.is_empty()
    }
}

/// What became of a tab's form.
#[derive(Clone, Copy)]
pub(crate) struct Restored {
    pub fields: bool,
    pub secrets: bool,
    pub focus: bool,
}

/// Reads a page's form; `None` if the page did not tell in time.
pub(crate) async fn capture(ctx: &Ctx, page: &Page) -> Option<FormPart> {
    page.read_form(ctx).await.ok()
}

/// Fills a page that shows `url` as it was.
///
/// # Cancel safety
/// Filling again does no harm.
pub(crate) async fn restore(ctx: &Ctx, page: &Page, url: &str, form: &FormPart) -> Restored {
    // Of an empty page there is nothing to tell.
    let blank = url.is_empty() || url == "about:blank";
    if form.is_unread() || form.url != url {
        return Restored {
            fields: blank,
            secrets: blank,
            focus: blank,
        };
    }
    let mut put = FormRestored {
        fields: true,
        focus: true,
    };
    if !form.fields.is_empty() || form.focus.is_some() {
        let ctx = ctx.at_most(PATIENCE + ANSWER);
        let restored = page
            .restore_form(&ctx, &form.fields, form.focus.as_ref(), PATIENCE)
            .await;
        put = restored.unwrap_or(FormRestored {
            fields: form.fields.is_empty(),
            focus: form.focus.is_none(),
        });
    }
    Restored {
        fields: put.fields && form.whole,
        secrets: !form.secret,
        focus: put.focus,
    }
}

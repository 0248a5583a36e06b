//! JavaScript dialogs: alert, confirm, prompt and beforeunload.
//!
//! While one is open the renderer answers nothing, so a call that opens one returns
//! [`Error::DialogOpen`] at the event, and so does every later call until it is answered.

use std::time::Duration;

use base::{Ctx, Private};
use cdp::protocol::page as wire;

use crate::{Error, Page};

/// How long the event that a dialog closed may take after the answer to it.
const EVENT_FOLLOWS: Duration = Duration::from_secs(1);

/// What is done with a dialog when it opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum DialogPolicy {
    /// It stays open until it is answered.
    #[default]
    Ask,
    /// It is accepted at once.
    Accept,
    /// It is dismissed at once.
    Dismiss,
}

/// The kinds of dialog a page can open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DialogKind {
    /// `alert()`.
    Alert,
    /// `confirm()`.
    Confirm,
    /// `prompt()`.
    Prompt,
    /// The question whether to leave the page.
    BeforeUnload,
}

impl DialogKind {
    /// Returns the kind as it is printed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Confirm => "confirm",
            Self::Prompt => "prompt",
            Self::BeforeUnload => "beforeunload",
        }
    }
}

/// A dialog that is open on a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    /// What opened it.
    pub kind: DialogKind,
    /// The text it shows, bounded.
    pub message: Private<String>,
    /// What a prompt's field holds at first.
    pub default_text: Private<String>,
    /// The URL of the frame that opened it.
    pub url: Private<String>,
}

impl Page {
    /// Answers the dialog that is open. The calls that it held up are let go.
    ///
    /// It is sent also if no dialog is known: one that opened while nobody listened can be
    /// answered this way, and none being there is told as [`Error::NoDialog`].
    ///
    /// # Errors
    /// [`Error::NoDialog`], or [`Error::OutcomeUnknown`] if the browser did not answer in time.
    ///
    /// # Cancel safety
    /// The answer may have been given.
    pub async fn handle_dialog(
        &self,
        ctx: &Ctx,
        accept: bool,
        text: Option<String>,
    ) -> Result<(), Error> {
        let closed = self.shared().picture.borrow().dialogs_closed;
        let answer = wire::HandleJavaScriptDialog {
            accept,
            prompt_text: text,
        };
        match self
            .session()
            .call(ctx, &answer)
            .await
            .map_err(Error::from_cdp)
        {
            Ok(_) => {
                // The event that it closed may still be on its way; whoever goes on after this
                // answer must not meet the old dialog, only one that opened since.
                let mut picture = self.shared().picture.subscribe();
                let seen = picture.wait_for(|picture| closed < picture.dialogs_closed);
                if ctx.at_most(EVENT_FOLLOWS).race(seen).await.is_err() {
                    self.shared()
                        .picture
                        .send_modify(|picture| picture.dialog = None);
                }
                Ok(())
            }
            Err(Error::Cdp(cdp::Error::Protocol { message, .. }))
                if message.contains("No dialog is showing") =>
            {
                self.shared()
                    .picture
                    .send_modify(|picture| picture.dialog = None);
                Err(Error::NoDialog)
            }
            Err(err) => Err(err.after_effects()),
        }
    }
}

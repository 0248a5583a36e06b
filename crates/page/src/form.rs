//! What was typed into the page and where its focus is, for checkpoints.
//!
//! The content is handed through as the script has it: only a checkpoint keeps it.

use std::time::Duration;

use base::Ctx;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::world::Ask;
use crate::{Error, Page};

/// How much of a page's fields is read.
const MAX_BYTES: usize = 256 * 1024;

/// What of a form was put back and read back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct FormRestored {
    /// Every field holds what it held.
    pub fields: bool,
    /// The focus is where it was.
    pub focus: bool,
}

impl Page {
    /// Returns what fields hold other than at first, without secrets, and the focus.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn read_form<T: DeserializeOwned>(&self, ctx: &Ctx) -> Result<T, Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "readForm",
            arguments: json!({ "maxBytes": MAX_BYTES }),
        };
        self.ask_once(ctx, &ask).await
    }

    /// Puts fields and focus back, as their elements appear within `patience`.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Some fields may be filled; filling them again does no harm.
    pub async fn restore_form<T: Serialize, F: Serialize>(
        &self,
        ctx: &Ctx,
        fields: &[T],
        focus: Option<&F>,
        patience: Duration,
    ) -> Result<FormRestored, Error> {
        let frame = self.main_frame();
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let ask = Ask {
            frame: &frame,
            function: "restoreForm",
            arguments: json!({ "fields": fields, "focus": focus, "millis": millis }),
        };
        self.ask_once(ctx, &ask).await
    }
}

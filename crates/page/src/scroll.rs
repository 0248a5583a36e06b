//! How far the main frame and what is in it are scrolled, for checkpoints.

use std::time::Duration;

use base::Ctx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::world::Ask;
use crate::{Error, Page};

impl Page {
    /// Returns how far the main frame is scrolled, in CSS pixels.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn scroll_position(&self, ctx: &Ctx) -> Result<(f64, f64), Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "scrollPosition",
            arguments: json!({}),
        };
        self.ask(ctx, &ask).await
    }

    /// Scrolls the main frame at once and returns where it is then: a page may be too short.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Setting it again does no harm.
    pub async fn set_scroll(&self, ctx: &Ctx, x: f64, y: f64) -> Result<(f64, f64), Error> {
        let frame = self.main_frame();
        let arguments = json!({ "x": x, "y": y });
        self.ask(
            ctx,
            &Ask {
                frame: &frame,
                function: "setScroll",
                arguments,
            },
        )
        .await
    }

    /// Returns the elements inside of the page that are scrolled, and how far.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn read_scrolls<T: DeserializeOwned>(&self, ctx: &Ctx) -> Result<T, Error> {
        let frame = self.main_frame();
        let ask = Ask {
            frame: &frame,
            function: "readScrolls",
            arguments: json!({}),
        };
        self.ask_once(ctx, &ask).await
    }

    /// Scrolls elements inside of the page, as they appear within `patience`; tells whether all
    /// are where they were.
    ///
    /// # Errors
    /// [`Error::Stopped`] if the page did not answer in time.
    ///
    /// # Cancel safety
    /// Doing it again does no harm.
    pub async fn restore_scrolls<T: Serialize>(
        &self,
        ctx: &Ctx,
        scrolls: &[T],
        patience: Duration,
    ) -> Result<bool, Error> {
        let frame = self.main_frame();
        let millis = u64::try_from(patience.as_millis()).unwrap_or(u64::MAX);
        let ask = Ask {
            frame: &frame,
            function: "restoreScrolls",
            arguments: json!({ "scrolls": scrolls, "millis": millis }),
        };
        self.ask_once(ctx, &ask).await
    }
}

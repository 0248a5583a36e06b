//! The main frame's scroll position, for checkpoints.

use base::Ctx;
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
}

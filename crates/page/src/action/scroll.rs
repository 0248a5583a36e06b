//! Scroll: the wheel, over an element or the middle of the page.

use base::Ctx;
use cdp::protocol::input;
use serde_json::json;

use crate::action::mouse::{Needs, Point, moved};
use crate::effect::Effects;
use crate::target::Found;
use crate::world::Ask;
use crate::{Error, Locator, Modifiers, Page};

impl Page {
    pub(super) async fn scroll(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: Option<&Locator>,
        dx: f64,
        dy: f64,
    ) -> Result<(), Error> {
        if !dx.is_finite() || !dy.is_finite() {
            let reason = "a distance must be a number".to_owned();
            return Err(Error::InvalidArgument {
                argument: "dx, dy",
                reason,
            });
        }
        let main = self.main_frame();
        let still = dx == 0.0 && dy == 0.0;
        let point = match target {
            Some(target) if still => {
                let found: Found<bool> = self.ready(ctx, target, "visible", json!({})).await?;
                return self
                    .affect(ctx, effects, &found.frame, target, "reveal", json!({}))
                    .await;
            }
            Some(target) => {
                let needs = Needs {
                    enabled: false,
                    at: None,
                    hold: false,
                };
                self.point(ctx, target, needs).await?.value
            }
            None => {
                let ask = Ask {
                    frame: &main,
                    function: "middle",
                    arguments: json!({}),
                };
                self.ask::<_, Point>(ctx, &ask).await?
            }
        };
        let wheel = input::DispatchMouseEvent {
            r#type: input::DispatchMouseEventType::MouseWheel,
            delta_x: Some(dx),
            delta_y: Some(dy),
            ..moved(point, Modifiers::default())
        };
        effects.last(&wheel).await?;
        // The wheel starts an animation; an answer in its middle would tell of no place.
        let ask = Ask {
            frame: &main,
            function: "scrollEnded",
            arguments: json!(point_of(point)),
        };
        self.ask::<_, bool>(ctx, &ask)
            .await
            .map_err(Error::after_effects)?;
        Ok(())
    }
}

fn point_of(point: Point) -> serde_json::Value {
    json!({ "x": point.x, "y": point.y })
}

//! Drag: press, move, let go.
//!
//! A page that listens to the mouse sees just that. Where the page has made something
//! draggable, the press that moves becomes a drag of the browser's own, and no mouse is seen
//! from there on: its data is taken from the browser, before that asks the desktop for a drag,
//! and carried to where it is dropped.

use std::time::Duration;

use base::{Ctx, Stopped};
use cdp::protocol::input;
use cdp::{Events, Next};
use serde_json::json;

use crate::action::mouse::{Needs, Point, moved, pressed, released};
use crate::effect::Effects;
use crate::frames::Spot;
use crate::target::{Found, Verdict, judge};
use crate::world::Ask;
use crate::{Button, Error, Locator, Modifiers, Page, Place};

/// In how many steps the pointer goes its way: pages look where it came from.
const STEPS: u32 = 5;
/// How far a press has to move, at least, to be a drag. Chromium and pages want 3 to 5 pixels.
const BEGINS_AFTER: f64 = 6.0;
/// How long the browser may take to hand over the data of a drag that has begun.
const HANDED_OVER: Duration = Duration::from_secs(3);

/// Which way something is dragged.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub at: Option<Place>,
    pub to: Option<&'a Locator>,
    pub by: (f64, f64),
}

/// Lets go of what a call holds when it ends in the middle.
struct Held<'a> {
    page: &'a Page,
    /// Where the button is down, if it is.
    pressed: Option<Point>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let session = self.page.session();
        if let Some(point) = self.pressed {
            let up = released(point, Button::Left, 1, Modifiers::default());
            let gone = input::DispatchDragEvent {
                r#type: input::DispatchDragEventType::DragCancel,
                x: point.x,
                y: point.y,
                ..Default::default()
            };
            let cancelled = session.post(&gone).and_then(|()| session.post(&up));
            if let Err(err) = cancelled {
                tracing::debug!(%err, "what was dragged could not be let go");
            }
        }
        if let Err(err) = session.post(&input::SetInterceptDrags { enabled: false }) {
            tracing::debug!(%err, "drags could not be left to the browser again");
        }
    }
}

impl Page {
    pub(super) async fn drag(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        way: &Way<'_>,
    ) -> Result<(), Error> {
        let (dx, dy) = way.by;
        if !dx.is_finite() || !dy.is_finite() {
            let reason = "a distance must be a number".to_owned();
            return Err(Error::InvalidArgument {
                argument: "dx, dy",
                reason,
            });
        }
        // Nothing is picked up that can't be put down.
        let onto = match way.to {
            None => None,
            Some(to) => {
                let needs = Needs {
                    enabled: false,
                    at: None,
                    hold: true,
                };
                Some(self.point(ctx, to, needs).await?.frame)
            }
        };
        let needs = Needs {
            enabled: true,
            at: way.at,
            hold: false,
        };
        let from = self.point(ctx, target, needs).await?;
        let mut events = self.session().events();
        effects.open().await?;
        let mut held = Held {
            page: self,
            pressed: None,
        };
        let take = input::SetInterceptDrags { enabled: true };
        self.call(ctx, &take).await.map_err(Error::after_effects)?;
        let begun = self
            .begin(ctx, effects, target, &from, &mut held, &mut events)
            .await?;
        let end = self.end_of(ctx, onto.as_deref(), way, from.value).await?;
        let path = path(begun.at, end);
        match begun.data {
            Some(data) => self.carry(effects, &data, &path, &mut held).await,
            None => {
                for point in &path {
                    effects.send(&holding(*point)).await?;
                    held.pressed = Some(*point);
                }
                // Where it rests a moment is where it is let go.
                effects.send(&holding(end)).await?;
                held.pressed = None;
                let up = released(end, Button::Left, 1, Modifiers::default());
                effects.last(&up).await?;
                Ok(())
            }
        }
    }

    /// Presses the button and moves as far as makes it a drag.
    async fn begin(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        from: &Found<Point>,
        held: &mut Held<'_>,
        events: &mut Events,
    ) -> Result<Begun, Error> {
        let none = Modifiers::default();
        let watched = self.try_once::<_, ()>(ctx, target, "watchDrag", json!({}));
        watched.await.map_err(Error::after_effects)?.ok();
        effects.send(&moved(from.value, none)).await?;
        let down = pressed(from.value, Button::Left, 1, none);
        held.pressed = Some(from.value);
        effects.send(&down).await?;
        let mut at = from.value;
        for last in [false, true] {
            at.x += BEGINS_AFTER;
            effects.send(&holding(at)).await?;
            let seen: bool = self
                .ask(
                    ctx,
                    &Ask {
                        frame: &from.frame,
                        function: "dragSeen",
                        arguments: json!({ "last": last }),
                    },
                )
                .await
                .map_err(Error::after_effects)?;
            if seen {
                let data = self.handed_over(ctx, events).await?;
                return Ok(Begun {
                    at,
                    data: Some(data),
                });
            }
        }
        Ok(Begun { at, data: None })
    }

    /// Waits for the data of a drag that has begun.
    async fn handed_over(&self, ctx: &Ctx, events: &mut Events) -> Result<input::DragData, Error> {
        let patience = ctx.at_most(HANDED_OVER);
        let data = async {
            loop {
                match events.next().await {
                    Next::Event(event) => {
                        if let Some(Ok(event)) = event.decode::<input::DragInterceptedEvent>() {
                            return Some(event.data);
                        }
                    }
                    Next::Lagged(_) => {}
                    Next::Ended(_) => return None,
                }
            }
        };
        let data = self
            .unless_held(async { Ok(patience.race(data).await) })
            .await?;
        match data {
            Ok(Some(data)) => Ok(data),
            Ok(None) => Err(Error::Gone),
            Err(_) if ctx.remaining().is_zero() => Err(Error::OutcomeUnknown(Stopped::Deadline)),
            Err(stopped) => Err(Error::OutcomeUnknown(stopped)),
        }
    }

    /// Returns where to let go.
    async fn end_of(
        &self,
        ctx: &Ctx,
        onto: Option<&str>,
        way: &Way<'_>,
        from: Point,
    ) -> Result<Point, Error> {
        let (dx, dy) = way.by;
        let base = match (onto, way.to) {
            (Some(frame), Some(to)) => {
                let ask = Ask {
                    frame,
                    function: "dropPoint",
                    arguments: json!({}),
                };
                let told = self.ask(ctx, &ask).await.map_err(Error::after_effects)?;
                let spot = match told {
                    Verdict::Ok { value } => self.to_top(ctx, frame, value).await,
                    verdict => judge::<Spot>(to, verdict).map(Err),
                };
                match spot.map_err(Error::after_effects)? {
                    Ok(Spot { x, y }) => Point { x, y },
                    Err(last) => return Err(Error::NotActionable { tries: 1, last }),
                }
            }
            _ => from,
        };
        Ok(Point {
            x: base.x + dx,
            y: base.y + dy,
        })
    }

    /// Carries the data of a drag along a path and drops it at its end.
    async fn carry(
        &self,
        effects: &mut Effects<'_>,
        data: &input::DragData,
        path: &[Point],
        held: &mut Held<'_>,
    ) -> Result<(), Error> {
        use input::DispatchDragEventType as Type;
        let event = |r#type, point: Point| input::DispatchDragEvent {
            r#type,
            x: point.x,
            y: point.y,
            data: data.clone(),
            modifiers: None,
        };
        let Some((end, _)) = path.split_last() else {
            return Ok(());
        };
        let mut kind = Type::DragEnter;
        for point in path {
            effects.send(&event(kind, *point)).await?;
            held.pressed = Some(*point);
            kind = Type::DragOver;
        }
        effects.send(&event(Type::DragOver, *end)).await?;
        effects.last(&event(Type::Drop, *end)).await?;
        // The browser took the release of the button for the drag's own.
        held.pressed = None;
        let up = released(*end, Button::Left, 1, Modifiers::default());
        self.session().post(&up).map_err(Error::from_cdp)
    }
}

/// A drag that has begun.
struct Begun {
    at: Point,
    /// What is carried, if the drag is the browser's own.
    data: Option<input::DragData>,
}

/// The pointer at a point, with the main button down.
fn holding(point: Point) -> input::DispatchMouseEvent {
    input::DispatchMouseEvent {
        button: Some(input::MouseButton::Left),
        buttons: Some(1),
        ..moved(point, Modifiers::default())
    }
}

fn path(from: Point, to: Point) -> Vec<Point> {
    let step = |step: u32| {
        let part = f64::from(step) / f64::from(STEPS);
        Point {
            x: from.x + (to.x - from.x) * part,
            y: from.y + (to.y - from.y) * part,
        }
    };
    (1..=STEPS).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_ends_where_it_shall() {
        let (from, to) = (Point { x: 1.0, y: 2.0 }, Point { x: 11.0, y: -8.0 });
        let path = path(from, to);
        assert_eq!(path.len(), STEPS as usize);
        assert_eq!(path.last(), Some(&to));
        assert_eq!(path[0], Point { x: 3.0, y: 0.0 });
    }
}

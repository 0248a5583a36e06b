//! The mouse: a point on an element, and the messages that a hand on it makes.

use base::Ctx;
use cdp::protocol::input;
use serde::{Deserialize, Serialize};

use crate::effect::Effects;
use crate::frames::Spot;
use crate::target::Found;
use crate::{Button, Error, Locator, Modifiers, Page, Place};

/// A point of an element that gets the input, in CSS pixels of the viewport.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub x: f64,
    pub y: f64,
}

/// What a pointer action asks of its element.
#[derive(Serialize, Debug, Clone, Copy)]
pub(crate) struct Needs {
    /// A disabled element can be hovered, but not clicked.
    pub enabled: bool,
    /// Where on the element; anywhere if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Place>,
    /// Whether the element is remembered, as what something will be dropped on.
    #[serde(skip_serializing_if = "is_false")]
    pub hold: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Needs {
    /// What a click needs.
    pub const ENABLED: Self = Self {
        enabled: true,
        at: None,
        hold: false,
    };
}

impl Page {
    /// Waits until an element would get a pointer's input and returns where.
    pub(crate) async fn point(
        &self,
        ctx: &Ctx,
        target: &Locator,
        needs: Needs,
    ) -> Result<Found<Point>, Error> {
        let Found { frame, value } = self.ready_at(ctx, target, "point", needs).await?;
        let Spot { x, y } = value;
        let value = Point { x, y };
        Ok(Found { frame, value })
    }

    /// Clicks at a point. The release is the last effect of the call.
    pub(crate) async fn click_at(
        &self,
        effects: &mut Effects<'_>,
        point: Point,
        button: Button,
        count: u8,
        modifiers: Modifiers,
    ) -> Result<(), Error> {
        self.clicks(effects, point, button, count, modifiers, Then::Nothing)
            .await
    }

    /// Clicks once at a point, as an effect that others of the call follow.
    pub(crate) async fn click_first(
        &self,
        effects: &mut Effects<'_>,
        point: Point,
    ) -> Result<(), Error> {
        let none = Modifiers::default();
        self.clicks(effects, point, Button::Left, 1, none, Then::More)
            .await
    }

    async fn clicks(
        &self,
        effects: &mut Effects<'_>,
        point: Point,
        button: Button,
        count: u8,
        modifiers: Modifiers,
        then: Then,
    ) -> Result<(), Error> {
        effects.send(&moved(point, modifiers)).await?;
        let count = count.max(1);
        for click in 1..=count {
            let down = pressed(point, button, click, modifiers);
            let up = released(point, button, click, modifiers);
            if let Err(err) = effects.send(&down).await {
                // A dialog opened at the press: the button must not stay down, and the
                // release is queued behind the dialog's answer.
                if matches!(err, Error::DialogOpen(_)) {
                    self.session().post(&up).map_err(Error::from_cdp)?;
                }
                return Err(err);
            }
            if click == count && then == Then::Nothing {
                effects.last(&up).await?;
            } else {
                effects.send(&up).await?;
            }
        }
        Ok(())
    }
}

/// What follows a click in its call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    Nothing,
    More,
}

pub(crate) fn moved(point: Point, modifiers: Modifiers) -> input::DispatchMouseEvent {
    input::DispatchMouseEvent {
        r#type: input::DispatchMouseEventType::MouseMoved,
        x: point.x,
        y: point.y,
        modifiers: Some(modifiers.bits()),
        ..Default::default()
    }
}

pub(super) fn pressed(
    point: Point,
    button: Button,
    click: u8,
    modifiers: Modifiers,
) -> input::DispatchMouseEvent {
    let (button, bit) = match button {
        Button::Left => (input::MouseButton::Left, 1),
        Button::Right => (input::MouseButton::Right, 2),
        Button::Middle => (input::MouseButton::Middle, 4),
    };
    input::DispatchMouseEvent {
        r#type: input::DispatchMouseEventType::MousePressed,
        button: Some(button),
        buttons: Some(bit),
        click_count: Some(i64::from(click)),
        ..moved(point, modifiers)
    }
}

pub(super) fn released(
    point: Point,
    button: Button,
    click: u8,
    modifiers: Modifiers,
) -> input::DispatchMouseEvent {
    input::DispatchMouseEvent {
        r#type: input::DispatchMouseEventType::MouseReleased,
        buttons: Some(0),
        ..pressed(point, button, click, modifiers)
    }
}

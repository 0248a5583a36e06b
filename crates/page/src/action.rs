//! Actions: what a person does to a page, done by real input.
//!
//! Each waits until its element is ready (see [`crate::Attempt`] for what it may lack), opens
//! its gate, sends its input and then looks where the page is. One action, one file.

mod check;
mod click;
mod drag;
mod field;
mod history;
mod hover;
mod keys;
mod mouse;
mod scroll;
mod select;
mod settle;
mod upload;

use std::path::PathBuf;
use std::time::Duration;

use base::{Ctx, Private};
use serde::Serialize;

use crate::effect::Effects;
use crate::{Error, Gate, Locator, Navigate, Page, Wait};

/// A mouse button.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Button {
    /// The main button.
    #[default]
    Left,
    /// The wheel.
    Middle,
    /// The one for the context menu.
    Right,
}

/// The modifier keys that are held during an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Modifiers {
    /// Alt.
    pub alt: bool,
    /// Control.
    pub control: bool,
    /// Meta.
    pub meta: bool,
    /// Shift.
    pub shift: bool,
}

impl Modifiers {
    /// Returns the modifiers as the protocol has them.
    pub(crate) const fn bits(self) -> i64 {
        self.alt as i64
            | (self.control as i64) << 1
            | (self.meta as i64) << 2
            | (self.shift as i64) << 3
    }
}

/// A place on an element, in CSS pixels from its upper left corner.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Place {
    /// To the right.
    pub x: f64,
    /// Downwards.
    pub y: f64,
}

/// An option of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Choice {
    /// By its value or its label.
    Named(String),
    /// By its place in the list, from 0.
    Index(u32),
}

/// What is to be done to the page.
#[derive(Clone, Debug)]
pub enum Action {
    /// Clicks an element: once, twice, with any button.
    Click {
        /// The element.
        target: Locator,
        /// The button.
        button: Button,
        /// How many clicks in a row: 2 is a double click.
        count: u8,
        /// The keys that are held meanwhile.
        modifiers: Modifiers,
        /// Where on the element; its middle if absent.
        at: Option<Place>,
    },
    /// Presses the main button on an element, moves, and lets go.
    Drag {
        /// The element.
        target: Locator,
        /// Where on it the button is pressed; its middle if absent.
        at: Option<Place>,
        /// The element to let go on; if absent, that is `dx` and `dy` from where it began.
        to: Option<Locator>,
        /// To the right, from the middle of `to` if that is given.
        dx: f64,
        /// Downwards.
        dy: f64,
    },
    /// Puts files into a field, or into the chooser that a click on the element opens.
    Upload {
        /// The field or what opens the chooser.
        target: Locator,
        /// Whole paths; whoever asks has made sure that these may be given away. None empties
        /// the field.
        files: Vec<PathBuf>,
    },
    /// Replaces what a field holds.
    Fill {
        /// The field.
        target: Locator,
        /// What it shall hold.
        text: Private<String>,
    },
    /// Types key by key, at the end of what a field holds.
    Type {
        /// The field; without one, whatever has the focus gets the keys.
        target: Option<Locator>,
        /// What is typed. A line break is the Enter key.
        text: Private<String>,
        /// The pause after each key.
        delay: Duration,
    },
    /// Presses a key or a chord, such as `Enter` or `Control+A`.
    Press {
        /// The element that gets the focus first.
        target: Option<Locator>,
        /// The keys, joined by `+`; several chords are separated by spaces.
        keys: String,
    },
    /// Chooses options of a `<select>`, or one of a list that the page has made itself.
    Select {
        /// The list, or what opens it.
        target: Locator,
        /// The options. In a `<select>` all others are unselected.
        values: Vec<Choice>,
    },
    /// Makes a checkbox, switch or radio button checked.
    Check {
        /// The element.
        target: Locator,
    },
    /// Makes a checkbox or switch unchecked.
    Uncheck {
        /// The element.
        target: Locator,
    },
    /// Moves the mouse over an element.
    Hover {
        /// The element.
        target: Locator,
        /// Where on it; its middle if absent.
        at: Option<Place>,
    },
    /// Gives an element the focus.
    Focus {
        /// The element.
        target: Locator,
    },
    /// Turns the wheel over an element or the middle of the page.
    Scroll {
        /// The element; with no distance it is just scrolled into view.
        target: Option<Locator>,
        /// To the right, in CSS pixels.
        dx: f64,
        /// Downwards, in CSS pixels.
        dy: f64,
    },
    /// Goes one entry back in the tab's history.
    Back,
    /// Goes one entry forward in the tab's history.
    Forward,
    /// Loads the document again.
    Reload,
    /// Opens a URL.
    Goto {
        /// The URL.
        url: String,
    },
    /// Waits for something.
    Wait(Wait),
}

/// Where the page is after an action.
#[derive(Clone, Debug)]
pub struct Interacted {
    /// The URL.
    pub url: Private<String>,
    /// The title.
    pub title: Private<String>,
}

impl Page {
    /// Carries out an action.
    ///
    /// # Errors
    /// [`Error::RefStale`] and [`Error::NotActionable`] say what the element lacks: nothing was
    /// done. [`Error::DialogOpen`] comes at once when the action opens a dialog: it is done
    /// but for what the dialog decides. [`Error::OutcomeUnknown`]: it may have been done.
    ///
    /// # Cancel safety
    /// Input that was sent is not withdrawn; nothing more is sent.
    pub async fn interact(
        &self,
        ctx: &Ctx,
        gate: &Gate,
        action: &Action,
    ) -> Result<Interacted, Error> {
        match action {
            Action::Goto { url } => {
                let to = Navigate { url: url.clone() };
                let there = self.navigate(ctx, gate, &to).await?;
                return Ok(Interacted {
                    url: there.url,
                    title: there.title,
                });
            }
            Action::Wait(wait) => {
                let there = self.wait_for(ctx, wait).await?;
                return Ok(Interacted {
                    url: there.url,
                    title: there.title,
                });
            }
            Action::Back => return self.travel(ctx, gate, -1).await,
            Action::Forward => return self.travel(ctx, gate, 1).await,
            Action::Reload => return self.reload(ctx, gate).await,
            _ => {}
        }
        self.refuse_if_held()?;
        let watch = settle::Watch::start(self);
        let mut effects = Effects::new(self, ctx, gate);
        let done = self
            .not_held_up(ctx, Box::pin(self.act(ctx, &mut effects, action)))
            .await;
        match done {
            // A button may close its own page; then it was pressed, and released.
            Err(Error::Gone) if effects.is_complete() => {
                let (url, title) = self.here();
                Ok(Interacted { url, title })
            }
            Err(err) => Err(err),
            Ok(()) => watch.settle(self, ctx).await,
        }
    }

    async fn act(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        action: &Action,
    ) -> Result<(), Error> {
        // Each by itself on the heap: together they are more than a stack should hold.
        match action {
            Action::Click {
                target,
                button,
                count,
                modifiers,
                at,
            } => {
                let hand = click::Hand {
                    button: *button,
                    count: *count,
                    modifiers: *modifiers,
                    at: *at,
                };
                Box::pin(self.click(ctx, effects, target, hand)).await
            }
            Action::Drag {
                target,
                at,
                to,
                dx,
                dy,
            } => {
                let way = drag::Way {
                    at: *at,
                    to: to.as_ref(),
                    by: (*dx, *dy),
                };
                Box::pin(self.drag(ctx, effects, target, &way)).await
            }
            Action::Upload { target, files } => {
                Box::pin(self.upload(ctx, effects, target, files)).await
            }
            Action::Fill { target, text } => Box::pin(self.fill(ctx, effects, target, text)).await,
            Action::Type {
                target,
                text,
                delay,
            } => Box::pin(self.type_keys(ctx, effects, target.as_ref(), text, *delay)).await,
            Action::Press { target, keys } => {
                Box::pin(self.press(ctx, effects, target.as_ref(), keys)).await
            }
            Action::Select { target, values } => {
                Box::pin(self.select(ctx, effects, target, values)).await
            }
            Action::Check { target } => Box::pin(self.check(ctx, effects, target, true)).await,
            Action::Uncheck { target } => Box::pin(self.check(ctx, effects, target, false)).await,
            Action::Hover { target, at } => Box::pin(self.hover(ctx, effects, target, *at)).await,
            Action::Focus { target } => Box::pin(self.focus(ctx, effects, target)).await,
            Action::Scroll { target, dx, dy } => {
                Box::pin(self.scroll(ctx, effects, target.as_ref(), *dx, *dy)).await
            }
            Action::Back
            | Action::Forward
            | Action::Reload
            | Action::Goto { .. }
            | Action::Wait(_) => Ok(()),
        }
    }
}

//! Type and press: key by key, as a keyboard sends them.

use std::time::Duration;

use base::{Ctx, Private};
use cdp::protocol::input;
use serde_json::json;

use crate::effect::Effects;
use crate::key::{Chord, Key};
use crate::target::Found;
use crate::{Error, Locator, Page};

/// How much is typed in one call: each character is two messages and their answers.
const MAX_TYPED: usize = 10_000;

/// One message of the keyboard.
enum Stroke {
    Key(Box<input::DispatchKeyEvent>),
    /// What no key of a US keyboard types.
    Text(String),
}

impl Page {
    pub(super) async fn type_keys(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: Option<&Locator>,
        text: &Private<String>,
        delay: Duration,
    ) -> Result<(), Error> {
        if text.expose().chars().nth(MAX_TYPED).is_some() {
            let reason = format!("more than {MAX_TYPED} characters; use fill");
            return Err(Error::InvalidArgument {
                argument: "text",
                reason,
            });
        }
        let strokes = text
            .expose()
            .replace("\r\n", "\n")
            .chars()
            .flat_map(strokes)
            .collect();
        let signs = u32::try_from(text.expose().len()).unwrap_or(u32::MAX);
        let takes = delay.saturating_mul(signs);
        if ctx.remaining() < takes {
            let reason = format!(
                "typing would take {} s, longer than the call has; give a longer timeout_ms",
                takes.as_secs()
            );
            return Err(Error::InvalidArgument {
                argument: "delay_ms",
                reason,
            });
        }
        self.focus_first(ctx, effects, target, true).await?;
        self.send_strokes(ctx, effects, strokes, delay).await
    }

    pub(super) async fn press(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: Option<&Locator>,
        keys: &str,
    ) -> Result<(), Error> {
        let chords = Chord::read_all(keys)?;
        self.focus_first(ctx, effects, target, false).await?;
        let strokes = chords.iter().flat_map(strokes_of_chord).collect();
        self.send_strokes(ctx, effects, strokes, Duration::ZERO)
            .await
    }

    /// Gives the target the focus; without one, makes sure the page is there to take the keys.
    async fn focus_first(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: Option<&Locator>,
        editable: bool,
    ) -> Result<(), Error> {
        let Some(target) = target else {
            return self.fresh(ctx).await;
        };
        let function = if editable { "typable" } else { "focusable" };
        let found: Found<bool> = self.ready(ctx, target, function, json!({})).await?;
        let caret = if editable { "end" } else { "keep" };
        effects.open().await?;
        let given = self
            .try_once::<_, ()>(ctx, target, "focus", json!({ "select": caret }))
            .await;
        match given.map_err(Error::after_effects)? {
            Ok(_) => Ok(()),
            Err(last) => {
                tracing::debug!(frame = found.frame, "the focus was refused");
                Err(Error::NotActionable { tries: 1, last })
            }
        }
    }

    /// Sends strokes one after another, with a pause after each key that is let go.
    async fn send_strokes(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        mut strokes: Vec<Stroke>,
        delay: Duration,
    ) -> Result<(), Error> {
        let Some(last) = strokes.pop() else {
            return Ok(());
        };
        for stroke in strokes {
            let ends = match stroke {
                Stroke::Key(event) => {
                    effects.send(&*event).await?;
                    event.r#type == input::DispatchKeyEventType::KeyUp
                }
                Stroke::Text(text) => {
                    effects.send(&input::InsertText { text }).await?;
                    true
                }
            };
            if ends && !delay.is_zero() {
                let paused = self.unless_held(async { Ok(ctx.pause(delay).await) });
                paused.await?.map_err(Error::OutcomeUnknown)?;
            }
        }
        match last {
            Stroke::Key(event) => effects.last(&*event).await?,
            Stroke::Text(text) => effects.last(&input::InsertText { text }).await?,
        };
        Ok(())
    }
}

fn strokes(sign: char) -> Vec<Stroke> {
    let Some(key) = Key::typing(sign) else {
        return vec![Stroke::Text(sign.to_string())];
    };
    let modifiers = key.own_modifiers();
    vec![
        Stroke::Key(Box::new(key.down(modifiers))),
        Stroke::Key(Box::new(key.up(modifiers))),
    ]
}

fn strokes_of_chord(chord: &Chord) -> Vec<Stroke> {
    let held = chord.held();
    let mut strokes = Vec::new();
    for (key, so_far) in &held {
        strokes.push(Stroke::Key(Box::new(key.down(*so_far))));
    }
    strokes.push(Stroke::Key(Box::new(chord.key.down(chord.modifiers))));
    strokes.push(Stroke::Key(Box::new(chord.key.up(chord.modifiers))));
    // Let go in the reverse order; the modifiers of a release are those still held.
    for (index, (key, _)) in held.iter().enumerate().rev() {
        let still = index.checked_sub(1).and_then(|before| held.get(before));
        let modifiers = still.map(|(_, modifiers)| *modifiers).unwrap_or_default();
        strokes.push(Stroke::Key(Box::new(key.up(modifiers))));
    }
    strokes
}

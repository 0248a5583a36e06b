//! Our isolated world: where the page is read and its elements are numbered.
//!
//! The page's scripts cannot reach it: patched prototypes stay outside. The DOM itself is
//! shared, so the script takes every accessor from a prototype of its own world, never from
//! a node that a form control may have renamed. The world, and the numbers in it, outlive
//! this process: the next daemon gets the same world by asking for its name again.

use std::time::Duration;

use base::Ctx;
use cdp::protocol::{page, runtime};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::effect::Effects;
use crate::target::Target;
use crate::{Error, Locator, Page};

/// The name of our world in every frame.
pub const WORLD: &str = "browserd";
/// The binding by which our script tells what it saw.
pub(crate) const TELL: &str = "__browserdTell";
/// The script, as it is installed in every document: an expression without effects on the page.
const SCRIPT: &str = concat!(
    "(()=>{'use strict';\n",
    include_str!("../js/dom.js"),
    include_str!("../js/refs.js"),
    include_str!("../js/frames.js"),
    include_str!("../js/role.js"),
    include_str!("../js/name.js"),
    include_str!("../js/snapshot.js"),
    include_str!("../js/text.js"),
    include_str!("../js/markdown.js"),
    include_str!("../js/marks.js"),
    include_str!("../js/locate.js"),
    include_str!("../js/pointer.js"),
    include_str!("../js/fields.js"),
    include_str!("../js/files.js"),
    include_str!("../js/editable.js"),
    include_str!("../js/forms.js"),
    include_str!("../js/scrolls.js"),
    include_str!("../js/history.js"),
    include_str!("../js/wait.js"),
    include_str!("../js/install.js"),
    "})();\n",
);
/// What a world without our script answers.
const MISSING: &str = "!";
/// How often a call is repeated because its document went away under it.
pub(crate) const MAX_TRIES: u32 = 20;

/// One call of a function of our script.
pub(crate) struct Ask<'a, A> {
    pub frame: &'a str,
    pub function: &'static str,
    pub arguments: A,
}

impl Page {
    /// Calls a function that reads the page, in the world of a frame.
    ///
    /// If the document goes away meanwhile, the next one is asked.
    pub(crate) async fn ask<A: Serialize, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        ask: &Ask<'_, A>,
    ) -> Result<T, Error> {
        let call = expression(ask)?;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ask_this_document(ctx, ask.frame, &call).await {
                Err(err) if is_context_lost(&err) && tries < MAX_TRIES => {
                    self.await_document(ctx).await?;
                }
                answer => return read(&answer?),
            }
        }
    }

    /// Calls a function like [`Page::ask`], but fails if the document goes away meanwhile.
    pub(crate) async fn ask_once<A: Serialize, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        ask: &Ask<'_, A>,
    ) -> Result<T, Error> {
        let call = expression(ask)?;
        read(&self.ask_this_document(ctx, ask.frame, &call).await?)
    }

    /// Gives the document that takes the place of one that went away a moment.
    pub(crate) async fn await_document(&self, ctx: &Ctx) -> Result<(), Error> {
        ctx.pause(Duration::from_millis(10))
            .await
            .map_err(Error::Stopped)
    }

    /// Returns the browser's name for the file field that a locator means.
    pub(crate) async fn file_field(
        &self,
        ctx: &Ctx,
        frame: &str,
        locator: &Locator,
    ) -> Result<Option<runtime::RemoteObjectId>, Error> {
        // Whoever looked for the element a moment ago has seen to it that the script is there.
        let world = self.world(ctx, frame).await?;
        let about = serde_json::to_string(&Target::of(locator));
        let about = about.map_err(|err| Error::Script {
            reason: err.to_string(),
        })?;
        let node = runtime::Evaluate {
            return_by_value: Some(false),
            ..evaluate(
                world,
                format!("__browserd.fileFieldNode({{target:{about}}})"),
            )
        };
        let session = self.session_of(frame);
        let answer = self.call_at(ctx, &session, &node).await?;
        Ok(answer.result.object_id)
    }

    async fn ask_this_document(&self, ctx: &Ctx, frame: &str, call: &str) -> Result<String, Error> {
        let answer = self.ask_world(ctx, frame, call).await;
        if let Err(err) = &answer
            && is_context_lost(err)
        {
            tracing::debug!(%err, "the document went away under a call");
            self.lose_world(frame);
        }
        answer
    }

    /// Calls a function that changes the page, as the last effect of a call.
    pub(crate) async fn ask_last<A: Serialize, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        ask: &Ask<'_, A>,
    ) -> Result<T, Error> {
        // Whether the script is there is found out before, so that the effect is sent once.
        let world = self.world(ctx, ask.frame).await?;
        let call = format!("{}{}", script(), expression(ask)?);
        let session = self.session_of(ask.frame);
        let answer = effects.last_at(&session, &evaluate(world, call)).await?;
        read(&text_of(answer)?)
    }

    /// Returns the session of the process that a frame is in.
    pub(crate) fn session_of(&self, frame: &str) -> cdp::Session {
        let apart = self.shared().apart.session_of(frame);
        apart.unwrap_or_else(|| self.session().clone())
    }

    async fn ask_world(&self, ctx: &Ctx, frame: &str, call: &str) -> Result<String, Error> {
        let world = self.world(ctx, frame).await?;
        let apart = self.shared().apart.session_of(frame);
        let session = apart.as_ref().unwrap_or_else(|| self.session());
        let asked = evaluate(world, call.to_owned());
        let answer = self.call_at(ctx, session, &asked).await?;
        if apart.is_none() {
            self.seen_alive();
        }
        match text_of(answer)? {
            missing if missing == MISSING => {
                let install = evaluate(world, format!("{}{call}", script()));
                text_of(self.call_at(ctx, session, &install).await?)
            }
            text => Ok(text),
        }
    }

    /// Returns the context of our world in a frame.
    pub(crate) async fn world(&self, ctx: &Ctx, frame: &str) -> Result<i64, Error> {
        // That of a frame in another process is asked for each time, and is the same each time:
        // its process may be replaced unheard, and the next one counts its contexts anew.
        if self.shared().apart.session_of(frame).is_some() {
            return self.make_world(ctx, frame).await;
        }
        let known = self
            .shared()
            .picture
            .borrow()
            .frames
            .get(frame)
            .and_then(|frame| frame.world);
        match known {
            Some(world) => Ok(world),
            None => self.make_world(ctx, frame).await,
        }
    }

    /// Makes our world in a frame, or gets the one that is there.
    pub(crate) async fn make_world(&self, ctx: &Ctx, frame: &str) -> Result<i64, Error> {
        let make = page::CreateIsolatedWorld {
            frame_id: frame.to_owned(),
            world_name: Some(WORLD.to_owned()),
            ..Default::default()
        };
        let session = self.session_of(frame);
        let made = self.call_at(ctx, &session, &make).await?;
        let world = made.execution_context_id;
        if session.id() != self.session().id() {
            return Ok(world);
        }
        self.shared().picture.send_if_modified(|picture| {
            if let Some(frame) = picture.frame(frame) {
                frame.world = Some(world);
            }
            false
        });
        Ok(world)
    }

    fn lose_world(&self, frame: &str) {
        self.shared().picture.send_if_modified(|picture| {
            if let Some(frame) = picture.frames.get_mut(frame) {
                frame.world = None;
            }
            false
        });
    }
}

fn expression<A: Serialize>(ask: &Ask<'_, A>) -> Result<String, Error> {
    let arguments = serde_json::to_string(&ask.arguments).map_err(|err| Error::Script {
        reason: err.to_string(),
    })?;
    // An element with our name as its id would show up as a property of the window, too,
    // but never as an own one.
    Ok(format!(
        "(()=>{{const w=Object.getOwnPropertyDescriptor(globalThis,'__browserd')?.value;\
         return w&&w.version===\"{}\"?w.call(\"{}\",{arguments}):\"{MISSING}\"}})()",
        VERSION, ask.function,
    ))
}

/// Makes our script in a world tell the title, and go on to do so when it changes.
pub(crate) fn follow_title(world: i64) -> Result<runtime::Evaluate, Error> {
    let ask = Ask {
        frame: "",
        function: "followTitle",
        arguments: (),
    };
    Ok(evaluate(world, expression(&ask)?))
}

/// Tells one script from another: a daemon that was upgraded meets worlds of its predecessor.
const VERSION: u64 = hash(SCRIPT.as_bytes());

/// Returns the script that installs our functions. What the world knows of elements stays.
pub(crate) fn script() -> String {
    format!("{SCRIPT}globalThis.__browserd.version=\"{VERSION}\";")
}

/// FNV-1a: enough to tell versions apart.
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}

fn evaluate(world: i64, expression: String) -> runtime::Evaluate {
    runtime::Evaluate {
        expression,
        context_id: Some(world),
        return_by_value: Some(true),
        await_promise: Some(true),
        silent: Some(true),
        ..Default::default()
    }
}

fn text_of(answer: runtime::EvaluateReturns) -> Result<String, Error> {
    if let Some(thrown) = answer.exception_details {
        let exception = thrown.exception.and_then(|exception| exception.description);
        return Err(Error::Script {
            reason: exception.unwrap_or(thrown.text),
        });
    }
    match answer.result.value {
        Some(serde_json::Value::String(text)) => Ok(text),
        _ => Err(Error::Script {
            reason: "it returned no text".to_owned(),
        }),
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let read = serde_json::from_str(text);
    let read = read.or_else(|_| serde_json::from_str(&cdp::well_formed(text)));
    read.map_err(|err| Error::Script {
        reason: err.to_string(),
    })
}

/// Tells whether the call met no document at all, and so ran in none.
pub(crate) fn is_unheard(err: &Error) -> bool {
    let Error::Cdp(cdp::Error::Protocol { message, .. }) = err else {
        return false;
    };
    message.contains("Cannot find context") || message.contains("No frame for given id")
}

/// Tells whether the document was replaced under a call.
pub(crate) fn is_context_lost(err: &Error) -> bool {
    let Error::Cdp(cdp::Error::Protocol { message, .. }) = err else {
        return false;
    };
    [
        "Cannot find context",
        "context was destroyed",
        "navigated or closed",
        "No frame for given id",
    ]
    .iter()
    .any(|lost| message.contains(lost))
}

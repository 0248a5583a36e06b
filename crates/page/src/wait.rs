//! Waits: for an element, a text, a URL, a load state, a script's condition, or a time.

use std::time::Duration;

use base::{Ctx, Private, Stopped};
use cdp::protocol::runtime;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::frames::{MOST_FRAMES, Patience};
use crate::picture::Picture;
use crate::target::Target;
use crate::world::{Ask, is_context_lost};
use crate::{Error, Locator, Page};

/// How long our script watches before it is asked anew: a page that goes away takes the
/// question with it.
const WATCH: Duration = Duration::from_secs(2);
/// How often a script's condition is tried.
const TRY_EVERY: Duration = Duration::from_millis(100);
/// How long no request may be in flight for the network to be idle.
const IDLE: Duration = Duration::from_millis(500);
/// For how long it is listened at least, however quiet it was before.
const LISTEN: Duration = Duration::from_millis(100);

/// What to wait for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wait {
    /// An element in a state.
    Element {
        /// The element. Of several that match one is enough.
        target: Locator,
        /// How it shall be.
        state: ElementState,
    },
    /// A text that the page shows.
    Text(String),
    /// A URL: a part of it, or a pattern in which `*` stands for anything.
    Url(String),
    /// A state of the main frame's document.
    Load(LoadState),
    /// A script whose value is truthy. If that is a function, it is called.
    Function(String),
    /// A time.
    Time(Duration),
}

/// How an element is to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ElementState {
    /// In the document and visible.
    Visible,
    /// Invisible, or not in the document.
    Hidden,
    /// In the document.
    Attached,
    /// Not in the document.
    Detached,
}

/// How far a document has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoadState {
    /// It is read.
    DomContentLoaded,
    /// Its images and styles are there as well.
    Load,
    /// And no request was in flight for half a second.
    NetworkIdle,
}

/// Where the page is after a wait.
#[derive(Clone, Debug)]
pub struct Waited {
    /// The URL.
    pub url: Private<String>,
    /// The title.
    pub title: Private<String>,
}

#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Watched {
    met: bool,
    last: String,
    invalid: Option<String>,
}

impl Page {
    /// Waits until the page is as wanted, or the call ends.
    ///
    /// # Errors
    /// [`Error::NotMet`] with how it stood at last when the deadline passes.
    ///
    /// # Cancel safety
    /// Yes: nothing is changed.
    pub async fn wait_for(&self, ctx: &Ctx, wait: &Wait) -> Result<Waited, Error> {
        match wait {
            Wait::Time(time) => ctx.pause(*time).await.map_err(Error::Stopped)?,
            Wait::Url(pattern) => self.wait_for_url(ctx, pattern).await?,
            Wait::Load(LoadState::NetworkIdle) => self.wait_for_idle(ctx).await?,
            Wait::Load(state) => self.wait_for_load(ctx, *state).await?,
            Wait::Function(script) => self.wait_for_function(ctx, script).await?,
            Wait::Element { target, state } => {
                let what = json!({ "target": Target::of(target), "state": state });
                self.wait_in_page(ctx, "the element", "target", what)
                    .await?;
            }
            Wait::Text(text) => {
                self.wait_in_page(ctx, "the text", "text", json!({ "text": text }))
                    .await?;
            }
        }
        let here = self.look(ctx).await?;
        Ok(Waited {
            url: here.url,
            title: here.title,
        })
    }

    async fn wait_in_page(
        &self,
        ctx: &Ctx,
        what: &'static str,
        argument: &'static str,
        mut condition: serde_json::Value,
    ) -> Result<(), Error> {
        let absent = matches!(condition["state"].as_str(), Some("hidden" | "detached"));
        let mut last = "the page did not answer".to_owned();
        loop {
            let roots = match self.watched_frames(ctx).await {
                Err(Error::Stopped(Stopped::Deadline)) => return Err(Error::NotMet { what, last }),
                roots => roots?,
            };
            // One frame is watched from within, several are asked one after another.
            let one = roots.len() < 2;
            let watch = WATCH.min(ctx.remaining());
            // The script's answer must be back before the deadline is.
            let millis = if one { watch.as_millis() * 7 / 10 } else { 0 };
            condition["millis"] = json!(millis);
            let mut met = Vec::new();
            let mut patience = Patience::of(ctx);
            for frame in &roots {
                let ask = Ask {
                    frame,
                    function: "watch",
                    arguments: &condition,
                };
                let patient = if one {
                    ctx.clone()
                } else {
                    patience.next(ctx)?
                };
                match self.ask::<_, Watched>(&patient, &ask).await {
                    Ok(Watched {
                        invalid: Some(reason),
                        ..
                    }) => return Err(Error::InvalidArgument { argument, reason }),
                    Ok(watched) => {
                        if !watched.met {
                            last = watched.last;
                        }
                        met.push(watched.met);
                    }
                    Err(Error::Stopped(Stopped::Deadline)) if one || ctx.remaining().is_zero() => {
                        return Err(Error::NotMet { what, last });
                    }
                    // A frame that has gone or doesn't answer shows nothing.
                    Err(Error::Stopped(Stopped::Deadline)) => patience.lost(),
                    Err(err) if !one && is_context_lost(&err) => {}
                    Err(err) => return Err(err),
                }
            }
            // What shall be away must be so everywhere, what shall be there anywhere.
            let done = if absent {
                met.iter().all(|met| *met)
            } else {
                met.contains(&true)
            };
            if done {
                return Ok(());
            }
            if !one && ctx.pause(TRY_EVERY).await == Err(Stopped::Deadline) {
                return Err(Error::NotMet { what, last });
            }
        }
    }

    /// Returns the frames whose worlds together reach every element.
    async fn watched_frames(&self, ctx: &Ctx) -> Result<Vec<String>, Error> {
        let mut all = vec![self.main_frame()];
        let mut at = 0;
        let patience = Patience::of(ctx);
        while self.may_have_foreign_frames() && all.len() < MOST_FRAMES {
            let Some(frame) = all.get(at).cloned() else {
                break;
            };
            at += 1;
            match self.frames_within(&patience.next(ctx)?, &frame).await {
                Ok(frames) => all.extend(frames),
                Err(err) if self.refuse_if_held().is_err() => return Err(err),
                Err(err) => tracing::debug!(%err, "the frames in a frame were not found"),
            }
        }
        Ok(all)
    }

    async fn wait_for_url(&self, ctx: &Ctx, pattern: &str) -> Result<(), Error> {
        let at = |picture: &Picture| {
            picture
                .main()
                .is_some_and(|main| matches_url(pattern, &main.url))
        };
        match self.until(ctx, at).await {
            Err(Error::Stopped(Stopped::Deadline)) => Err(Error::NotMet {
                what: "the URL",
                last: "the page is at another one".to_owned(),
            }),
            other => other,
        }
    }

    async fn wait_for_load(&self, ctx: &Ctx, state: LoadState) -> Result<(), Error> {
        let come = |picture: &Picture| {
            picture.main().is_some_and(|main| {
                let far = if state == LoadState::Load {
                    main.loaded
                } else {
                    main.dom_ready
                };
                far && !main.navigating
            })
        };
        match self.until(ctx, come).await {
            Err(Error::Stopped(Stopped::Deadline)) => {
                let last = "the document is still loading".to_owned();
                Err(Error::NotMet {
                    what: "the load state",
                    last,
                })
            }
            other => other,
        }
    }

    async fn wait_for_idle(&self, ctx: &Ctx) -> Result<(), Error> {
        self.wait_for_load(ctx, LoadState::Load).await?;
        // A request that a script has just made is heard of only now.
        self.look(ctx).await?;
        let watched = self.shared().clock.instant();
        loop {
            let busy = |stopped| match stopped {
                Error::Stopped(Stopped::Deadline) => Error::NotMet {
                    what: "an idle network",
                    last: "requests are in flight".to_owned(),
                },
                err => err,
            };
            self.until(ctx, |picture| picture.quiet_since().is_some())
                .await
                .map_err(busy)?;
            let now = self.shared().clock.instant();
            let quiet = self.shared().picture.borrow().quiet_since();
            let Some(quiet) = quiet.map(|since| now.saturating_duration_since(since)) else {
                continue;
            };
            let left = IDLE
                .saturating_sub(quiet)
                .max(LISTEN.saturating_sub(now.duration_since(watched)));
            if left.is_zero() {
                return Ok(());
            }
            // Wakes early if a request starts; the loop then looks again.
            let step = ctx.at_most(left);
            match self
                .until(&step, |picture| picture.quiet_since().is_none())
                .await
            {
                Ok(()) | Err(Error::Stopped(Stopped::Deadline)) => {}
                Err(err) => return Err(err),
            }
            if ctx.remaining().is_zero() {
                return Err(busy(Error::Stopped(Stopped::Deadline)));
            }
        }
    }

    async fn wait_for_function(&self, ctx: &Ctx, script: &str) -> Result<(), Error> {
        let mut last = "the page did not answer".to_owned();
        loop {
            match self.try_condition(ctx, script).await {
                Ok(Tried::Met) => return Ok(()),
                Ok(Tried::Not(why)) => last = why,
                Err(err) if is_context_lost(&err) => {}
                Err(Error::Stopped(Stopped::Deadline)) => {
                    return Err(Error::NotMet {
                        what: "the condition",
                        last,
                    });
                }
                Err(err) => return Err(err),
            }
            match ctx.pause(TRY_EVERY).await {
                Ok(()) => {}
                Err(Stopped::Deadline) => {
                    return Err(Error::NotMet {
                        what: "the condition",
                        last,
                    });
                }
                Err(stopped) => return Err(Error::Stopped(stopped)),
            }
        }
    }

    async fn try_condition(&self, ctx: &Ctx, script: &str) -> Result<Tried, Error> {
        let command = runtime::Evaluate {
            expression: format!(
                "(async()=>{{const v=await ({script}\n);\
                 return !!(typeof v==='function'?await v():v)}})()"
            ),
            await_promise: Some(true),
            return_by_value: Some(true),
            silent: Some(true),
            ..Default::default()
        };
        let answer = self.call(ctx, &command).await?;
        self.seen_alive();
        if let Some(thrown) = answer.exception_details {
            let exception = thrown.exception.unwrap_or_default();
            let text = exception.description.unwrap_or(thrown.text);
            // What can't be read now will not be later.
            if exception.class_name.as_deref() == Some("SyntaxError") && text.lines().count() <= 1 {
                return Err(Error::InvalidArgument {
                    argument: "function",
                    reason: text,
                });
            }
            let first = text.lines().next().unwrap_or_default();
            return Ok(Tried::Not(format!(
                "it threw {}",
                first.chars().take(200).collect::<String>()
            )));
        }
        let met = answer.result.value == Some(serde_json::Value::Bool(true));
        Ok(if met {
            Tried::Met
        } else {
            Tried::Not("it is not true".to_owned())
        })
    }
}

enum Tried {
    Met,
    Not(String),
}

/// Tells whether a URL contains `pattern` or, if that has a `*`, is matched by it as a whole.
fn matches_url(pattern: &str, url: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return url.contains(pattern);
    };
    let Some(mut left) = url.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some((_, after)) = left.split_once(part) else {
            return false;
        };
        left = after;
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_matched_by_a_part_or_a_pattern() {
        let url = "https://a.example/cart/42?x=1";
        for yes in [
            "/cart",
            "a.example",
            "https://*/cart/*",
            "*cart/42*",
            "**x=1",
            "https://a.example/*",
        ] {
            assert!(matches_url(yes, url), "{yes}");
        }
        for no in ["/basket", "http://*", "*/cart", "*y=1"] {
            assert!(!matches_url(no, url), "{no}");
        }
    }
}

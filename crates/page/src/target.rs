//! Finding an element and waiting until it is ready for what is wanted of it.

use std::collections::VecDeque;
use std::time::Duration;

use base::Ctx;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::frames::{MOST_FRAMES, Patience, Spot};
use crate::world::{Ask, MAX_TRIES, is_context_lost};
use crate::{Attempt, Error, Locator, Page};

/// The pauses between tries; the last one goes on.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(0),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// What our script says of an element.
#[derive(Deserialize, Debug)]
#[serde(tag = "is", rename_all = "camelCase")]
pub(crate) enum Verdict<T> {
    /// It is ready; what was asked of it.
    Ok {
        value: T,
    },
    /// The world does not know the number.
    Unknown,
    /// The element of that number is gone.
    Stale {
        reason: String,
    },
    NotFound,
    /// More than one element matches.
    Several,
    NotVisible,
    Moving,
    Disabled,
    ReadOnly,
    OutOfView,
    Covered {
        what: String,
    },
    NoOption {
        what: String,
    },
    /// It takes no such files, or not so many.
    NoFiles {
        what: String,
    },
    /// It was given the focus and does not have it.
    Unfocused,
    Detached,
    /// It can't be done with this element, or the locator can't be read.
    Invalid {
        argument: Argument,
        reason: String,
    },
}

#[derive(Deserialize, Debug, Clone, Copy)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Argument {
    Target,
    Text,
    Values,
}

/// A locator as our script reads it.
#[derive(Serialize, Debug)]
pub(crate) struct Target<'a> {
    #[serde(flatten)]
    way: Way<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<i32>,
}

#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
enum Way<'a> {
    Ref(u64),
    Css(&'a str),
    Xpath(&'a str),
    Text(&'a str),
    Role {
        role: &'a str,
        name: Option<&'a str>,
    },
    Label(&'a str),
    Placeholder(&'a str),
    TestId(&'a str),
}

/// What is asked about an element.
#[derive(Serialize, Debug)]
pub(crate) struct About<'a, A> {
    pub target: Target<'a>,
    #[serde(flatten)]
    pub with: A,
}

/// The answer about an element, and the frame whose world knows it.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub frame: String,
    pub value: T,
}

impl<'a> Target<'a> {
    pub fn of(locator: &'a Locator) -> Self {
        let way = match locator {
            Locator::Ref(number) => Way::Ref(*number),
            Locator::Css(css) => Way::Css(css),
            Locator::XPath(xpath) => Way::Xpath(xpath),
            Locator::Text(text) => Way::Text(text),
            Locator::Role { role, name } => Way::Role {
                role,
                name: name.as_deref(),
            },
            Locator::Label(label) => Way::Label(label),
            Locator::Placeholder(placeholder) => Way::Placeholder(placeholder),
            Locator::TestId(id) => Way::TestId(id),
            Locator::Nth(one_of, nth) => {
                let mut target = Self::of(one_of);
                target.nth = Some(*nth);
                return target;
            }
        };
        Self { way, nth: None }
    }
}

/// The tries of an action, and what the last one lacked.
#[derive(Default)]
struct Tries {
    n: u32,
    last: Option<Attempt>,
}

impl Tries {
    /// Takes what a try came to: what was wanted, or a pause before the next one.
    async fn next<T>(
        &mut self,
        ctx: &Ctx,
        tried: Result<Result<T, Attempt>, Error>,
    ) -> Result<Option<T>, Error> {
        match tried {
            Ok(Ok(found)) => return Ok(Some(found)),
            // No later look makes one of several.
            Ok(Err(last @ Attempt::Several(_))) => {
                let tries = self.n + 1;
                return Err(Error::NotActionable { tries, last });
            }
            Ok(Err(attempt)) => self.last = Some(attempt),
            Err(Error::Stopped(base::Stopped::Deadline)) if self.n > 0 => {
                return Err(self.given_up());
            }
            Err(err) => return Err(err),
        }
        let pause = PAUSES[(self.n as usize).min(PAUSES.len() - 1)];
        self.n += 1;
        if let Some(last) = &self.last {
            tracing::debug!(tries = self.n, %last, "not yet");
        }
        match ctx.pause(pause).await {
            Ok(()) => Ok(None),
            Err(base::Stopped::Deadline) => Err(self.given_up()),
            Err(stopped) => Err(Error::Stopped(stopped)),
        }
    }

    fn given_up(&mut self) -> Error {
        Error::NotActionable {
            tries: self.n,
            last: self.last.take().unwrap_or(Attempt::NotFound),
        }
    }
}

impl Page {
    /// Asks about an element until it is ready or the call ends.
    pub(crate) async fn ready<A: Serialize + Clone, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<Found<T>, Error> {
        let mut tries = Tries::default();
        loop {
            let tried = self.try_once(ctx, locator, function, with.clone()).await;
            if let Some(found) = tries.next(ctx, tried).await? {
                return Ok(found);
            }
        }
    }

    /// Asks for a point of an element until input there gets to it, also through the frames
    /// around it; the point is one of the page's viewport.
    pub(crate) async fn ready_at<A: Serialize + Clone>(
        &self,
        ctx: &Ctx,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<Found<Spot>, Error> {
        let mut tries = Tries::default();
        loop {
            let tried = self.try_at(ctx, locator, function, with.clone()).await;
            if let Some(found) = tries.next(ctx, tried).await? {
                return Ok(found);
            }
        }
    }

    async fn try_at<A: Serialize + Clone>(
        &self,
        ctx: &Ctx,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<Result<Found<Spot>, Attempt>, Error> {
        let tried = self.try_once::<_, Spot>(ctx, locator, function, with);
        let found = match tried.await? {
            Ok(found) => found,
            Err(attempt) => return Ok(Err(attempt)),
        };
        if found.frame == self.main_frame() {
            return Ok(Ok(found));
        }
        let spot = self.to_top(ctx, &found.frame, found.value).await?;
        Ok(spot.map(|value| Found { value, ..found }))
    }

    /// Asks about an element once, in whatever document is shown.
    pub(crate) async fn try_once<A: Serialize + Clone, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<Result<Found<T>, Attempt>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tried = self.try_in_document(ctx, locator, function, with.clone());
            match tried.await {
                Err(err) if is_context_lost(&err) && tries < MAX_TRIES => {
                    self.await_document(ctx).await?;
                }
                tried => return tried,
            }
        }
    }

    /// Asks about an element once, in one document: it fails if that goes away meanwhile.
    pub(crate) async fn try_in_document<A: Serialize + Clone, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<Result<Found<T>, Attempt>, Error> {
        let main = self.main_frame();
        let mut attempt = Attempt::NotFound;
        let mut patience = Patience::of(ctx);
        let mut rest = VecDeque::from([main.clone()]);
        for _ in 0..MOST_FRAMES {
            let Some(frame) = rest.pop_front() else { break };
            let arguments = About {
                target: Target::of(locator),
                with: with.clone(),
            };
            let ask = Ask {
                frame: &frame,
                function,
                arguments,
            };
            let is_main = frame == main;
            let answer = if is_main {
                self.ask_once(ctx, &ask).await?
            } else {
                // A frame that is gone or doesn't answer doesn't have the element.
                let Ok(ctx) = patience.next(ctx) else { break };
                match self.ask_once(&ctx, &ask).await {
                    Ok(answer) => answer,
                    Err(err) if self.refuse_if_held().is_err() => return Err(err),
                    Err(err) => {
                        tracing::debug!(%err, "a frame was not asked");
                        if matches!(err, Error::Stopped(_)) {
                            patience.lost();
                        }
                        continue;
                    }
                }
            };
            match answer {
                Verdict::Ok { value } => return Ok(Ok(Found { frame, value })),
                Verdict::Unknown | Verdict::NotFound => {}
                Verdict::Several => {
                    let told = self.tell_several(ctx, &frame, locator).await?;
                    return Ok(Err(Attempt::Several(told)));
                }
                verdict => match judge(locator, verdict)? {
                    Attempt::NotFound => {}
                    // Another frame may have a better match of a selector.
                    other => attempt = other,
                },
            }
            if matches!(locator, Locator::Ref(_)) && attempt != Attempt::NotFound {
                break;
            }
            if self.may_have_foreign_frames() {
                let Ok(ctx) = patience.next(ctx) else { break };
                match self.frames_within(&ctx, &frame).await {
                    Ok(frames) => rest.extend(frames),
                    Err(err) if is_main && is_context_lost(&err) => return Err(err),
                    Err(err) if self.refuse_if_held().is_err() => return Err(err),
                    Err(err) => tracing::debug!(%err, "the frames in a frame were not found"),
                }
            }
        }
        match (locator, attempt) {
            (Locator::Ref(number), Attempt::NotFound) => Err(Error::RefStale {
                number: *number,
                reason: "the page has loaded another document since, or it was never given out"
                    .to_owned(),
            }),
            (_, attempt) => Ok(Err(attempt)),
        }
    }

    /// Asks for an effect on an element, as the last one of the call.
    pub(crate) async fn affect<A: Serialize, T: DeserializeOwned>(
        &self,
        ctx: &Ctx,
        effects: &mut crate::effect::Effects<'_>,
        frame: &str,
        locator: &Locator,
        function: &'static str,
        with: A,
    ) -> Result<T, Error> {
        let arguments = About {
            target: Target::of(locator),
            with,
        };
        let ask = Ask {
            frame,
            function,
            arguments,
        };
        match self.ask_last(ctx, effects, &ask).await? {
            Verdict::Ok { value } => Ok(value),
            verdict => {
                let last = judge(locator, verdict)?;
                Err(Error::NotActionable { tries: 1, last })
            }
        }
    }
}

pub(crate) fn judge<T>(locator: &Locator, verdict: Verdict<T>) -> Result<Attempt, Error> {
    Ok(match verdict {
        Verdict::Stale { reason } => {
            let number = if let Locator::Ref(number) = locator {
                *number
            } else {
                0
            };
            return Err(Error::RefStale { number, reason });
        }
        Verdict::Invalid { argument, reason } => {
            let argument = match argument {
                Argument::Target => "target",
                Argument::Text => "text",
                Argument::Values => "values",
            };
            return Err(Error::InvalidArgument { argument, reason });
        }
        verdict => verdict.attempt(),
    })
}

impl<T> Verdict<T> {
    /// Returns what the element lacks.
    pub fn attempt(self) -> Attempt {
        match self {
            Self::NotVisible => Attempt::NotVisible,
            Self::Moving => Attempt::Moving,
            Self::Disabled => Attempt::Disabled,
            Self::ReadOnly => Attempt::ReadOnly,
            Self::OutOfView => Attempt::OutOfView,
            Self::Covered { what } => Attempt::CoveredBy(what),
            Self::NoOption { what } => Attempt::NoOption(what),
            Self::NoFiles { what } => Attempt::NoFiles(what),
            Self::Several => Attempt::Several("several elements match".to_owned()),
            Self::Unfocused => Attempt::FocusTaken,
            Self::Detached => Attempt::Detached,
            Self::Ok { .. }
            | Self::Unknown
            | Self::NotFound
            | Self::Stale { .. }
            | Self::Invalid { .. } => Attempt::NotFound,
        }
    }
}

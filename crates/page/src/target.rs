//! Finding an element and waiting until it is ready for what is wanted of it.

use std::time::Duration;

use base::Ctx;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

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
#[serde(rename_all = "camelCase")]
pub(crate) enum Target<'a> {
    Ref(u64),
    Css(&'a str),
    Xpath(&'a str),
    Text(&'a str),
    Role {
        role: &'a str,
        name: Option<&'a str>,
    },
    Label(&'a str),
}

/// What is asked about an element.
#[derive(Serialize, Debug)]
struct About<'a, A> {
    target: Target<'a>,
    #[serde(flatten)]
    with: A,
}

/// The answer about an element, and the frame whose world knows it.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub frame: String,
    pub value: T,
}

impl<'a> Target<'a> {
    pub fn of(locator: &'a Locator) -> Self {
        match locator {
            Locator::Ref(number) => Self::Ref(*number),
            Locator::Css(css) => Self::Css(css),
            Locator::XPath(xpath) => Self::Xpath(xpath),
            Locator::Text(text) => Self::Text(text),
            Locator::Role { role, name } => Self::Role {
                role,
                name: name.as_deref(),
            },
            Locator::Label(label) => Self::Label(label),
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
        let mut last = Attempt::NotFound;
        let mut tries = 0_u32;
        loop {
            let tried = self.try_once(ctx, locator, function, with.clone()).await;
            match tried {
                Ok(Ok(found)) => return Ok(found),
                Ok(Err(attempt)) => last = attempt,
                Err(Error::Stopped(base::Stopped::Deadline)) if tries > 0 => {
                    return Err(Error::NotActionable { tries, last });
                }
                Err(err) => return Err(err),
            }
            let pause = PAUSES[(tries as usize).min(PAUSES.len() - 1)];
            tries += 1;
            tracing::debug!(tries, %last, "not yet");
            match ctx.pause(pause).await {
                Ok(()) => {}
                Err(base::Stopped::Deadline) => return Err(Error::NotActionable { tries, last }),
                Err(stopped) => return Err(Error::Stopped(stopped)),
            }
        }
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
        let mut attempt = Attempt::NotFound;
        for frame in self.roots(ctx).await? {
            let arguments = About {
                target: Target::of(locator),
                with: with.clone(),
            };
            let ask = Ask {
                frame: &frame,
                function,
                arguments,
            };
            match self.ask_once(ctx, &ask).await? {
                Verdict::Ok { value } => return Ok(Ok(Found { frame, value })),
                Verdict::Unknown | Verdict::NotFound => {}
                verdict => match judge(locator, verdict)? {
                    Attempt::NotFound => {}
                    // Another frame may have a better match of a selector.
                    other => attempt = other,
                },
            }
            if matches!(locator, Locator::Ref(_)) && attempt != Attempt::NotFound {
                break;
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

    /// Returns the frames whose worlds together reach every element: the main frame, which
    /// reaches those of its origin, and each frame that no other reaches.
    pub(crate) async fn roots(&self, _ctx: &Ctx) -> Result<Vec<String>, Error> {
        Ok(vec![self.main_frame()])
    }
}

fn judge<T>(locator: &Locator, verdict: Verdict<T>) -> Result<Attempt, Error> {
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
        Verdict::NotVisible => Attempt::NotVisible,
        Verdict::Moving => Attempt::Moving,
        Verdict::Disabled => Attempt::Disabled,
        Verdict::ReadOnly => Attempt::ReadOnly,
        Verdict::OutOfView => Attempt::OutOfView,
        Verdict::Covered { what } => Attempt::CoveredBy(what),
        Verdict::NoOption { what } => Attempt::NoOption(what),
        Verdict::Unfocused => Attempt::FocusTaken,
        Verdict::Detached => Attempt::Detached,
        Verdict::Ok { .. } | Verdict::Unknown | Verdict::NotFound => Attempt::NotFound,
    })
}

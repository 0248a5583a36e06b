//! Walking a page: its main frame, and each frame that no other looks into, in its own process.

use base::Ctx;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::kept::Wanted;
use super::lines::Line;
use super::numbers::{MAX_NEW, Numbers};
use super::{BEHIND, MAX_BYTES};
use crate::frames::{MOST_FRAMES, Patience};
use crate::world::{Ask, MAX_TRIES, is_context_lost, is_unheard};
use crate::{Error, Locator, Page};

/// How deep frames in frames are walked.
const MOST_DEPTH: usize = 16;

/// A page as it was walked.
pub(super) struct Walked {
    pub lines: Vec<Line>,
    pub url: String,
    pub title: String,
    pub truncated: bool,
}

#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
struct Walk {
    next: u64,
    limit: u64,
    interactive_only: bool,
    hidden: bool,
    urls: bool,
    max_depth: Option<u32>,
    max_bytes: usize,
    /// The level its lines begin at.
    depth: u32,
    /// The same walk as before, now that more is known.
    again: bool,
}

/// What the walk of one frame told.
#[derive(Deserialize, Debug)]
struct Part {
    text: String,
    next: u64,
    url: String,
    title: String,
    truncated: bool,
    /// Frames that it could not look into: line, level inside, handle.
    frames: Vec<(usize, u32, u64)>,
    /// The lines of elements that were not shown before.
    fresh: Vec<usize>,
    /// How many elements may hide a shadow tree.
    hosts: usize,
    modal: bool,
}

/// A walk through frames.
struct Trip<'a> {
    numbers: &'a mut Numbers,
    wanted: &'a Wanted,
    patience: Patience,
    /// How many frames may still be walked.
    frames: usize,
    bytes: usize,
    truncated: bool,
    modal: bool,
}

impl Page {
    /// Walks the page as it is wanted.
    pub(super) async fn walk(
        &self,
        ctx: &Ctx,
        wanted: &Wanted,
        numbers: &mut Numbers,
    ) -> Result<Walked, Error> {
        let mut trip = Trip {
            numbers,
            wanted,
            patience: Patience::of(ctx),
            frames: MOST_FRAMES,
            bytes: MAX_BYTES,
            truncated: false,
            modal: false,
        };
        let (frame, part) = match &wanted.scope {
            None => {
                let frame = self.main_frame();
                let part = self.part(ctx, &mut trip, &frame, 0).await?;
                (frame, part)
            }
            Some(scope) => self.part_of(ctx, &mut trip, scope).await?,
        };
        let (url, title) = (part.url.clone(), part.title.clone());
        let mut lines = Vec::new();
        self.stitch(ctx, &mut trip, &frame, part, 0, &mut lines)
            .await?;
        if trip.modal {
            lines.insert(0, Line::plain(BEHIND.to_owned()));
        }
        Ok(Walked {
            lines,
            url,
            title,
            truncated: trip.truncated,
        })
    }

    /// Walks the document of a frame. If it goes away meanwhile the next one is walked, with other
    /// numbers: the first may come back from the back/forward cache with those it was given.
    async fn part(
        &self,
        ctx: &Ctx,
        trip: &mut Trip<'_>,
        frame: &str,
        depth: u32,
    ) -> Result<Part, Error> {
        let mut tries = 0;
        let mut again = false;
        loop {
            tries += 1;
            let ask = Ask {
                frame,
                function: "snapshot",
                arguments: trip.asks(depth, again),
            };
            match self.ask_once::<_, Part>(ctx, &ask).await {
                Err(err) if is_context_lost(&err) => {
                    trip.unheard(&err);
                    if tries == MAX_TRIES {
                        return Err(err);
                    }
                    self.await_document(ctx).await?;
                }
                Err(err) => {
                    trip.unheard(&err);
                    return Err(err);
                }
                Ok(part) => {
                    trip.numbers.heard(part.next);
                    if !again && part.hosts > 0 && self.learn_closed(ctx, frame).await {
                        again = true;
                        continue;
                    }
                    return Ok(part);
                }
            }
        }
    }

    /// Walks a part of the page.
    async fn part_of(
        &self,
        ctx: &Ctx,
        trip: &mut Trip<'_>,
        scope: &Locator,
    ) -> Result<(String, Part), Error> {
        let mut tries = 0;
        let mut again = false;
        loop {
            tries += 1;
            let with = trip.asks(0, again);
            let found = self
                .try_in_document::<_, Part>(ctx, scope, "snapshotOf", with)
                .await;
            match found {
                Err(err) if is_context_lost(&err) && tries < MAX_TRIES => {
                    trip.unheard(&err);
                    self.await_document(ctx).await?;
                }
                Err(err) => {
                    trip.unheard(&err);
                    return Err(err);
                }
                Ok(Err(last)) => {
                    trip.numbers.take_back();
                    return Err(Error::NotActionable { tries: 1, last });
                }
                Ok(Ok(found)) => {
                    trip.numbers.heard(found.value.next);
                    let hosts = found.value.hosts > 0;
                    if !again && hosts && self.learn_closed(ctx, &found.frame).await {
                        again = true;
                        continue;
                    }
                    return Ok((found.frame, found.value));
                }
            }
        }
    }

    /// Adds the lines of a part, and under each frame that it could not look into those of that.
    fn stitch<'a>(
        &'a self,
        ctx: &'a Ctx,
        trip: &'a mut Trip<'_>,
        frame: &'a str,
        part: Part,
        level: usize,
        into: &'a mut Vec<Line>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        async move {
            trip.truncated |= part.truncated;
            trip.modal |= part.modal;
            trip.bytes = trip.bytes.saturating_sub(part.text.len() + 1);
            let mut fresh = part.fresh.into_iter().peekable();
            let mut frames = part.frames.into_iter().peekable();
            let texts = part.text.split('\n').filter(|text| !text.is_empty());
            for (at, text) in texts.enumerate() {
                let line = Line {
                    text: text.to_owned(),
                    fresh: fresh.next_if_eq(&at).is_some(),
                };
                let Some((_, depth, handle)) = frames.next_if(|(line, _, _)| *line == at) else {
                    into.push(line);
                    continue;
                };
                let beyond = trip.wanted.max_depth.is_some_and(|most| most <= depth);
                if trip.frames == 0 || level == MOST_DEPTH || trip.bytes == 0 || beyond {
                    trip.truncated = true;
                    into.push(line.with_state("not read"));
                    continue;
                }
                trip.frames -= 1;
                match self.part_within(ctx, trip, frame, handle, depth).await {
                    Ok((inner, part)) => {
                        into.push(line);
                        self.stitch(ctx, trip, &inner, part, level + 1, into)
                            .await?;
                    }
                    // What the page itself can't go on from, this can't.
                    Err(err @ (Error::Gone | Error::Crashed | Error::DialogOpen(_)))
                        if self.refuse_if_held().is_err() =>
                    {
                        return Err(err);
                    }
                    Err(err) => {
                        tracing::debug!(%err, "a frame was not read");
                        trip.truncated = true;
                        into.push(line.with_state("not read"));
                    }
                }
            }
            Ok(())
        }
        .boxed()
    }

    async fn part_within(
        &self,
        ctx: &Ctx,
        trip: &mut Trip<'_>,
        frame: &str,
        handle: u64,
        depth: u32,
    ) -> Result<(String, Part), Error> {
        let ctx = trip.patience.next(ctx)?;
        let out = async {
            let inner = self.frame_in(&ctx, frame, handle).await?;
            let part = self.part(&ctx, trip, &inner, depth).await?;
            Ok((inner, part))
        }
        .await;
        if matches!(out, Err(Error::Stopped(_))) {
            trip.patience.lost();
        }
        out
    }
}

impl Trip<'_> {
    fn asks(&mut self, depth: u32, again: bool) -> Walk {
        let wanted = self.wanted;
        Walk {
            next: self.numbers.hand_out(),
            limit: MAX_NEW,
            interactive_only: wanted.interactive_only,
            hidden: wanted.hidden,
            urls: wanted.urls,
            max_depth: wanted.max_depth.map(|most| most.saturating_sub(depth)),
            max_bytes: self.bytes,
            depth,
            again,
        }
    }

    fn unheard(&mut self, err: &Error) {
        if is_unheard(err) {
            self.numbers.take_back();
        }
    }
}

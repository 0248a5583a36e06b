//! Frames that our world in the frame around them can't look into: those of other origins, in
//! this process or in another.
//!
//! The world knows the element such a frame is in, by a handle, and the browser the id of the
//! frame in an element. Refs and points lead through here to the process they belong to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base::{Ctx, Stopped};
use cdp::protocol::{dom, runtime};
use serde::Deserialize;
use serde_json::json;

use crate::target::Verdict;
use crate::world::Ask;
use crate::{Attempt, Error, Page};

/// How many frames of a page are asked.
pub(crate) const MOST_FRAMES: usize = 64;
/// How long one frame of another origin may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// How many elements are looked into for closed shadow trees at once.
const MOST_HOSTS: usize = 64;

/// Where frames are: each with the frame around it and the handle of its element there.
#[derive(Debug, Default)]
pub(crate) struct Owners(Mutex<BTreeMap<String, Owner>>);

#[derive(Clone, Debug)]
struct Owner {
    frame: String,
    handle: u64,
}

/// How long frames may keep a call waiting, all of them together.
pub(crate) struct Patience {
    each: Duration,
    misses: u32,
}

impl Patience {
    pub fn of(ctx: &Ctx) -> Self {
        Self {
            each: PATIENCE.min(ctx.remaining() / 8),
            misses: 0,
        }
    }

    /// Returns the time for one more frame.
    pub fn next(&self, ctx: &Ctx) -> Result<Ctx, Error> {
        // A page whose frames don't answer is read without them.
        if self.misses == 3 {
            return Err(Error::Stopped(Stopped::Deadline));
        }
        Ok(ctx.at_most(self.each))
    }

    /// Notes that a frame did not answer.
    pub fn lost(&mut self) {
        self.misses += 1;
    }
}

impl Owners {
    fn of(&self, frame: &str) -> Option<Owner> {
        let owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        owners.get(frame).cloned()
    }

    fn note(&self, frame: &str, owner: Owner) {
        let mut owners = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // They are found again when they are needed.
        if owners.len() >= 16 * MOST_FRAMES {
            owners.clear();
        }
        owners.insert(frame.to_owned(), owner);
    }
}

/// A point or the corner of an area.
#[derive(Deserialize, Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub x: f64,
    pub y: f64,
}

/// An area in CSS pixels.
#[derive(Deserialize, Debug, Clone, Copy)]
pub(crate) struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Page {
    /// Tells whether there may be frames that the main frame's world does not look into.
    pub(crate) fn may_have_foreign_frames(&self) -> bool {
        1 < self.shared().picture.borrow().frames.len()
            || !self.shared().apart.processes().is_empty()
    }

    /// Returns the frames right inside of what a frame's world reaches, that it can't look into.
    pub(crate) async fn frames_within(&self, ctx: &Ctx, frame: &str) -> Result<Vec<String>, Error> {
        let ask = Ask {
            frame,
            function: "foreignFrames",
            arguments: json!({}),
        };
        let found: Vec<(u64, Option<String>)> = self.ask_once(ctx, &ask).await?;
        let mut frames = Vec::new();
        for (handle, id) in found.into_iter().take(MOST_FRAMES) {
            let id = match id {
                Some(id) => {
                    self.place(frame, handle, &id);
                    Ok(id)
                }
                None => self.frame_in(ctx, frame, handle).await,
            };
            match id {
                Ok(id) => frames.push(id),
                Err(Error::Stopped(stopped)) => return Err(Error::Stopped(stopped)),
                Err(err) => tracing::debug!(%err, "a frame was not found"),
            }
        }
        Ok(frames)
    }

    /// Returns the frames that a snapshot walks, the main one first.
    pub(crate) async fn walked_frames(&self, ctx: &Ctx) -> Result<Vec<String>, Error> {
        let mut frames = vec![self.main_frame()];
        let mut at = 0;
        while at < frames.len() && frames.len() < MOST_FRAMES && self.may_have_foreign_frames() {
            match self.frames_within(ctx, &frames[at].clone()).await {
                Ok(inner) => frames.extend(inner),
                Err(err) if self.refuse_if_held().is_err() => return Err(err),
                Err(err) => tracing::debug!(%err, "the frames in a frame were not found"),
            }
            at += 1;
        }
        Ok(frames)
    }

    /// Returns the id of the frame in an element of another one's world.
    pub(crate) async fn frame_in(
        &self,
        ctx: &Ctx,
        frame: &str,
        handle: u64,
    ) -> Result<String, Error> {
        let call = format!("frameElement({handle})");
        let element = self.reference(ctx, frame, &call).await?;
        let session = self.session_of(frame);
        let describe = dom::DescribeNode {
            object_id: Some(element.clone()),
            ..Default::default()
        };
        let described = self.call_at(ctx, &session, &describe).await;
        release(&session, element);
        let id = described?.node.frame_id.ok_or_else(|| Error::Script {
            reason: "there is no frame in the element".to_owned(),
        })?;
        self.place(frame, handle, &id);
        let note = Ask {
            frame,
            function: "noteFrame",
            arguments: json!({ "handle": handle, "id": id }),
        };
        self.ask_once::<_, bool>(ctx, &note).await?;
        Ok(id)
    }

    /// Notes where a frame is. One that no process was made for is in that of the frame around it.
    fn place(&self, around: &str, handle: u64, frame: &str) {
        let shared = self.shared();
        let owner = Owner {
            frame: around.to_owned(),
            handle,
        };
        shared.owners.note(frame, owner);
        if shared.apart.session_of(frame).is_none()
            && let Some(session) = shared.apart.session_of(around)
            && let Some(session) = session.id()
        {
            shared.apart.place(frame, session);
        }
    }

    /// Returns a reference to what an expression of our object in a frame's world gives.
    async fn reference(&self, ctx: &Ctx, frame: &str, call: &str) -> Result<String, Error> {
        let world = self.world(ctx, frame).await?;
        let get = "Object.getOwnPropertyDescriptor(globalThis,'__browserd').value";
        let evaluate = runtime::Evaluate {
            expression: format!("{get}.{call}"),
            context_id: Some(world),
            silent: Some(true),
            ..Default::default()
        };
        let session = self.session_of(frame);
        let answer = self.call_at(ctx, &session, &evaluate).await?;
        answer.result.object_id.ok_or_else(|| Error::Script {
            reason: "there is no such element".to_owned(),
        })
    }

    /// Leads a point of a frame to the page's viewport, if input there would get to the frame.
    pub(crate) async fn to_top(
        &self,
        ctx: &Ctx,
        frame: &str,
        spot: Spot,
    ) -> Result<Result<Spot, Attempt>, Error> {
        let (mut frame, mut spot) = (frame.to_owned(), spot);
        for _ in 0..MOST_FRAMES {
            if frame == self.main_frame() {
                return Ok(Ok(spot));
            }
            let owner = self.owner(ctx, &frame).await?;
            let through = Ask {
                frame: &owner.frame,
                function: "throughFrame",
                arguments: json!({ "handle": owner.handle, "x": spot.x, "y": spot.y, "scroll": true }),
            };
            spot = match self.ask_once::<_, Verdict<Spot>>(ctx, &through).await? {
                Verdict::Ok { value } => value,
                verdict => return Ok(Err(verdict.attempt())),
            };
            frame = owner.frame;
        }
        Ok(Err(Attempt::NotFound))
    }

    /// Leads an area of a frame's viewport to the page, as it is scrolled.
    pub(crate) async fn area_to_top(
        &self,
        ctx: &Ctx,
        frame: &str,
        area: Area,
    ) -> Result<Area, Error> {
        let (mut frame, mut area) = (frame.to_owned(), area);
        for _ in 0..MOST_FRAMES {
            let main = self.main_frame();
            if frame == main {
                return Ok(area);
            }
            let owner = self.owner(ctx, &frame).await?;
            let through = Ask {
                frame: &owner.frame,
                function: "areaThroughFrame",
                arguments: json!({
                    "handle": owner.handle, "x": area.x, "y": area.y,
                    "width": area.width, "height": area.height, "isTop": owner.frame == main,
                }),
            };
            area = match self.ask_once::<_, Verdict<Area>>(ctx, &through).await? {
                Verdict::Ok { value } => value,
                verdict => {
                    let last = verdict.attempt();
                    return Err(Error::NotActionable { tries: 1, last });
                }
            };
            frame = owner.frame;
        }
        Err(Error::NotActionable {
            tries: 1,
            last: Attempt::NotFound,
        })
    }

    async fn owner(&self, ctx: &Ctx, frame: &str) -> Result<Owner, Error> {
        if let Some(owner) = self.shared().owners.of(frame) {
            return Ok(owner);
        }
        // Nobody has looked for frames since this daemon took the page up.
        let mut rest = VecDeque::from([self.main_frame()]);
        for _ in 0..MOST_FRAMES {
            let Some(around) = rest.pop_front() else {
                break;
            };
            rest.extend(self.frames_within(ctx, &around).await?);
            if let Some(owner) = self.shared().owners.of(frame) {
                return Ok(owner);
            }
        }
        Err(Error::NotActionable {
            tries: 1,
            last: Attempt::Detached,
        })
    }

    /// Tells a frame's world of the closed shadow trees of the elements it asks about; returns
    /// whether there was any.
    pub(crate) async fn learn_closed(&self, ctx: &Ctx, frame: &str) -> bool {
        match self.learn_closed_of(ctx, frame).await {
            Ok(found) => found,
            Err(err) => {
                tracing::debug!(%err, "closed shadow trees were not looked for");
                false
            }
        }
    }

    async fn learn_closed_of(&self, ctx: &Ctx, frame: &str) -> Result<bool, Error> {
        let session = self.session_of(frame);
        let waiting = self.reference(ctx, frame, "takeWaiting()").await?;
        let list = runtime::GetProperties {
            object_id: waiting.clone(),
            own_properties: Some(true),
            ..Default::default()
        };
        let list = self.call_at(ctx, &session, &list).await;
        release(&session, waiting);
        let world = self.world(ctx, frame).await?;
        let mut pairs = Vec::new();
        let hosts = list?
            .result
            .into_iter()
            .filter(|of| of.name.parse::<u32>().is_ok());
        for host in hosts.take(MOST_HOSTS) {
            let Some(host) = host.value.and_then(|value| value.object_id) else {
                continue;
            };
            let describe = dom::DescribeNode {
                object_id: Some(host.clone()),
                ..Default::default()
            };
            let node = self.call_at(ctx, &session, &describe).await?.node;
            let roots = node.shadow_roots.unwrap_or_default().into_iter();
            let mut closed =
                roots.filter(|root| root.shadow_root_type == Some(dom::ShadowRootType::Closed));
            let Some(root) = closed.next() else {
                release(&session, host);
                continue;
            };
            let resolve = dom::ResolveNode {
                backend_node_id: Some(root.backend_node_id),
                execution_context_id: Some(world),
                ..Default::default()
            };
            let resolved = self.call_at(ctx, &session, &resolve).await?;
            let Some(root) = resolved.object.object_id else {
                continue;
            };
            pairs.extend([host, root]);
        }
        if pairs.is_empty() {
            return Ok(false);
        }
        let call = runtime::CallFunctionOn {
            function_declaration: "function(...pairs){return Object.getOwnPropertyDescriptor(\
                globalThis,'__browserd').value.noteClosed(pairs)}"
                .to_owned(),
            execution_context_id: Some(world),
            arguments: Some(pairs.iter().map(|id| argument(id)).collect()),
            return_by_value: Some(true),
            ..Default::default()
        };
        let told = self.call_at(ctx, &session, &call).await;
        for id in pairs {
            release(&session, id);
        }
        told?;
        Ok(true)
    }
}

fn argument(id: &str) -> runtime::CallArgument {
    runtime::CallArgument {
        object_id: Some(id.to_owned()),
        ..Default::default()
    }
}

fn release(session: &cdp::Session, object_id: String) {
    // It goes with its document at the latest.
    if let Err(err) = session.post(&runtime::ReleaseObject { object_id }) {
        tracing::debug!(%err, "a reference was not released");
    }
}

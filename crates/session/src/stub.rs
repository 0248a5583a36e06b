//! Stubs: empty documents of an origin, made without touching the network.
//!
//! Web storage is reached only from a document of its origin. `Fetch` answers the document's
//! request itself, so the site sees nothing, whether or not it is up. Service workers would
//! answer before `Fetch` is asked (Chromium 156), so they are passed by meanwhile.
//!
//! Storage of a frame of another site is reached from such a frame only, so a stub can have a
//! stub in it. Its request is asked for in the session of the document it is in, while the
//! frame itself is in a process of its own and has its own session.

use std::time::Duration;

use base::Ctx;
use cdp::protocol::{fetch, network, page as wire, runtime, target};
use cdp::{Events, Next, Session};

use crate::Error;
use crate::checkpoint::place::Place;

const DOCUMENT: &str = "PCFkb2N0eXBlIGh0bWw+PHRpdGxlPjwvdGl0bGU+"; // <!doctype html><title></title>
/// How often a script is run again because the stub's document wasn't there yet.
const TRIES: u32 = 20;
/// How long the frames of one stub may take to be there.
const FRAMES_LIMIT: Duration = Duration::from_secs(5);

/// A page whose documents are stubs until [`Stub::end`].
pub(crate) struct Stub<'a> {
    session: &'a Session,
    ctx: &'a Ctx,
}

impl<'a> Stub<'a> {
    /// Has every request of the page answered here from now on.
    ///
    /// # Cancel safety
    /// The page may be left with interception on: close it, or begin and end again.
    pub(crate) async fn begin(session: &'a Session, ctx: &'a Ctx) -> Result<Self, Error> {
        let everything = fetch::RequestPattern {
            url_pattern: Some("*".to_owned()),
            ..Default::default()
        };
        let enable = fetch::Enable {
            patterns: Some(vec![everything]),
            ..Default::default()
        };
        let bypass = network::SetBypassServiceWorker { bypass: true };
        tokio::try_join!(session.call(ctx, &enable), session.call(ctx, &bypass))?;
        Ok(Self { session, ctx })
    }

    /// Takes a session whose page shows a stub already.
    pub(crate) const fn shown(session: &'a Session, ctx: &'a Ctx) -> Self {
        Self { session, ctx }
    }

    /// Shows a stub at `url` and runs `script` in it, which returns JSON text.
    ///
    /// # Cancel safety
    /// As [`Stub::begin`].
    pub(crate) async fn run(&self, url: &str, script: &str) -> Result<String, Error> {
        self.answering(async {
            self.navigate(url).await?;
            self.run_there(url, script).await
        })
        .await
    }

    /// Shows stubs as `place` says, each at `path`, and runs `script` in the innermost one.
    /// Returns the session of that one, too.
    ///
    /// # Cancel safety
    /// As [`Stub::begin`].
    pub(crate) async fn run_in(
        &self,
        place: &Place,
        path: &str,
        script: &str,
    ) -> Result<(Session, String), Error> {
        let mut shown = format!("{}{path}", place.page);
        let mut session = self.session.clone();
        if place.frames.is_empty() {
            return Ok((session, self.run(&shown, script).await?));
        }
        let ctx = self.ctx.at_most(FRAMES_LIMIT);
        for (depth, frame) in place.frames.iter().enumerate() {
            let stub = match depth {
                0 => Stub {
                    session: self.session,
                    ctx: &ctx,
                },
                _ => Stub::begin(&session, &ctx).await?,
            };
            stub.session.call(&ctx, &announce_frames()).await?;
            let events = stub.session.events();
            let url = format!("{frame}{path}");
            let work = async {
                if depth == 0 {
                    stub.navigate(&shown).await?;
                }
                stub.run_there(&shown, &put_frame(&url)).await
            };
            stub.answering(work).await?;
            let id = ctx
                .race(announced(events))
                .await
                .map_err(Error::not_sent)??;
            session = self.session.connection().attach(&id);
            shown = url;
        }
        let inner = Stub {
            session: &session,
            ctx: self.ctx,
        };
        let text = inner.run_there(&shown, script).await?;
        Ok((session, text))
    }

    async fn navigate(&self, url: &str) -> Result<(), Error> {
        let navigate = wire::Navigate {
            url: url.to_owned(),
            ..Default::default()
        };
        let shown = self.session.call(self.ctx, &navigate).await?;
        match shown.error_text {
            Some(reason) => Err(page::Error::NavigationFailed { reason }.into()),
            None => Ok(()),
        }
    }

    /// Answers the requests that are paused while `work` waits for them.
    async fn answering<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let mut events = self.session.events();
        let answers = async {
            loop {
                match events.next().await {
                    Next::Event(event) => {
                        if let Some(Ok(paused)) = event.decode::<fetch::RequestPausedEvent>() {
                            self.answer(paused)?;
                        }
                    }
                    // A lost `requestPaused` can't be answered; the deadline ends the wait.
                    Next::Lagged(_) => {}
                    Next::Ended(cause) => return Err(Error::from(cdp::Error::from(cause))),
                }
            }
        };
        tokio::select! {
            out = work => out,
            err = answers => err,
        }
    }

    /// Runs a script in the stub at `url` that is shown.
    ///
    /// # Cancel safety
    /// The script may have run.
    pub(crate) async fn run_there(&self, url: &str, script: &str) -> Result<String, Error> {
        let place = url::Url::parse(url)
            .map(|url| url.origin().ascii_serialization() + url.path())
            .unwrap_or_default();
        let place = serde_json::to_string(&place).unwrap_or_default();
        let expression = format!(
            "location.origin + location.pathname === {place} ? (() => {{ {script} }})() : 'elsewhere'"
        );
        let evaluate = runtime::Evaluate {
            expression,
            return_by_value: Some(true),
            await_promise: Some(true),
            ..Default::default()
        };
        for _ in 0..TRIES {
            // The document may be replaced just now ("Execution context was destroyed").
            let out = match self.session.call(self.ctx, &evaluate).await {
                Ok(out) => out,
                Err(cdp::Error::Protocol { .. }) => continue,
                Err(err) => return Err(err.into()),
            };
            if let Some(exception) = out.exception_details {
                let said = exception.exception.and_then(|thrown| thrown.description);
                return Err(Error::Checkpoint {
                    reason: said.unwrap_or(exception.text),
                });
            }
            match out.result.value {
                Some(serde_json::Value::String(text)) if text != "elsewhere" => return Ok(text),
                _ => {}
            }
        }
        Err(Error::Checkpoint {
            reason: "the stub's document did not come".to_owned(),
        })
    }

    fn answer(&self, paused: fetch::RequestPausedEvent) -> Result<(), Error> {
        let is_document = paused.resource_type == network::ResourceType::Document;
        let fulfill = fetch::FulfillRequest {
            request_id: paused.request_id,
            // No document with another status than 200 stays in the back/forward cache, so
            // nobody who goes back is shown a stub.
            response_code: if is_document { 203 } else { 204 },
            response_headers: Some(vec![
                fetch::HeaderEntry {
                    name: "content-type".to_owned(),
                    value: "text/html; charset=utf-8".to_owned(),
                },
                fetch::HeaderEntry {
                    name: "cache-control".to_owned(),
                    value: "no-store".to_owned(),
                },
            ]),
            body: is_document.then(|| DOCUMENT.to_owned()),
            ..Default::default()
        };
        Ok(self.session.post(&fulfill)?)
    }

    /// Lets the page's requests go to the network again.
    ///
    /// # Cancel safety
    /// As [`Stub::begin`].
    pub(crate) async fn end(self) -> Result<(), Error> {
        let off = network::SetBypassServiceWorker { bypass: false };
        let disable = fetch::Disable {};
        tokio::try_join!(
            self.session.call(self.ctx, &disable),
            self.session.call(self.ctx, &off)
        )?;
        Ok(())
    }
}

/// Has a session announce the frames that are in other processes.
fn announce_frames() -> target::SetAutoAttach {
    let entry = |kind: Option<&str>, exclude| target::FilterEntry {
        r#type: kind.map(str::to_owned),
        exclude: Some(exclude),
    };
    target::SetAutoAttach {
        auto_attach: true,
        wait_for_debugger_on_start: false,
        flatten: Some(true),
        filter: Some(vec![entry(Some("iframe"), false), entry(None, true)]),
    }
}

/// Waits for the session of a frame.
async fn announced(mut events: Events) -> Result<String, Error> {
    loop {
        match events.next().await {
            Next::Event(event) => {
                if let Some(Ok(attached)) = event.decode::<target::AttachedToTargetEvent>()
                    && attached.target_info.r#type == "iframe"
                {
                    return Ok(attached.session_id);
                }
            }
            Next::Lagged(_) => {}
            Next::Ended(cause) => return Err(cdp::Error::from(cause).into()),
        }
    }
}

/// Returns a script that puts a frame into a document and waits until it is loaded.
fn put_frame(url: &str) -> String {
    let url = serde_json::to_string(url).unwrap_or_default();
    format!(
        "return new Promise(done => {{ \
           const put = () => {{ \
             const frame = document.createElement('iframe'); \
             frame.onload = () => done('there'); \
             frame.src = {url}; \
             document.documentElement.append(frame); \
           }}; \
           if (document.readyState === 'loading') addEventListener('DOMContentLoaded', put); \
           else put(); \
         }});"
    )
}

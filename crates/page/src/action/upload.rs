//! Upload: files into a field, or into the chooser that a click opens.

use std::path::PathBuf;
use std::time::Duration;

use base::{Ctx, Stopped};
use cdp::protocol::dom::SetFileInputFiles;
use cdp::protocol::page as wire;
use cdp::{Events, Next};
use serde::Deserialize;
use serde_json::json;

use crate::action::mouse::Needs;
use crate::effect::Effects;
use crate::target::Found;
use crate::{Attempt, Error, Locator, Page};

/// How long a click may take to open its chooser.
const CHOOSER: Duration = Duration::from_secs(5);

/// How files get to where they are wanted.
#[derive(Deserialize, PartialEq, Eq, Debug, Clone, Copy)]
#[serde(rename_all = "camelCase")]
enum Way {
    /// The element is a field for them, or has one.
    Field,
    /// A click on it opens a chooser.
    Opens,
}

/// Leaves choosers to the browser again, however the call ends.
struct Intercepting(cdp::Session);

impl Drop for Intercepting {
    fn drop(&mut self) {
        let leave = wire::SetInterceptFileChooserDialog::default();
        if let Err(err) = self.0.post(&leave) {
            tracing::debug!(%err, "file choosers could not be left to the browser again");
        }
    }
}

impl Page {
    pub(super) async fn upload(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        files: &[PathBuf],
    ) -> Result<(), Error> {
        let names = names(files)?;
        let with = json!({ "count": names.len() });
        let found: Found<Way> = self.ready(ctx, target, "fileField", with).await?;
        if found.value == Way::Opens {
            return self.choose(ctx, effects, target, names).await;
        }
        // To be given none changes nothing in Chromium.
        if names.is_empty() {
            return self
                .affect(ctx, effects, &found.frame, target, "clearFiles", json!({}))
                .await;
        }
        let Some(object) = self.file_field(ctx, &found.frame, target).await? else {
            let last = Attempt::Detached;
            return Err(Error::NotActionable { tries: 1, last });
        };
        let set = SetFileInputFiles {
            files: names,
            object_id: Some(object),
            ..Default::default()
        };
        let session = self.session_of(&found.frame);
        effects.last_at(&session, &set).await?;
        Ok(())
    }

    /// Clicks what opens a chooser, and answers that.
    async fn choose(
        &self,
        ctx: &Ctx,
        effects: &mut Effects<'_>,
        target: &Locator,
        files: Vec<String>,
    ) -> Result<(), Error> {
        let point = self.point(ctx, target, Needs::ENABLED).await?;
        // A frame in a process of its own tells of its choosers itself.
        let session = self.session_of(&point.frame);
        let mut events = session.events();
        effects.open().await?;
        let _intercepting = Intercepting(session.clone());
        let intercept = wire::SetInterceptFileChooserDialog {
            enabled: true,
            cancel: None,
        };
        let intercepted = self.call_at(ctx, &session, &intercept).await;
        intercepted.map_err(Error::after_effects)?;
        self.click_first(effects, point.value).await?;
        let opened = self.chooser(ctx, &mut events).await?;
        let many = opened.mode == wire::FileChooserOpenedEventMode::SelectMultiple;
        if files.len() > 1 && !many {
            let what = "it was clicked, and the chooser takes one file only".to_owned();
            let last = Attempt::NoFiles(what);
            return Err(Error::NotActionable { tries: 1, last });
        }
        let set = SetFileInputFiles {
            files,
            backend_node_id: opened.backend_node_id,
            ..Default::default()
        };
        effects.last_at(&session, &set).await?;
        Ok(())
    }

    /// Waits for the chooser that a click opens.
    async fn chooser(
        &self,
        ctx: &Ctx,
        events: &mut Events,
    ) -> Result<wire::FileChooserOpenedEvent, Error> {
        let patience = ctx.at_most(CHOOSER);
        let opened = async {
            loop {
                match events.next().await {
                    Next::Event(event) => {
                        if let Some(Ok(event)) = event.decode::<wire::FileChooserOpenedEvent>() {
                            return Some(event);
                        }
                    }
                    Next::Lagged(_) => {}
                    Next::Ended(_) => return None,
                }
            }
        };
        let opened = self
            .unless_held(async { Ok(patience.race(opened).await) })
            .await?;
        match opened {
            Ok(Some(opened)) if opened.backend_node_id.is_some() => Ok(opened),
            Ok(Some(_)) => Err(no_chooser(
                "the chooser it opened is no field's: browserd can't answer it",
            )),
            Ok(None) => Err(Error::Gone),
            Err(Stopped::Deadline) if !ctx.remaining().is_zero() => {
                Err(no_chooser("it was clicked and opened no file chooser"))
            }
            Err(stopped) => Err(Error::OutcomeUnknown(stopped)),
        }
    }
}

fn no_chooser(what: &str) -> Error {
    let last = Attempt::NoFiles(what.to_owned());
    Error::NotActionable { tries: 1, last }
}

fn names(files: &[PathBuf]) -> Result<Vec<String>, Error> {
    let name = |path: &PathBuf| {
        let name = path.to_str().filter(|_| path.is_absolute());
        name.map(str::to_owned)
            .ok_or_else(|| Error::InvalidArgument {
                argument: "files",
                reason: "a path is not whole, or not UTF-8".to_owned(),
            })
    };
    files.iter().map(name).collect()
}

//! What a bare Chromium needs to start, on the machine as busy as it is at that moment: the
//! floor under every recovery.

use std::time::{Duration, Instant};

use base::{Ctx, Tasks};
use cdp::protocol::runtime::Evaluate;
use cdp::protocol::target::{AttachToTarget, CreateTarget};

use crate::raw::RawChromium;

/// How long a start may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Starts one and returns how long it took until a page of it answered.
pub(super) fn start() -> Result<Duration, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|err| err.to_string())?;
    runtime.block_on(async {
        let tasks = Tasks::new();
        let begun = Instant::now();
        let took = answered(&tasks).await.map(|chromium| {
            let took = begun.elapsed();
            drop(chromium);
            took
        });
        tasks.stop().await;
        took.map_err(|err| err.to_string())
    })
}

async fn answered(tasks: &Tasks) -> Result<RawChromium, Box<dyn std::error::Error>> {
    let ctx = Ctx::within(LIMIT);
    let mut chromium = RawChromium::start()?;
    let connection = chromium.connect(tasks)?;
    let create = CreateTarget {
        url: "about:blank".to_owned(),
        ..CreateTarget::default()
    };
    let created = connection.root().call(&ctx, &create).await?;
    let attach = AttachToTarget {
        target_id: created.target_id,
        flatten: Some(true),
    };
    let attached = connection.root().call(&ctx, &attach).await?;
    let evaluate = Evaluate {
        expression: "1".to_owned(),
        ..Evaluate::default()
    };
    connection
        .attach(&attached.session_id)
        .call(&ctx, &evaluate)
        .await?;
    Ok(chromium)
}

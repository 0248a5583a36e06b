//! `browserd demo`: the main job on a demo application, with faults.
//!
//! ```text
//! app      the application, in this process: it counts logins and requests
//! mcp      the one door the job uses: JSON lines to a `browserd mcp` child
//! outside  what somebody else might do to the machine: SIGKILL
//! place    a home made for this run; nothing of it is left behind
//! job      the steps, each one checked; report: the table of them
//! ```

pub mod app;
mod job;
mod mcp;
mod outside;
mod place;
mod report;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use base::{TaskKind, Tasks};

use crate::environment::{self, Environment};
use crate::failure::Failure;
use crate::output::{self, Form};

use job::Job;
use mcp::Mcp;
use place::Place;
use report::Report;

/// Serves the demo application until it is interrupted.
pub fn serve(address: SocketAddr) -> Result<(), Failure> {
    let failed = |err: std::io::Error| {
        Failure::io(
            format_args!("The demo application can't listen on {address}"),
            &err,
        )
    };
    crate::command::runtime()?.block_on(async {
        let app = app::App::bind(address).await.map_err(failed)?;
        let address = app.address().map_err(failed)?;
        output::line(&format!("http://{address}/login"))?;
        output::note(&format!(
            "Log in as {} with {}. Ctrl-C ends it.",
            app::USER,
            app::PASSWORD
        ));
        app.serve(interrupted()).await.map_err(failed)
    })
}

/// Runs the demo; fails if a step does.
pub fn main(environment: &Environment, form: Form) -> Result<(), Failure> {
    crate::command::runtime()?.block_on(async {
        let place = Place::make(environment)?;
        let mut report = Report::new(form);
        let ran = tokio::select! {
            ran = run(&place, &mut report) => ran,
            () = interrupted() => Err(Failure::Told),
        };
        report
            .step(
                "clean up",
                "the daemon and the browsers have ended, and their home is gone",
                place.clear(),
            )
            .await
            .unwrap_or(());
        ran?;
        report.print()?;
        if report.is_good() {
            Ok(())
        } else {
            Err(Failure::Told)
        }
    })
}

async fn run(place: &Place, report: &mut Report) -> Result<(), Failure> {
    let failed = |err: std::io::Error| Failure::io("The demo can't begin", &err);
    let app = app::App::bind((Ipv4Addr::LOCALHOST, 0).into())
        .await
        .map_err(failed)?;
    let address = app.address().map_err(failed)?;
    let ledger = app.ledger();
    let tasks = Tasks::new();
    let stop = tasks.shutdown().clone().cancelled_owned();
    tasks.spawn(TaskKind::Background, async move {
        if let Err(err) = app.serve(stop).await {
            tracing::error!(%err, "the demo application ended");
        }
    });
    let program = environment::program().map_err(failed)?;
    let mcp = Mcp::start(&program, place.home()).map_err(failed)?;
    let mut job = Job::new(
        mcp,
        place.home(),
        format!("http://{address}"),
        Arc::clone(&ledger),
    );
    // Where a step fails, those after it have nothing to stand on; the report says which.
    job.run(report).await.unwrap_or(());
    job.end().await;
    tasks.stop().await;
    Ok(())
}

async fn interrupted() {
    // If it can't be listened for, the signal ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

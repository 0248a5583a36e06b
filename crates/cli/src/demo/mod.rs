//! `browserd demo`: the main job, on a demo application, with faults.

pub mod app;

use std::net::SocketAddr;

use crate::failure::{Failure, code_of};
use crate::output;

/// Serves the demo application until it is interrupted.
pub fn serve(address: SocketAddr) -> Result<(), Failure> {
    let failed = |err: std::io::Error| {
        Failure::new(
            code_of(&err),
            format!("The demo application can't listen on {address}: {err}."),
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(failed)?.block_on(async {
        let app = app::App::bind(address).await.map_err(failed)?;
        let address = app.address().map_err(failed)?;
        output::line(&format!("http://{address}/login"))?;
        output::note(&format!(
            "Log in as {} with {}. Ctrl-C ends it.",
            app::USER,
            app::PASSWORD
        ));
        let interrupted = async { drop(tokio::signal::ctrl_c().await) };
        app.serve(interrupted).await.map_err(failed)
    })
}

/// Runs the demo.
pub fn main(
    _environment: &crate::environment::Environment,
    _form: output::Form,
) -> Result<(), Failure> {
    Err(Failure::new(
        base::Code::NotAvailable,
        "The demo is still to come.",
    ))
}

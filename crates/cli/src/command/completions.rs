//! `completions` and `man`: made from the command line's own description.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::operation;
use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::output;

/// `completions`.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut whole(), "browserd", &mut script);
    output::bytes(&script)
}

/// `man`.
pub fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(whole()).render(&mut page);
    rendered.map_err(|err| Failure::io("The manual page can't be made", &err))?;
    output::bytes(&page)
}

/// The command line with every operation in it.
fn whole() -> clap::Command {
    Arguments::command().subcommands(operation::commands())
}

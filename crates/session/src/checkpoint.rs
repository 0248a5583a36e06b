//! Checkpoints: what a session's state is made of, how it is captured and brought back.

pub(crate) mod capture;
pub(crate) mod carry;
pub(crate) mod export;
pub mod manifest;
pub(crate) mod part;
pub(crate) mod place;
pub(crate) mod restore;
pub mod shadow;
pub(crate) mod storage_state;

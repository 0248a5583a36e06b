//! The parts of a checkpoint, one file each: how they are captured, restored and verified.

pub(crate) mod cookies;
pub(crate) mod form;
pub(crate) mod history;
pub(crate) mod indexed_db;
pub(crate) mod scrolls;
pub(crate) mod settings;
pub(crate) mod storage;
pub(crate) mod zoom;

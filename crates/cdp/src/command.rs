//! What the generated types promise.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A command's parameters.
pub trait Command: Serialize + Send + Sync {
    /// The command's name, such as `Page.navigate`.
    const METHOD: &'static str;
    /// What the browser answers with.
    type Returns: DeserializeOwned + Send;
}

/// An event's parameters.
pub trait Event: DeserializeOwned {
    /// The event's name, such as `Page.frameNavigated`.
    const METHOD: &'static str;
}

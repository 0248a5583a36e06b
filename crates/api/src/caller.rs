//! Who calls, and by which door.

/// The door a call came in by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Door {
    /// HTTP over the unix socket of the home: the local user, checked by the kernel.
    Socket,
    /// HTTP over TCP with a token.
    Http,
    /// MCP.
    Mcp,
    /// A caller in the daemon's own process.
    Inside,
}

/// Who calls. The doors make one after they have checked that it is true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The door the call came in by.
    pub door: Door,
    /// A name for the log: the token's, or the peer's.
    pub name: String,
}

impl Door {
    /// Returns the door as it is written to the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::Http => "http",
            Self::Mcp => "mcp",
            Self::Inside => "inside",
        }
    }
}

impl Caller {
    /// Returns the local user, who may do everything.
    #[must_use]
    pub fn local(door: Door) -> Self {
        Self {
            door,
            name: "local".to_owned(),
        }
    }
}

//! An operation's own place under `/v1`.

/// An HTTP method.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Method {
    /// Arguments in the query.
    Get,
    /// Arguments in a JSON body.
    Post,
    /// Arguments in a JSON body, if any.
    Delete,
}

/// A method and a path. `{name}` in the path is the argument of that name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path.
    pub path: &'static str,
}

impl Method {
    /// Returns the method as it stands in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

impl Route {
    /// Returns the route of a read.
    #[must_use]
    pub const fn get(path: &'static str) -> Self {
        Self {
            method: Method::Get,
            path,
        }
    }

    /// Returns the route of a call with a body.
    #[must_use]
    pub const fn post(path: &'static str) -> Self {
        Self {
            method: Method::Post,
            path,
        }
    }

    /// Returns the route of an end.
    #[must_use]
    pub const fn delete(path: &'static str) -> Self {
        Self {
            method: Method::Delete,
            path,
        }
    }

    /// Returns the names of the arguments in the path.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.path
            .split('/')
            .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
    }
}

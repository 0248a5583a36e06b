//! The operation list, wire types and error codes every front door is made from.

//! One page: snapshot with refs, actions, waits, input, dialogs.

//! The Chrome DevTools Protocol: transports, one connection, flat sessions, lenient generated types.

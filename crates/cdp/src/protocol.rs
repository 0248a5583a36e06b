//! The protocol's types: one generated module per domain, and what they share.
//!
//! They are lenient: a field that is unknown is skipped, one that is missing takes its default, and
//! an enum's unknown value is kept as text. A new Chromium must never cost a message.

mod domains;

pub use domains::*;

/// What a command without results returns.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Empty {}

/// Gives an enum of strings its default, its text and its two ways through serde.
macro_rules! string_enum {
    ($name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $name {
            /// Returns the value as the protocol has it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unrecognized(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Unrecognized(other.to_owned()),
                }
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Unrecognized(String::new())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
                Ok(Self::from(text.as_ref()))
            }
        }
    };
}

use string_enum;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Command, Event};

    #[test]
    fn names_on_the_wire_are_the_protocols() {
        assert_eq!(page::Navigate::METHOD, "Page.navigate");
        assert_eq!(page::FrameNavigatedEvent::METHOD, "Page.frameNavigated");
        let pressed = input::DispatchKeyEvent {
            r#type: input::DispatchKeyEventType::KeyDown,
            ..Default::default()
        };
        assert_eq!(
            serde_json::to_value(pressed).unwrap(),
            json!({ "type": "keyDown" })
        );
        let node = json!({ "backendDOMNodeId": 7, "ignored": true });
        let node: accessibility::AXNode = serde_json::from_value(node).unwrap();
        assert_eq!(node.backend_dom_node_id, Some(7));
    }

    #[test]
    fn a_command_sends_what_was_set_and_nothing_else() {
        let navigate = page::Navigate {
            url: "https://a.test/".to_owned(),
            ..Default::default()
        };
        let sent = serde_json::to_value(navigate).unwrap();
        assert_eq!(sent, json!({ "url": "https://a.test/" }));
        assert_eq!(
            serde_json::to_value(page::Enable::default()).unwrap(),
            json!({})
        );
    }

    #[test]
    fn a_type_that_holds_itself_reads_back() {
        let trace = json!({ "callFrames": [], "parent": { "callFrames": [], "parent": {} } });
        let trace: runtime::StackTrace = serde_json::from_value(trace).unwrap();
        assert!(trace.parent.unwrap().parent.is_some());
    }

    #[test]
    fn an_unknown_value_is_kept_and_sent_back_as_it_was() {
        let kind: network::ResourceType = serde_json::from_value(json!("Telepathy")).unwrap();
        assert_eq!(
            kind,
            network::ResourceType::Unrecognized("Telepathy".to_owned())
        );
        assert_eq!(serde_json::to_value(kind).unwrap(), json!("Telepathy"));
    }
}

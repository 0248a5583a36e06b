//! Keys: their names, a US keyboard, and chords such as `Control+Shift+A`.

use cdp::protocol::input;

use crate::{Error, Modifiers};

/// A key of the keyboard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Key {
    /// What `KeyboardEvent.key` says without modifiers.
    key: String,
    /// Where it is: `KeyboardEvent.code`.
    code: String,
    /// Its Windows number, which `keyCode` shows.
    number: i64,
    /// What it types, if anything.
    text: Option<String>,
    /// Whether shift has to be held for it.
    shifted: bool,
    /// Which of two keys of the same name it is.
    location: i64,
}

/// Keys pressed together: the last is the one that counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Chord {
    pub modifiers: Modifiers,
    pub key: Key,
}

/// Names of keys that type nothing, or another thing than their name: name, code, number, text.
const NAMED: &[(&str, &str, i64, &str)] = &[
    ("Enter", "Enter", 13, "\r"),
    ("Tab", "Tab", 9, ""),
    ("Escape", "Escape", 27, ""),
    ("Backspace", "Backspace", 8, ""),
    ("Delete", "Delete", 46, ""),
    ("Insert", "Insert", 45, ""),
    ("ArrowLeft", "ArrowLeft", 37, ""),
    ("ArrowUp", "ArrowUp", 38, ""),
    ("ArrowRight", "ArrowRight", 39, ""),
    ("ArrowDown", "ArrowDown", 40, ""),
    ("Home", "Home", 36, ""),
    ("End", "End", 35, ""),
    ("PageUp", "PageUp", 33, ""),
    ("PageDown", "PageDown", 34, ""),
    (" ", "Space", 32, " "),
    ("CapsLock", "CapsLock", 20, ""),
    ("NumLock", "NumLock", 144, ""),
    ("ScrollLock", "ScrollLock", 145, ""),
    ("Pause", "Pause", 19, ""),
    ("PrintScreen", "PrintScreen", 44, ""),
    ("ContextMenu", "ContextMenu", 93, ""),
    ("F1", "F1", 112, ""),
    ("F2", "F2", 113, ""),
    ("F3", "F3", 114, ""),
    ("F4", "F4", 115, ""),
    ("F5", "F5", 116, ""),
    ("F6", "F6", 117, ""),
    ("F7", "F7", 118, ""),
    ("F8", "F8", 119, ""),
    ("F9", "F9", 120, ""),
    ("F10", "F10", 121, ""),
    ("F11", "F11", 122, ""),
    ("F12", "F12", 123, ""),
    ("Shift", "ShiftLeft", 16, ""),
    ("Control", "ControlLeft", 17, ""),
    ("Alt", "AltLeft", 18, ""),
    ("Meta", "MetaLeft", 91, ""),
];

/// Other names people write.
const ALIASES: &[(&str, &str)] = &[
    ("Space", " "),
    ("Spacebar", " "),
    ("Return", "Enter"),
    ("Esc", "Escape"),
    ("Del", "Delete"),
    ("Left", "ArrowLeft"),
    ("Up", "ArrowUp"),
    ("Right", "ArrowRight"),
    ("Down", "ArrowDown"),
    ("Ctrl", "Control"),
    ("ControlOrMeta", "Control"),
    ("Cmd", "Meta"),
    ("Command", "Meta"),
    ("Option", "Alt"),
    ("Plus", "+"),
];

/// The keys with a sign: without and with shift, code, number.
const SIGNS: &[(char, char, &str, i64)] = &[
    ('`', '~', "Backquote", 192),
    ('1', '!', "Digit1", 49),
    ('2', '@', "Digit2", 50),
    ('3', '#', "Digit3", 51),
    ('4', '$', "Digit4", 52),
    ('5', '%', "Digit5", 53),
    ('6', '^', "Digit6", 54),
    ('7', '&', "Digit7", 55),
    ('8', '*', "Digit8", 56),
    ('9', '(', "Digit9", 57),
    ('0', ')', "Digit0", 48),
    ('-', '_', "Minus", 189),
    ('=', '+', "Equal", 187),
    ('[', '{', "BracketLeft", 219),
    (']', '}', "BracketRight", 221),
    ('\\', '|', "Backslash", 220),
    (';', ':', "Semicolon", 186),
    ('\'', '"', "Quote", 222),
    (',', '<', "Comma", 188),
    ('.', '>', "Period", 190),
    ('/', '?', "Slash", 191),
];

impl Key {
    /// Returns the key that types `sign` on a US keyboard.
    pub fn typing(sign: char) -> Option<Self> {
        if sign == '\n' || sign == '\r' {
            return Self::named("Enter");
        }
        if sign == '\t' {
            return Self::named("Tab");
        }
        if sign == ' ' {
            return Self::named(" ");
        }
        if sign.is_ascii_alphabetic() {
            let upper = sign.to_ascii_uppercase();
            let shifted = sign.is_ascii_uppercase();
            return Some(Self::signed(
                sign,
                &format!("Key{upper}"),
                i64::from(u32::from(upper)),
                shifted,
            ));
        }
        SIGNS.iter().find_map(|&(plain, shifted, code, number)| {
            (sign == plain || sign == shifted)
                .then(|| Self::signed(sign, code, number, sign == shifted))
        })
    }

    fn signed(sign: char, code: &str, number: i64, shifted: bool) -> Self {
        Self {
            key: sign.to_string(),
            code: code.to_owned(),
            number,
            text: Some(sign.to_string()),
            shifted,
            location: 0,
        }
    }

    /// Returns the key of a name, whatever its case, or the one that types a sign.
    pub fn named(name: &str) -> Option<Self> {
        let mut signs = name.chars();
        if let (Some(sign), None) = (signs.next(), signs.next())
            && sign != ' '
        {
            return Self::typing(sign);
        }
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let name = ALIASES
            .iter()
            .find(|(alias, _)| same(alias))
            .map_or(name, |(_, name)| *name);
        if name.len() == 1 && name != " " {
            return name.chars().next().and_then(Self::typing);
        }
        let same = |other: &str| other.eq_ignore_ascii_case(name);
        let (key, code, number, text) = NAMED.iter().find(|(key, ..)| same(key))?;
        let location = i64::from(code.ends_with("Left") && !key.ends_with("Left"));
        Some(Self {
            key: (*key).to_owned(),
            code: (*code).to_owned(),
            number: *number,
            text: (!text.is_empty()).then(|| (*text).to_owned()),
            shifted: false,
            location,
        })
    }

    /// Returns the message that presses it while `modifiers` are held.
    pub fn down(&self, modifiers: Modifiers) -> input::DispatchKeyEvent {
        // A key under Control or Alt is a command and types nothing.
        let types = !(modifiers.control || modifiers.alt || modifiers.meta);
        let text = self.text.clone().filter(|_| types).map(|text| {
            if modifiers.shift {
                text.to_uppercase()
            } else {
                text
            }
        });
        let kind = if text.is_some() {
            input::DispatchKeyEventType::KeyDown
        } else {
            input::DispatchKeyEventType::RawKeyDown
        };
        input::DispatchKeyEvent {
            unmodified_text: text.clone(),
            text,
            ..self.event(kind, modifiers)
        }
    }

    /// Returns the message that lets it go.
    pub fn up(&self, modifiers: Modifiers) -> input::DispatchKeyEvent {
        self.event(input::DispatchKeyEventType::KeyUp, modifiers)
    }

    /// Returns the modifiers that are held when this key is typed alone.
    pub fn own_modifiers(&self) -> Modifiers {
        Modifiers {
            shift: self.shifted,
            ..Modifiers::default()
        }
    }

    fn event(
        &self,
        r#type: input::DispatchKeyEventType,
        modifiers: Modifiers,
    ) -> input::DispatchKeyEvent {
        input::DispatchKeyEvent {
            r#type,
            modifiers: Some(modifiers.bits()),
            key: Some(self.key.clone()),
            code: Some(self.code.clone()),
            windows_virtual_key_code: Some(self.number),
            native_virtual_key_code: Some(self.number),
            location: Some(self.location),
            ..Default::default()
        }
    }
}

impl Chord {
    /// Reads chords that are separated by spaces.
    pub fn read_all(text: &str) -> Result<Vec<Self>, Error> {
        if text == " " {
            return Self::read("Space").map(|chord| vec![chord]);
        }
        let chords = text
            .split_ascii_whitespace()
            .map(Self::read)
            .collect::<Result<Vec<_>, _>>()?;
        if chords.is_empty() {
            return Err(invalid("no key is named"));
        }
        Ok(chords)
    }

    fn read(text: &str) -> Result<Self, Error> {
        // `Control++` is Control with the plus sign.
        let (held, name) = match text.strip_suffix("++") {
            Some(held) => (held, "+"),
            None if text == "+" => ("", "+"),
            None => text.rsplit_once('+').unwrap_or(("", text)),
        };
        let mut modifiers = Modifiers::default();
        for held in held.split('+').filter(|held| !held.is_empty()) {
            match Key::named(held).map(|key| key.key).as_deref() {
                Some("Control") => modifiers.control = true,
                Some("Shift") => modifiers.shift = true,
                Some("Alt") => modifiers.alt = true,
                Some("Meta") => modifiers.meta = true,
                _ => return Err(invalid(&format!("{held:?} is no modifier key"))),
            }
        }
        // `Control+A` is how people write a chord in which no shift is held.
        let command = modifiers.control || modifiers.alt || modifiers.meta;
        let letter = name.len() == 1 && command && !modifiers.shift;
        let name = if letter {
            name.to_ascii_lowercase()
        } else {
            name.to_owned()
        };
        let key = Key::named(&name).ok_or_else(|| invalid(&format!("{name:?} is no key")))?;
        modifiers.shift |= key.shifted;
        Ok(Self { modifiers, key })
    }

    /// Returns the keys that are held, in the order a hand presses them.
    pub fn held(&self) -> Vec<(Key, Modifiers)> {
        let mut so_far = Modifiers::default();
        let mut held = Vec::new();
        let wanted = self.modifiers;
        let mut hold = |name, on: bool, set: fn(&mut Modifiers)| {
            if on && let Some(key) = Key::named(name) {
                set(&mut so_far);
                held.push((key, so_far));
            }
        };
        hold("Control", wanted.control, |held| held.control = true);
        hold("Alt", wanted.alt, |held| held.alt = true);
        hold("Meta", wanted.meta, |held| held.meta = true);
        hold("Shift", wanted.shift, |held| held.shift = true);
        held
    }
}

fn invalid(reason: &str) -> Error {
    let reason = format!("{reason}; write keys like Enter, a, ArrowDown or Control+Shift+A");
    Error::InvalidArgument {
        argument: "keys",
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_printable_sign_of_a_us_keyboard_has_its_key() {
        for sign in ' '..='~' {
            let key = Key::typing(sign).unwrap();
            assert_eq!(key.text.as_deref(), Some(sign.to_string().as_str()));
            assert!(key.number > 0 && !key.code.is_empty());
        }
        assert_eq!(Key::typing('ü'), None);
        assert_eq!(Key::typing('😀'), None);
    }

    #[test]
    fn chords_are_read() {
        let chord = &Chord::read_all("Control+Shift+a").unwrap()[0];
        assert!(chord.modifiers.control && chord.modifiers.shift && !chord.modifiers.alt);
        assert_eq!(chord.key.code, "KeyA");
        assert!(!Chord::read_all("Control+A").unwrap()[0].modifiers.shift);
        assert!(Chord::read_all("A").unwrap()[0].modifiers.shift);
        assert_eq!(Chord::read_all("Control++").unwrap()[0].key.code, "Equal");
        assert_eq!(Chord::read_all("+").unwrap()[0].key.code, "Equal");
        assert_eq!(Chord::read_all(" ").unwrap()[0].key.code, "Space");
        assert_eq!(Chord::read_all("ctrl+enter").unwrap()[0].key.key, "Enter");
        assert_eq!(Chord::read_all("Tab Tab Enter").unwrap().len(), 3);
        for wrong in [
            "",
            "  ",
            "Hyper+A",
            "Enter+A",
            "NoSuchKey",
            "Control+",
            "A+",
        ] {
            assert!(Chord::read_all(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_under_control_types_nothing() {
        let chord = &Chord::read_all("Control+A").unwrap()[0];
        let down = chord.key.down(chord.modifiers);
        assert_eq!(down.text, None);
        assert_eq!(down.r#type, input::DispatchKeyEventType::RawKeyDown);
        assert_eq!(
            Key::typing('A')
                .unwrap()
                .down(Modifiers::default())
                .text
                .as_deref(),
            Some("A")
        );
    }
}

//! Names: the protocol's in Rust's spelling.

/// Returns a name as modules and fields have it: `backendDOMNodeId` becomes `backend_dom_node_id`.
pub fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, letter) in letters.iter().enumerate() {
        if letter.is_uppercase() && at > 0 {
            let before = letters[at - 1];
            let after_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
            if !before.is_uppercase() || after_lower {
                out.push('_');
            }
        }
        out.extend(letter.to_lowercase());
    }
    out.replace('-', "_").replace("__", "_")
}

/// Returns a name as types and variants have it: `no-referrer` becomes `NoReferrer`.
pub fn camel(name: &str) -> String {
    // `-0` and its like would otherwise share a name with `0`.
    let name = match name.strip_prefix('-') {
        Some(rest) => format!("negative {rest}"),
        None => name.to_owned(),
    };
    let mut out = String::new();
    let mut upper = true;
    for letter in name.chars() {
        if !letter.is_alphanumeric() {
            upper = true;
        } else if upper {
            out.extend(letter.to_uppercase());
            upper = false;
        } else {
            out.push(letter);
        }
    }
    if out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert(0, 'N');
    }
    out
}

/// Returns a field's name, escaped where it is a keyword.
pub fn field(name: &str) -> String {
    let name = snake(name);
    const KEYWORDS: [&str; 20] = [
        "type", "ref", "match", "override", "move", "in", "for", "loop", "where", "use", "const",
        "static", "async", "await", "box", "final", "virtual", "abstract", "enum", "gen",
    ];
    match name.as_str() {
        "self" | "super" | "crate" => format!("{name}_"),
        _ if KEYWORDS.contains(&name.as_str()) => format!("r#{name}"),
        _ => name,
    }
}

/// Tells whether serde's `camelCase` leads from the field's name back to the protocol's.
pub fn serde_finds(name: &str) -> bool {
    let plain = snake(name);
    let mut out = String::new();
    let mut upper = false;
    for letter in plain.chars() {
        if letter == '_' {
            upper = true;
        } else if upper {
            out.extend(letter.to_uppercase());
            upper = false;
        } else {
            out.push(letter);
        }
    }
    out == name && !matches!(plain.as_str(), "self" | "super" | "crate")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_words_and_acronyms() {
        for (name, expected) in [
            ("backendDOMNodeId", "backend_dom_node_id"),
            ("documentURL", "document_url"),
            ("DOMStorage", "dom_storage"),
            ("IndexedDB", "indexed_db"),
            ("IO", "io"),
            ("deviceScaleFactor", "device_scale_factor"),
        ] {
            assert_eq!(snake(name), expected);
        }
        assert_eq!(camel("no-referrer"), "NoReferrer");
        assert_eq!(camel("-0"), "Negative0");
        assert_eq!(field("type"), "r#type");
        assert!(serde_finds("frameId"));
        assert!(!serde_finds("documentURL"));
    }
}

//! The size of a picture, read from the head of its file.

/// Returns width and height of a PNG, JPEG or WebP file.
pub(crate) fn of(file: &[u8]) -> Option<(u32, u32)> {
    png(file).or_else(|| webp(file)).or_else(|| jpeg(file))
}

fn png(file: &[u8]) -> Option<(u32, u32)> {
    let rest = file.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    Some((big(rest.get(8..12)?), big(rest.get(12..16)?)))
}

fn webp(file: &[u8]) -> Option<(u32, u32)> {
    let rest = file
        .strip_prefix(b"RIFF")?
        .get(4..)?
        .strip_prefix(b"WEBP")?;
    let (kind, body) = (rest.get(..4)?, rest.get(8..)?);
    match kind {
        b"VP8X" => Some((1 + little(body.get(4..7)?), 1 + little(body.get(7..10)?))),
        b"VP8L" => {
            let bits = little(body.get(1..5)?);
            Some((1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff)))
        }
        b"VP8 " => Some((
            little(body.get(6..8)?) & 0x3fff,
            little(body.get(8..10)?) & 0x3fff,
        )),
        _ => None,
    }
}

fn jpeg(file: &[u8]) -> Option<(u32, u32)> {
    let mut rest = file.strip_prefix(&[0xff, 0xd8])?;
    loop {
        let marker = *rest.strip_prefix(&[0xff])?.first()?;
        let length = big(rest.get(2..4)?) as usize;
        // A start of frame, but for the three markers among them that are tables.
        if (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            return Some((big(rest.get(7..9)?), big(rest.get(5..7)?)));
        }
        rest = rest.get(2 + length..)?;
    }
}

fn big(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn little(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    proptest::proptest! {
        #[test]
        fn any_bytes_have_a_size_or_none(mut file in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..64), head in 0..4) {
            let heads: [&[u8]; 4] = [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF____WEBPVP8X"];
            file.splice(0..0, heads[head as usize].iter().copied());
            super::of(&file);
        }
    }
}

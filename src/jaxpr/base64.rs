//! Base64 (the standard alphabet, padded), in which recorded programs carry the bytes of arrays.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The value of each character, 255 where it is none of the alphabet.
const VALUES: [u8; 256] = {
    let mut values = [255; 256];
    let mut i = 0;
    while i < 64 {
        values[ALPHABET[i] as usize] = i as u8;
        i += 1;
    }
    values
};

/// The text of some bytes.
pub(super) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word = three.iter().enumerate().fold(0u32, |w, (i, &b)| w | u32::from(b) << (16 - 8 * i));
        for i in 0..4 {
            // Each missing byte of the last group turns one character into padding.
            let c = if i <= three.len() { ALPHABET[(word >> (18 - 6 * i)) as usize & 63] } else { b'=' };
            text.push(char::from(c));
        }
    }
    text
}

/// The bytes that a text stands for, or what is wrong with it.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, String> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(4) {
        return Err(format!("base64 of {} characters, which is no multiple of four", bytes.len()));
    }
    let padding = bytes.iter().rev().take(2).take_while(|&&c| c == b'=').count();
    let mut out = Vec::with_capacity(bytes.len() / 4 * 3);
    for (group, four) in bytes.chunks(4).enumerate() {
        let last = group == bytes.len() / 4 - 1;
        let used = if last { 4 - padding } else { 4 };
        let mut word = 0;
        for (i, &c) in four[..used].iter().enumerate() {
            let value = VALUES[usize::from(c)];
            if value == 255 {
                return Err(format!("character {} of the base64 is none of its alphabet", 4 * group + i));
            }
            word |= u32::from(value) << (18 - 6 * i);
        }
        out.extend_from_slice(&word.to_be_bytes()[1..used]);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        // The test vectors of RFC 4648.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn every_byte_in_every_place() {
        for len in 0..7 {
            for byte in 0..=255u8 {
                let bytes: Vec<u8> = (0..len).map(|i| byte.wrapping_mul(i + 1)).collect();
                assert_eq!(decode(&encode(&bytes)).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn bad_texts_are_refused() {
        for text in ["A", "AA=", "AA*A", "=AAA", "A===", "AA==AAAA", "AAÄ"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }
}

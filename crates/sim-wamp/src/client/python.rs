//! Numbers as Python writes them into JSON.
//!
//! Crossbar.io takes a number like `1e999` from a peer, which is JSON, and hands it on as `Infinity`,
//! which is not. A callee that took that for a broken protocol could be sent away by any caller.

use bytes::Bytes;

/// What stands in the place of each: a number beyond all bounds as it may have been sent, and nothing
/// for what is no number.
const WORDS: [(&[u8], &[u8]); 3] =
    [(b"-Infinity", b"-1e999"), (b"Infinity", b"1e999"), (b"NaN", b"null")];

/// Returns the text with such numbers written as JSON has them; nothing if there are none.
pub(super) fn mended(text: &[u8]) -> Option<Bytes> {
    let mut mended = Vec::with_capacity(text.len());
    let (mut rest, mut quoted, mut found) = (text, false, false);
    while let Some(&byte) = rest.first() {
        let word = WORDS.iter().find(|(word, _)| !quoted && rest.starts_with(word));
        if let Some((word, number)) = word {
            found = true;
            mended.extend_from_slice(number);
            rest = &rest[word.len()..];
            continue;
        }
        // What is escaped ends no text.
        let length = if quoted && byte == b'\\' { 2.min(rest.len()) } else { 1 };
        quoted ^= byte == b'"';
        mended.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
    }
    found.then(|| mended.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(given: &str) -> Option<String> {
        mended(given.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[test]
    fn numbers_are_replaced_and_texts_are_not() {
        let given = r#"[68,1,{},[Infinity,-Infinity,NaN,"NaN \" Infinity","\\"],{"Infinity":NaN}]"#;
        let expected = r#"[68,1,{},[1e999,-1e999,null,"NaN \" Infinity","\\"],{"Infinity":null}]"#;
        assert_eq!(text(given).as_deref(), Some(expected));
        for plain in ["[1,2]", r#"["NaN"]"#, r#"["\"NaN"]"#, r#"["\"#, ""] {
            assert_eq!(text(plain), None, "{plain}");
        }
    }
}

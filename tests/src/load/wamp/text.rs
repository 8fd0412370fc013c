//! What the generator looks at in a message: its first two numbers and its first two arguments.

/// The code of a message and the number behind it, which is 0 when something else stands there.
pub(super) fn head(text: &[u8]) -> Option<(u64, u64)> {
    let (code, rest) = number(text.strip_prefix(b"[")?)?;
    let id = rest.strip_prefix(b",").and_then(number).map_or(0, |(id, _)| id);
    Some((code, id))
}

/// The positional arguments of a message that has some, none of which is a list.
pub(super) fn args(text: &[u8]) -> Option<&[u8]> {
    let text = from_args(text)?;
    let length = text.iter().position(|byte| *byte == b']')?;
    Some(&text[..=length])
}

/// The two numbers that the arguments begin with, the second of which is 0 unless it is there.
pub(super) fn numbers(text: &[u8]) -> Option<(u64, u64)> {
    head(from_args(text)?)
}

/// A message from its arguments on: they are the last list, and not the message itself.
fn from_args(text: &[u8]) -> Option<&[u8]> {
    let begin = text.iter().rposition(|byte| *byte == b'[')?;
    (begin > 0).then_some(&text[begin..])
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let text = text.trim_ascii_start();
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = text.get(..length).filter(|digits| !digits.is_empty())?;
    let value = digits
        .iter()
        .fold(0_u64, |value, digit| value.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    Some((value, &text[length..]))
}

#[cfg(test)]
mod tests {
    use super::super::code;
    use super::*;

    #[test]
    fn messages_are_told_apart_by_their_first_numbers() {
        assert_eq!(head(b"[50,12,{},[7]]"), Some((code::RESULT, 12)));
        assert_eq!(head(b"[50, 12, {}, [7]]"), Some((code::RESULT, 12)));
        assert_eq!(head(br#"[6,{},"wamp.close.goodbye_and_out"]"#), Some((code::GOODBYE, 0)));
        assert_eq!(head(b"{}"), None);
    }

    #[test]
    fn arguments_are_found_with_and_without_keywords() {
        assert_eq!(args(b"[68,1,2,{},[7,8]]"), Some(&b"[7,8]"[..]));
        assert_eq!(args(b"[68,1,2,{},[7,8],{}]"), Some(&b"[7,8]"[..]));
        assert_eq!(args(b"[68,1,2,{}]"), None);
        assert_eq!(numbers(b"[36,1,2,{},[7,8,\"xxx\"]]"), Some((7, 8)));
        assert_eq!(numbers(b"[36, 1, 2, {}, [7, 8]]"), Some((7, 8)));
        assert_eq!(numbers(b"[50,1,{},[7]]"), Some((7, 0)));
        assert_eq!(numbers(b"[36,1,2,{},[\"end\"]]"), None);
        assert_eq!(numbers(b"[50,1,{}]"), None);
    }
}

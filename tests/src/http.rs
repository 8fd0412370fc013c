//! As much of HTTP/1.1 as the load generator and the webhook receiver need.

use anyhow::{Context, Result};

/// The head of a request or an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head<'a> {
    text: &'a str,
}

impl<'a> Head<'a> {
    /// The head at the beginning of what was read, and where its body begins; nothing when it has
    /// not come whole yet.
    pub(crate) fn find(input: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&input[..end]).context("a head that is no text")?;
        Ok(Some((Self { text }, end + 4)))
    }

    /// The second word of the first line: an answer's status, or the path of a request.
    pub(crate) fn subject(self) -> &'a str {
        self.text.split([' ', '\r']).nth(1).unwrap_or_default()
    }

    pub(crate) fn header(self, name: &str) -> Option<&'a str> {
        let mut headers = self.text.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
        let (_, value) = headers.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value.trim())
    }

    /// How long the body is; nothing when it comes in chunks.
    pub(crate) fn content_length(self) -> Result<Option<usize>> {
        if self.header("transfer-encoding").is_some() {
            return Ok(None);
        }
        let length = self.header("content-length").map_or(Ok(0), str::parse);
        length.map(Some).context("a content length that is no number")
    }
}

/// Takes the chunks of a body apart.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    /// What is still to come of the present chunk, with its line end; none at a size's line.
    left: Option<usize>,
}

impl Chunks {
    /// Hands over what is there, removing it from the input; true when the body has ended.
    pub(crate) fn take(
        &mut self,
        input: &mut Vec<u8>,
        sink: &mut dyn FnMut(&[u8]),
    ) -> Result<bool> {
        let mut at = 0;
        let ended = loop {
            let rest = &input[at..];
            if let Some(left) = self.left {
                let part = &rest[..left.min(rest.len())];
                sink(&part[..part.len().min(left.saturating_sub(2))]);
                at += part.len();
                self.left = Some(left - part.len()).filter(|left| *left > 0);
                if self.left.is_some() {
                    break false;
                }
                continue;
            }
            let Some(end) = rest.windows(2).position(|window| window == b"\r\n") else {
                break false;
            };
            let size = std::str::from_utf8(&rest[..end]).ok().and_then(|line| {
                let digits = line.split(';').next().unwrap_or_default().trim();
                usize::from_str_radix(digits, 16).ok()
            });
            let size = size.context("a chunk without its size")?;
            // Behind the last chunk comes an empty line: nobody here sends trailers.
            if size == 0 {
                if rest.len() < end + 4 {
                    break false;
                }
                at += end + 4;
                break true;
            }
            self.left = Some(size + 2);
            at += end + 2;
        };
        input.drain(..at);
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_found_when_it_is_whole() {
        let input = b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\nLink: <x>\r\n\r\nbody";
        assert!(Head::find(&input[..30]).unwrap().is_none());
        let (head, body) = Head::find(input).unwrap().unwrap();
        assert_eq!(&input[body..], b"body");
        assert_eq!(head.subject(), "201");
        assert_eq!(head.header("link"), Some("<x>"));
        assert_eq!(head.content_length().unwrap(), Some(12));
        let (head, _) = Head::find(b"POST /all HTTP/1.1\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.subject(), head.content_length().unwrap()), ("/all", Some(0)));
    }

    #[test]
    fn chunks_are_put_together_wherever_they_are_cut() {
        let sent = b"4\r\nab\r\n\r\n3;x=y\r\ncde\r\n0\r\n\r\n";
        for step in 1..=sent.len() {
            let (mut chunks, mut input, mut body) = (Chunks::default(), Vec::new(), Vec::new());
            let mut ended = false;
            for part in sent.chunks(step) {
                assert!(!ended);
                input.extend_from_slice(part);
                ended = chunks.take(&mut input, &mut |part| body.extend_from_slice(part)).unwrap();
            }
            assert!(ended && input.is_empty());
            assert_eq!(body, b"ab\r\ncde");
        }
    }

    #[test]
    fn a_chunk_needs_its_size() {
        let mut input = b"what\r\n".to_vec();
        assert!(Chunks::default().take(&mut input, &mut |_| ()).is_err());
    }
}

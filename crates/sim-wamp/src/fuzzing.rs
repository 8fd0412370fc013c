//! What fuzzers feed: any bytes go in, and what must hold afterwards is checked. The corpus of each
//! is replayed by the tests here, too.

mod session;

use bytes::{Bytes, BytesMut};

pub use session::session;

use crate::message::{decode as read, encode};
use crate::transport::{Frame, FrameLimits, Reader, Received, Transport, accept_raw, parse};
use crate::{Serializer, Value};

/// Reads a message, in the serialization that the first byte names; what is read can be written
/// and read again, in every serialization that can carry it.
///
/// # Panics
/// When that does not hold.
pub fn decode(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let serializer = Serializer::ALL[usize::from(*first) % Serializer::ALL.len()];
    // Arguments are read by a parser of a library, which must take anything as well.
    drop(serializer.read::<Value>(rest));
    let Ok(message) = read(serializer, &Bytes::copy_from_slice(rest)) else { return };
    for other in Serializer::ALL {
        let Ok(written) = encode(&message, other) else { continue };
        let again = read(other, &Bytes::from(written.clone()));
        let again = again.expect("what was written can be read");
        assert_eq!(encode(&again, other).ok(), Some(written), "in {}", other.name());
    }
}

/// Takes a stream of raw socket frames apart, in pieces of the size that the first byte says; they
/// are the same as those of the stream in one piece.
///
/// # Panics
/// When they are not.
pub fn raw_socket(data: &[u8]) {
    const LIMIT: usize = 1 << 12;
    let Some((first, stream)) = data.split_first() else { return };
    let frames = |piece: usize| {
        let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
        for piece in stream.chunks(piece.max(1)) {
            buffer.extend_from_slice(piece);
            loop {
                match parse(&mut buffer, LIMIT) {
                    Ok(Some(Frame { kind, payload })) => found.push(Ok((kind, payload))),
                    Ok(None) => break,
                    Err(error) => {
                        found.push(Err(error.to_string()));
                        return found;
                    }
                }
            }
        }
        found
    };
    assert_eq!(frames(usize::from(*first)), frames(stream.len()));

    // The same as what a stranger sends who opens a connection.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime on one thread needs nothing").block_on(async {
        // `split` wants a stream that lives as long as the program may.
        let stream = std::io::Cursor::new(stream.to_vec());
        let connection = tokio::io::join(stream, tokio::io::sink());
        let limits = FrameLimits { message_bytes: LIMIT };
        let Ok(socket) = accept_raw(connection, limits).await else { return };
        let (mut reader, _writer) = socket.split();
        while !matches!(reader.receive().await, Ok(Received::Closed) | Err(_)) {}
    });
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// Replays the committed corpus, so that what a fuzzer has found once stays mended.
    fn replay(target: &str, run: fn(&[u8])) {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files = fs::read_dir(&corpus).expect("the corpus is committed");
        let mut count = 0;
        for file in files {
            run(&fs::read(file.expect("it can be listed").path()).expect("it can be read"));
            count += 1;
        }
        assert!(count > 5, "the corpus of `{target}` is nearly empty");
    }

    #[test]
    fn corpus_of_decode_is_taken() {
        replay("decode", super::decode);
    }

    #[test]
    fn corpus_of_raw_socket_is_taken() {
        replay("raw_socket", super::raw_socket);
    }

    #[test]
    fn corpus_of_session_is_taken() {
        replay("session", super::session);
    }
}

//! Zstd: the only file that names the decoder.

use std::io::{BufRead, Error, Read};

use ruzstd::decoding::StreamingDecoder;

/// The frames of a file, one after another, as what they hold.
pub(super) struct Frames {
    state: State,
}

enum State {
    Between(Box<dyn BufRead>),
    Inside(Box<StreamingDecoder<Box<dyn BufRead>, ruzstd::decoding::FrameDecoder>>),
    Ended,
}

impl Frames {
    pub(super) fn new(input: Box<dyn BufRead>) -> Self {
        Self { state: State::Between(input) }
    }
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            // An error ends the file: nothing says where the next frame begins.
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Between(mut input) => {
                    if input.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    State::Inside(Box::new(StreamingDecoder::new(input).map_err(Error::other)?))
                }
                State::Inside(mut decoder) => match decoder.read(buffer)? {
                    0 if !buffer.is_empty() => State::Between(decoder.into_inner()),
                    read => {
                        self.state = State::Inside(decoder);
                        return Ok(read);
                    }
                },
                State::Ended => return Ok(0),
            };
        }
    }
}

/// What a frame holds, or `None` where that is more than `limit` bytes.
///
/// # Errors
/// Bytes that are no frame, or a part of one.
pub(super) fn decompress(frame: &[u8], limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    let decoder = StreamingDecoder::new(frame).map_err(Error::other)?;
    let mut bytes = Vec::new();
    decoder.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

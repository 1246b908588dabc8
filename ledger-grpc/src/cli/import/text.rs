//! Text: the bytes of a file as UTF-8, whatever editor or spreadsheet saved it.

use anyhow::{Result, bail};
use encoding_rs_io::DecodeReaderBytesBuilder;
use std::io::{BufRead, BufReader, Cursor, Read};

const BUFFER_BYTES: usize = 1 << 20;
/// So much of the text is in the buffer from the start: whoever looks at its beginning sees whole lines.
const HEAD_BYTES: u64 = 1 << 16;
/// So many bytes tell UTF-16 without a mark, whose every other byte is 0 in plain text.
const PEEKED: usize = 4;

/// A text that may begin with a byte order mark: of UTF-8, which is taken off, or of UTF-16.
///
/// # Errors
/// If it cannot be read, or is UTF-16 and does not say so.
pub(super) fn decoded(input: impl Read + 'static) -> Result<BufReader<Box<dyn Read>>> {
    let mut raw = BufReader::with_capacity(BUFFER_BYTES, input);
    if raw.fill_buf()?.iter().take(PEEKED).any(|byte| *byte == 0) && !begins_with_mark(raw.buffer()) {
        bail!("has bytes that are 0, as UTF-16 without a byte order mark has; save it as UTF-8");
    }
    let mut rest = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).bom_override(true).build(raw);
    let mut head = Vec::new();
    rest.by_ref().take(HEAD_BYTES).read_to_end(&mut head)?;
    Ok(BufReader::with_capacity(BUFFER_BYTES, Box::new(Cursor::new(head).chain(rest))))
}

fn begins_with_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

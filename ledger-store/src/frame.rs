//! Frames: the parts of a block's records, packed one behind the other.
//!
//! ```text
//! frame: 0, then raw; or a zstd frame of raw without its magic number
//! raw:   (count - 1) × length u32, then the parts one behind the other
//! ```
//! A frame is stored as it is where zstd does not make it shorter, as with most that have a single record.

use crate::error::Damage;
use ledger_core::fold::Corrupt;
use std::cell::RefCell;

/// Longest frame, unpacked: 128 MiB.
const RAW_BYTES_MAX: usize = 128 << 20;
const ZSTD_LEVEL: i32 = 1;
/// With this byte begins a frame that is not compressed; one of zstd begins with its descriptor, which is another.
const STORED: u8 = 0;
/// With these bytes every frame of zstd begins, and none does in a block.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// What packs frames.
pub(crate) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(crate) fn new() -> Result<Packer, Damage> {
        Ok(Packer(zstd::bulk::Compressor::new(ZSTD_LEVEL).map_err(io)?))
    }
}

/// One part of each record of a block in the making.
#[derive(Default)]
pub(crate) struct Parts {
    lengths: Vec<u8>,
    /// The parts; one that is being written is behind the others.
    pub(crate) bytes: Vec<u8>,
    /// Where the last one ends.
    pub(crate) end: usize,
}

impl Parts {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.lengths.len() / 4
    }

    /// Notes that a part ends where the bytes do, and answers with it.
    pub(crate) fn end_part(&mut self) -> &[u8] {
        let part = &self.bytes[std::mem::replace(&mut self.end, self.bytes.len())..];
        self.lengths.extend_from_slice(&(part.len() as u32).to_le_bytes());
        part
    }

    /// The frame of all of them; then there are none.
    pub(crate) fn pack(&mut self, packer: &mut Packer) -> Result<Vec<u8>, Damage> {
        // How long the last part is follows from the others.
        self.lengths.truncate(self.lengths.len() - 4);
        self.lengths.append(&mut self.bytes);
        let packed = pack(&self.lengths, packer)?;
        self.lengths.clear();
        self.end = 0;
        Ok(packed)
    }
}

/// The frame of these bytes.
pub(crate) fn pack(raw: &[u8], packer: &mut Packer) -> Result<Vec<u8>, Damage> {
    if raw.len() > RAW_BYTES_MAX {
        return Err(Corrupt::Bytes { what: "a block of more than 128 MiB" }.into());
    }
    let packed = packer.0.compress(raw).map_err(io)?.split_off(ZSTD_MAGIC.len());
    Ok(if packed.len() > raw.len() { [&[STORED], raw].concat() } else { packed })
}

/// A length as values have it: as short as it can be.
pub(crate) fn put_length(bytes: &mut Vec<u8>, length: usize) {
    match length {
        0..251 => bytes.push(length as u8),
        251..0x1_0000 => {
            bytes.push(0xfb);
            bytes.extend_from_slice(&(length as u16).to_le_bytes());
        }
        _ => {
            bytes.push(0xfc);
            bytes.extend_from_slice(&(length as u32).to_le_bytes());
        }
    }
}

/// A length that [`put_length`] wrote, and what stands behind it.
pub(crate) fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes.split_first()? {
        (0xfb, behind) => {
            let (length, behind) = behind.split_first_chunk()?;
            Some((u16::from_le_bytes(*length).into(), behind))
        }
        (0xfc, behind) => {
            let (length, behind) = behind.split_first_chunk()?;
            Some((u32::from_le_bytes(*length) as usize, behind))
        }
        (length, behind) => (*length < 251).then_some(((*length).into(), behind)),
    }
}

fn io(error: std::io::Error) -> Damage {
    Damage::Database(error.to_string())
}

/// One part of each record, unpacked.
#[derive(Debug)]
pub(crate) struct Frame {
    raw: Vec<u8>,
    /// Where each part ends, in `raw`.
    ends: Vec<usize>,
}

thread_local! {
    /// What zstd unpacks with, which is larger than most of what it unpacks.
    static UNPACKER: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What a frame has in it. Nothing is made room for that the frame does not claim to have.
pub(crate) fn unpacked(packed: &[u8]) -> Result<Vec<u8>, &'static str> {
    let (form, stored) = packed.split_first().ok_or("has no frame")?;
    if *form == STORED {
        return if stored.len() > RAW_BYTES_MAX { Err("impossible length") } else { Ok(stored.into()) };
    }
    let packed = [&ZSTD_MAGIC, packed].concat();
    let length = match zstd::zstd_safe::get_frame_content_size(&packed) {
        Ok(Some(length)) => usize::try_from(length).ok().filter(|length| *length <= RAW_BYTES_MAX),
        _ => return Err("does not say its length"),
    };
    let length = length.ok_or("impossible length")?;
    let raw = UNPACKER.with_borrow_mut(|unpacker| match unpacker {
        Some(unpacker) => unpacker.decompress(&packed, length),
        None => unpacker.insert(zstd::bulk::Decompressor::new()?).decompress(&packed, length),
    });
    raw.ok().filter(|raw| raw.len() == length).ok_or("does not unpack")
}

impl Frame {
    /// Unpacks a frame of so many parts.
    pub(crate) fn unpack(packed: &[u8], count: usize) -> Result<Frame, &'static str> {
        let raw = unpacked(packed)?;
        let (lengths, _) = raw.split_at_checked((count - 1) * 4).ok_or("lengths do not add up")?;
        let mut end = lengths.len();
        let mut ends: Vec<usize> = Vec::with_capacity(count);
        ends.extend(lengths.chunks_exact(4).map(|length| {
            end += u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
            end
        }));
        if end > raw.len() {
            return Err("lengths do not add up");
        }
        ends.push(raw.len());
        Ok(Frame { raw, ends })
    }

    pub(crate) fn part(&self, at: usize) -> Option<&[u8]> {
        let start =
            at.checked_sub(1).map_or(Some((self.ends.len() - 1) * 4), |before| self.ends.get(before).copied())?;
        self.raw.get(start..*self.ends.get(at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_lies_about_its_length_is_refused_before_there_is_room_for_it() {
        let frame = |raw: &[u8]| zstd::bulk::compress(raw, 1).expect("packs").split_off(ZSTD_MAGIC.len());
        let packed = frame(&[1, 0, 0, 0, 7, 8]);
        let whole = Frame::unpack(&packed, 2).expect("unpacks");
        assert_eq!((whole.part(0), whole.part(1), whole.part(2)), (Some(&[7][..]), Some(&[8][..]), None));
        assert_eq!(Frame::unpack(&[STORED, 7, 8], 1).expect("is stored").part(0), Some(&[7, 8][..]));
        assert_eq!(Frame::unpack(&[STORED], 1).expect("is stored").part(0), Some(&[][..]));
        assert!(Frame::unpack(&frame(&[3, 0, 0, 0, 7, 8]), 2).is_err(), "a part ends behind all of them");
        assert!(Frame::unpack(&packed, 3).is_err(), "fewer lengths than parts");
        assert!(Frame::unpack(&[STORED, 1, 0, 0], 2).is_err(), "fewer lengths than parts");
        assert!(Frame::unpack(&[], 1).is_err(), "no frame");
        // A descriptor, and a length of 128 MiB and one byte.
        let claims = [&[0xa0][..], &(RAW_BYTES_MAX as u32 + 1).to_le_bytes(), &packed[2..]].concat();
        assert_eq!(Frame::unpack(&claims, 1).map(|_| ()), Err("impossible length"));
        // The descriptor says that no length is said.
        assert!(Frame::unpack(&[&[0x01, 0x58][..], &packed[2..]].concat(), 2).is_err());
        assert!(Frame::unpack(&[&packed[..1], &[7], &packed[2..]].concat(), 2).is_err(), "it says one byte more");
    }

    #[test]
    fn a_length_takes_as_many_bytes_as_it_needs() {
        for (length, bytes) in [(0, 1), (250, 1), (251, 3), (0xffff, 3), (0x1_0000, 5), (0xffff_ffff, 5)] {
            let mut put = Vec::new();
            put_length(&mut put, length);
            assert_eq!(put.len(), bytes, "{length}");
            put.push(9);
            assert_eq!(take_length(&put), Some((length, &[9][..])));
            assert!((0..bytes).all(|cut| take_length(&put[..cut]).is_none()), "{length}");
        }
        assert!((0xfd..=0xff).all(|form| take_length(&[form, 0, 0, 0, 0, 0, 0, 0, 0]).is_none()));
    }

    #[test]
    fn what_zstd_does_not_make_shorter_is_stored_as_it_is() {
        let mut packer = Packer::new().expect("packs");
        let mut packed = |part: &[u8]| {
            let mut parts = Parts { bytes: part.into(), ..Parts::default() };
            parts.end_part();
            let packed = parts.pack(&mut packer).expect("packs");
            assert_eq!(Frame::unpack(&packed, 1).expect("unpacks").part(0), Some(part));
            assert!(packed.len() <= part.len() + 1, "{} bytes of {}", packed.len(), part.len());
            packed[0]
        };
        let mixed: Vec<u8> = (0..90u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert_eq!([packed(&[]), packed(b"short"), packed(&mixed)], [STORED; 3]);
        assert_ne!(packed(&[7; 90]), STORED);
    }
}

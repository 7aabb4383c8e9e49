//! Decompresses a body.
//!
//! The request accepts `identity` only, but some servers and proxies compress all the same. A few
//! compress and do not say so, or say so and do not compress. So the bytes decide; the label
//! decides only for deflate without a header, where the bytes cannot.
//!
//! Checksums are ignored: TLS protects the bytes, and a wrong checksum must not lose tokens.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};

use super::body::{Content, End, MAX_BODY};
use super::failure::broken;

/// How many times a body may be compressed.
const MAX_LAYERS: usize = 4;

const GZIP: [u8; 3] = [0x1F, 0x8B, 8];

/// Removes one layer of compression after the other. Anything else, such as `br`, stays as it is.
pub(super) fn unpack(mut content: Content, labels: &[String]) -> Content {
    let labelled = labels.iter().any(|label| label == "deflate");
    for _ in 0..MAX_LAYERS {
        if matches!(content.end, End::TooLarge) {
            break;
        }
        let Some(unpacked) = unpack_once(&content.bytes, labelled) else { break };
        content = Content {
            bytes: unpacked.bytes,
            end: match (unpacked.stop, content.end) {
                (Stop::End, _) => End::Whole,
                (Stop::TooLarge, _) => End::TooLarge,
                (Stop::Cut, cut @ End::Cut(_)) => cut,
                (Stop::Cut, _) => End::Cut(broken(io::Error::new(io::ErrorKind::InvalidData, "the packed body is damaged"))),
            },
        };
    }
    content
}

struct Unpacked {
    bytes: Vec<u8>,
    /// How many bytes of the input were used.
    taken: usize,
    stop: Stop,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    End,
    TooLarge,
    Cut,
}

/// `None` if the bytes are not compressed.
fn unpack_once(packed: &[u8], labelled: bool) -> Option<Unpacked> {
    let by_header = if packed.starts_with(&GZIP) { Some(gunzip(packed)) } else { is_zlib(packed).then(|| inflate(&packed[2..], 0)) };
    let by_label = || Some(packed).filter(|packed| labelled && !is_object(packed)).map(|packed| inflate(packed, 0)).filter(is_sound);
    match by_header {
        Some(whole) if whole.stop != Stop::Cut => Some(whole),
        damaged => by_label().or(damaged.filter(|damaged| !damaged.bytes.is_empty())),
    }
}

/// Bytes that are not deflate can look like it at first.
fn is_sound(unpacked: &Unpacked) -> bool {
    unpacked.stop == Stop::End || is_object(&unpacked.bytes)
}

fn is_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}

/// RFC 1950, section 2.2: deflate, and the check of both header bytes. No JSON text begins so.
fn is_zlib(bytes: &[u8]) -> bool {
    matches!(bytes, [method, flags, ..] if method & 0x0F == 8 && method >> 4 <= 7 && flags & 0x20 == 0 && (u16::from(*method) << 8 | u16::from(*flags)).is_multiple_of(31))
}

/// All members, one after the other (RFC 1952, section 2.2). What follows the last one is padding.
fn gunzip(packed: &[u8]) -> Unpacked {
    let mut all = Unpacked { bytes: Vec::new(), taken: 0, stop: Stop::Cut };
    while let Some(member) = packed.get(all.taken..).filter(|rest| rest.starts_with(&GZIP)) {
        let Some(start) = deflate_start(member) else {
            all.stop = Stop::Cut;
            break;
        };
        let part = inflate(&member[start..], all.bytes.len());
        all.bytes.extend(&part.bytes);
        // Each member is followed by its checksum and its length.
        all.taken += start + part.taken + 8;
        all.stop = part.stop;
        if part.stop != Stop::End {
            break;
        }
    }
    all
}

/// The length of a member's header (RFC 1952, section 2.3). `None` if it is cut off.
fn deflate_start(member: &[u8]) -> Option<usize> {
    const CHECKSUM: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    let flags = *member.get(3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*member.get(at)?, *member.get(at + 1)?]));
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            at += 1 + member.get(at..)?.iter().position(|byte| *byte == 0)?;
        }
    }
    if flags & CHECKSUM != 0 {
        at += 2;
    }
    (at <= member.len()).then_some(at)
}

/// Deflate (RFC 1951). `before` bytes of the body are there already.
fn inflate(packed: &[u8], before: usize) -> Unpacked {
    let mut stream = Decompress::new(false);
    let mut unpacked = Unpacked { bytes: Vec::new(), taken: 0, stop: Stop::Cut };
    let mut window = vec![0; 16 * 1024];
    loop {
        let written = stream.total_out();
        let result = stream.decompress(&packed[unpacked.taken..], &mut window, FlushDecompress::None);
        // This includes what was unpacked just before an error.
        let fresh = &window[..(stream.total_out() - written) as usize];
        let moved = !fresh.is_empty() || stream.total_in() > unpacked.taken as u64;
        unpacked.bytes.extend(fresh);
        unpacked.taken = stream.total_in() as usize;
        if before + unpacked.bytes.len() > MAX_BODY {
            unpacked.stop = Stop::TooLarge;
            return unpacked;
        }
        match result {
            Ok(Status::StreamEnd) => {
                unpacked.stop = Stop::End;
                return unpacked;
            }
            Ok(_) if moved => {}
            _ => return unpacked,
        }
    }
}

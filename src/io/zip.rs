//! As much of the zip format as `.npz` needs: files without a structure of folders, stored or deflated, also with 64-bit lengths.

use super::{Reader, Result, told, wrong};
use flate2::Crc;
use flate2::read::DeflateDecoder;
use std::io::{Read, Write};

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// The version of the format that has 64-bit lengths, which whoever reads must know.
const VERSION_64: u16 = 45;
/// The first day that the format can say, so that the same arrays give the same bytes.
const DATE: u16 = (1 << 5) | 1;

/// A file in an archive.
pub(super) struct Entry {
    pub name: String,
    deflated: bool,
    crc: u32,
    packed: u64,
    length: u64,
    /// Where its own header is.
    at: u64,
}

fn u16_at(b: &[u8], i: usize) -> u64 {
    u16::from_le_bytes(b[i..i + 2].try_into().expect("two bytes")) as u64
}
fn u32_at(b: &[u8], i: usize) -> u64 {
    u32::from_le_bytes(b[i..i + 4].try_into().expect("four bytes")) as u64
}
fn u64_at(b: &[u8], i: usize) -> u64 {
    u64::from_le_bytes(b[i..i + 8].try_into().expect("eight bytes"))
}

/// The files of an archive, from the directory at its end.
pub(super) fn entries(r: &mut Reader) -> Result<Vec<Entry>> {
    // the end has 22 bytes and a comment of up to 65535
    let tail = r.length.min(22 + 65535);
    let from = r.length - tail;
    let bytes = r.bytes(from, tail, "the archive")?;
    let is_end =
        |i: &usize| u32_at(&bytes, *i) == END as u64 && u16_at(&bytes, i + 20) as usize <= bytes.len() - i - 22;
    let end = (0..(bytes.len() + 1).saturating_sub(22)).rev().find(is_end);
    let end = end.ok_or_else(|| wrong("this is no .npz file: it has no directory of an archive at its end"))?;
    let (mut count, mut size, mut at) = (u16_at(&bytes, end + 10), u32_at(&bytes, end + 12), u32_at(&bytes, end + 16));
    if count == 0xffff || size == 0xffff_ffff || at == 0xffff_ffff {
        // beside it there are the same numbers with 64 bits
        let locator = (from + end as u64).checked_sub(20).map(|i| r.bytes(i, 20, "the archive")).transpose()?;
        if let Some(l) = locator.filter(|l| u32_at(l, 0) == LOCATOR_64 as u64) {
            let wide = r.bytes(u64_at(&l, 8), 56, "the directory's end")?;
            if u32_at(&wide, 0) != END_64 as u64 {
                return Err(wrong("the directory's end with 64 bits is damaged"));
            }
            (count, size, at) = (u64_at(&wide, 32), u64_at(&wide, 40), u64_at(&wide, 48));
        }
    }
    let directory = r.bytes(at, size, "the directory")?;
    let mut all = vec![];
    let mut rest = &directory[..];
    let damaged = || wrong("the directory is damaged");
    for _ in 0..count {
        if rest.len() < 46 || u32_at(rest, 0) != CENTRAL as u64 {
            return Err(damaged());
        }
        let [name, extra, comment] = [28, 30, 32].map(|i| u16_at(rest, i) as usize);
        let (mut packed, mut length, mut at) = (u32_at(rest, 20), u32_at(rest, 24), u32_at(rest, 42));
        let (flags, method, crc) = (u16_at(rest, 8), u16_at(rest, 10), u32_at(rest, 16) as u32);
        let whole = 46 + name + extra + comment;
        if rest.len() < whole {
            return Err(damaged());
        }
        let text =
            std::str::from_utf8(&rest[46..46 + name]).map_err(|_| wrong("a name in the archive is not UTF-8"))?;
        let mut more = &rest[46 + name..46 + name + extra];
        while more.len() >= 4 {
            let (id, n) = (u16_at(more, 0), u16_at(more, 2) as usize);
            let mut field = more.get(4..4 + n).ok_or_else(damaged)?;
            if id == 1 {
                // those that did not fit, in this order
                for v in [&mut length, &mut packed, &mut at] {
                    if *v == 0xffff_ffff {
                        *v = u64_at(field.get(..8).ok_or_else(damaged)?, 0);
                        field = &field[8..];
                    }
                }
            }
            more = &more[4 + n..];
        }
        if flags & 1 != 0 {
            return Err(wrong(format!("'{text}' is encrypted")));
        }
        let deflated = match method {
            0 if packed == length => false,
            0 => return Err(damaged()),
            8 => true,
            m => return Err(wrong(format!("'{text}' is compressed by the method {m}, which is unknown here"))),
        };
        all.push(Entry { name: text.into(), deflated, crc, packed, length, at });
        rest = &rest[whole..];
    }
    Ok(all)
}

/// The bytes of one file. No more memory is taken than it has bytes.
pub(super) fn content(r: &mut Reader, e: &Entry) -> Result<Vec<u8>> {
    let what = format!("the entry '{}'", e.name);
    let own = r.bytes(e.at, 30, &what)?;
    if u32_at(&own, 0) != LOCAL as u64 {
        return Err(wrong(format!("{what} is not where the directory says")));
    }
    let at = e.at + 30 + u16_at(&own, 26) + u16_at(&own, 28);
    let packed = r.bytes(at, e.packed, &what)?;
    let bytes = if e.deflated {
        let mut out = vec![];
        // one byte more would be too many
        let limit = e.length.saturating_add(1);
        told(&what, DeflateDecoder::new(&packed[..]).take(limit).read_to_end(&mut out))?;
        out
    } else {
        packed
    };
    let mut crc = Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 != e.length || crc.sum() != e.crc {
        return Err(wrong(format!("{what} is damaged: its length or its checksum is not the one that was written")));
    }
    Ok(bytes)
}

/// Writes an archive, file by file.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    at: u64,
    directory: Vec<u8>,
    count: u64,
}
impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Writer<'a> {
        Writer { out, at: 0, directory: vec![], count: 0 }
    }
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }
    /// A file of these pieces.
    pub(super) fn add(&mut self, name: &str, pieces: &[&[u8]], deflate: bool) -> std::io::Result<()> {
        let mut crc = Crc::new();
        pieces.iter().for_each(|p| crc.update(p));
        let length: u64 = pieces.iter().map(|p| p.len() as u64).sum();
        let packed = if deflate {
            let mut e = flate2::write::DeflateEncoder::new(vec![], flate2::Compression::default());
            pieces.iter().try_for_each(|p| e.write_all(p))?;
            Some(e.finish()?)
        } else {
            None
        };
        let size = packed.as_ref().map_or(length, |p| p.len() as u64);
        let short = u16::try_from(name.len()).map_err(|_| std::io::Error::other("a name is too long"))?;
        let start = self.at;
        // lengths are always in the field for 64 bits: NumPy writes so, too
        let mut common = vec![];
        for v in [VERSION_64, UTF8, if deflate { 8 } else { 0 }, 0, DATE] {
            common.extend(v.to_le_bytes())
        }
        common.extend(crc.sum().to_le_bytes());
        common.extend([0xff; 8]);
        common.extend(short.to_le_bytes());
        let wide = |all: &[u64]| -> Vec<u8> {
            let n = 8 * all.len() as u16;
            [1u16, n].iter().flat_map(|v| v.to_le_bytes()).chain(all.iter().flat_map(|v| v.to_le_bytes())).collect()
        };
        let extra = wide(&[length, size]);
        let local = [&LOCAL.to_le_bytes()[..], &common, &(extra.len() as u16).to_le_bytes(), name.as_bytes(), &extra];
        self.put(&local.concat())?;
        match &packed {
            Some(p) => self.put(p)?,
            None => pieces.iter().try_for_each(|p| self.put(p))?,
        }
        let extra = wide(&[length, size, start]);
        let central = [
            &CENTRAL.to_le_bytes()[..],
            &VERSION_64.to_le_bytes(),
            &common,
            &(extra.len() as u16).to_le_bytes(),
            &[0; 10],
            &[0xff; 4],
            name.as_bytes(),
            &extra,
        ];
        self.directory.extend(central.concat());
        self.count += 1;
        Ok(())
    }
    /// The directory.
    pub(super) fn finish(mut self) -> std::io::Result<()> {
        let (at, size) = (self.at, self.directory.len() as u64);
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        let end = self.at;
        let mut tail = END_64.to_le_bytes().to_vec();
        tail.extend(44u64.to_le_bytes());
        tail.extend([VERSION_64, VERSION_64].iter().flat_map(|v| v.to_le_bytes()));
        tail.extend([0; 8]);
        for v in [self.count, self.count, size, at] {
            tail.extend(v.to_le_bytes())
        }
        tail.extend(LOCATOR_64.to_le_bytes());
        tail.extend([0; 4]);
        tail.extend(end.to_le_bytes());
        tail.extend(1u32.to_le_bytes());
        tail.extend(END.to_le_bytes());
        tail.extend([0; 4]);
        // what fits into the old fields is there, too, for readers that know no others
        let count = self.count.min(0xffff) as u16;
        tail.extend([count, count].iter().flat_map(|v| v.to_le_bytes()));
        for v in [size, at] {
            tail.extend((v.min(0xffff_ffff) as u32).to_le_bytes())
        }
        tail.extend([0; 2]);
        self.put(&tail)
    }
}

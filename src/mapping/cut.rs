//! A large body without its long runs of base64: while it arrives, their middles are left out of the text in memory; where a content is
//! read they are put back, piece by piece. Pure: where the left-out bytes stand meanwhile is the caller's ([`Spool`]).
//!
//! What always holds: reading a cut body is reading the whole one, contents, faults and their places alike (`cut_tests`). That is so because
//! nothing is cut but the middle of a run that begins right behind `>` or `[` (XML) or `"` (JSON), with a character of base64 before any
//! more than blanks, and of which more stays than a text may be long: wherever it is not a content, the strict readers refuse such a text for
//! its length or its first character, or pass over it (a comment, an unknown place) without a look at what it says.

use super::fault::{FaultKind, Place, WireFault};
use super::slip::{Lexed, MAX_TEXT, Slip};
use std::io;
use std::ops::Range;

/// How much of a run stays at its head: more than the longest text.
const HEAD: usize = MAX_TEXT + 1;
/// A run is cut once so much has come behind its head.
const WORTH: usize = 32 * 1024;
/// Bytes read from the spool at once.
const CHUNK: usize = 64 * 1024;
const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

/// What was left out at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Where in the text that stayed, bytes.
    at: usize,
    /// Where in the body, bytes.
    from: u64,
    /// How long, bytes; all of them ASCII.
    len: usize,
    /// Line ends in it, and the bytes behind the last of them (none: all).
    lines: u32,
    last: usize,
}

/// Cuts a body while it arrives.
#[derive(Debug)]
pub struct Cutter {
    json: bool,
    /// How long the body is, where that is known: memory for its text does not grow beyond.
    most: usize,
    text: Vec<u8>,
    gaps: Vec<Gap>,
    /// The body from its start, as far as it was not taken away; none as long as nothing is cut.
    spill: Option<Vec<u8>>,
    state: State,
}

/// Where the body stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A document in UTF-16 has no runs that could be told here.
    Uncut,
    /// Up to a sign that a run may follow.
    Outside,
    /// Behind such a sign, and blanks.
    Behind,
    /// In a run of which so many bytes are to stay.
    Head(usize),
    /// In what may be left out; it begins there in the text.
    Long(usize),
}

/// The whole body by its offsets, where it was put.
pub trait Spool {
    /// Fills `into` with the bytes from `from` on.
    fn read(&self, from: u64, into: &mut [u8]) -> io::Result<()>;
}

/// A body that was cut.
#[derive(Clone, Copy)]
pub struct Wire<'a> {
    /// What stayed of it.
    pub text: &'a [u8],
    /// What is missing, in order.
    pub gaps: &'a [Gap],
    /// Where that is.
    pub spool: &'a dyn Spool,
}

/// What was left out of the text that a reader reads.
#[derive(Clone, Copy)]
pub(super) struct Gaps<'a> {
    list: &'a [Gap],
    /// How many bytes before the text (a mark) the gaps count.
    before: usize,
    spool: &'a dyn Spool,
}

struct NoSpool;

// === impl Gap ===

#[cfg(test)]
impl Gap {
    pub(super) fn place(&self) -> (usize, u64, usize) {
        (self.at, self.from, self.len)
    }
}

// === impl Cutter ===

impl Cutter {
    /// Before the first byte of a body, XML or JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, most: usize::MAX, text: Vec::new(), gaps: Vec::new(), spill: None, state: State::Outside }
    }

    /// The body will be of so many bytes.
    pub fn expect(&mut self, bytes: usize) {
        self.most = bytes;
    }

    /// The next bytes.
    pub fn push(&mut self, mut piece: &[u8]) {
        if self.text.len() < 2 && self.gaps.is_empty() {
            let first: Vec<u8> = self.text.iter().chain(piece).take(2).copied().collect();
            if matches!(first.as_slice(), [0xff, 0xfe] | [0xfe, 0xff]) {
                self.state = State::Uncut;
            }
        }
        while !piece.is_empty() {
            let (len, next) = self.step(piece);
            let (taken, rest) = piece.split_at(len.min(piece.len()));
            self.keep(taken);
            if let Some(spill) = &mut self.spill {
                spill.extend_from_slice(taken);
            }
            if let State::Long(start) = self.state {
                self.leave_out(start);
            }
            (self.state, piece) = (next, rest);
        }
    }

    fn keep(&mut self, taken: &[u8]) {
        let (has, needs) = (self.text.len(), self.text.len() + taken.len());
        if needs > self.text.capacity() {
            self.text.reserve_exact(needs.saturating_mul(2).min(self.most).max(needs) - has);
        }
        self.text.extend_from_slice(taken);
    }

    /// How many of the next bytes go on as the body stands, and how it stands behind them.
    fn step(&self, piece: &[u8]) -> (usize, State) {
        let run = |most: usize| piece.iter().take(most).take_while(|b| self.runs(**b)).count();
        match self.state {
            State::Uncut => (piece.len(), State::Uncut),
            State::Outside => {
                let sign = if self.json { memchr::memchr(b'"', piece) } else { memchr::memchr2(b'>', b'[', piece) };
                sign.map_or((piece.len(), State::Outside), |at| (at + 1, State::Behind))
            }
            State::Behind => {
                let blanks = if self.json { 0 } else { super::xml_tokens::blanks(piece) };
                match piece.get(blanks) {
                    None => (blanks, State::Behind),
                    Some(b' ') => (blanks, State::Outside),
                    Some(byte) => (blanks, if self.runs(*byte) { State::Head(HEAD) } else { State::Outside }),
                }
            }
            State::Head(left) => match run(left) {
                len if len == left => (len, State::Long(self.text.len() + len)),
                len if len == piece.len() => (len, State::Head(left - len)),
                len => (len, State::Outside),
            },
            State::Long(start) => match run(piece.len()) {
                len if len == piece.len() => (len, State::Long(start)),
                len => (len, State::Outside),
            },
        }
    }

    /// Whether a run goes on with it.
    fn runs(&self, byte: u8) -> bool {
        let blank = byte == b' ' || (!self.json && matches!(byte, b'\t' | b'\n' | b'\r'));
        byte.is_ascii_alphanumeric() || blank || matches!(byte, b'+' | b'/')
    }

    /// Leaves out what stands behind the head of a run, if that is worth it.
    fn leave_out(&mut self, start: usize) {
        if self.text.len() < start + WORTH {
            return;
        }
        if self.spill.is_none() {
            self.spill = Some(self.text.clone());
        }
        let out = self.text.get(start..).unwrap_or_default();
        if self.gaps.last().is_none_or(|gap| gap.at != start) {
            let from = self.gaps.last().map_or(0, |gap| gap.from + gap.len as u64 - gap.at as u64) + start as u64;
            self.gaps.push(Gap { at: start, from, ..Gap::default() });
        }
        if let Some(gap) = self.gaps.last_mut() {
            let lines = memchr::memchr_iter(b'\n', out).count();
            let behind = memchr::memrchr(b'\n', out).map(|at| out.len() - at - 1);
            gap.len += out.len();
            gap.lines += u32::try_from(lines).unwrap_or(u32::MAX);
            gap.last = behind.unwrap_or(gap.last + out.len());
        }
        self.text.truncate(start);
    }

    /// Bytes of the body, from its start, that are to be put where [`Spool`] finds them; none before something is left out.
    pub fn spill(&mut self) -> Option<&mut Vec<u8>> {
        self.spill.as_mut()
    }

    /// Memory that it holds, bytes.
    #[must_use]
    pub fn held(&self) -> usize {
        self.text.capacity() + self.spill.as_ref().map_or(0, Vec::capacity)
    }

    /// The body is over: what stayed of it, and what is missing.
    #[must_use]
    pub fn end(self) -> (Vec<u8>, Vec<Gap>) {
        (self.text, self.gaps)
    }
}

// === impl Wire ===

impl<'a> Wire<'a> {
    pub(super) fn gaps(&self) -> Gaps<'a> {
        let before = if self.text.starts_with(BOM) { BOM.len() } else { 0 };
        Gaps { list: self.gaps, before, spool: self.spool }
    }

    /// The place of a fault of the text that stayed, in the body.
    pub fn mend(&self, fault: &mut WireFault) {
        self.gaps().mend(self.text.strip_prefix(BOM).unwrap_or(self.text), &mut fault.place);
    }
}

// === impl Gaps ===

impl<'a> Gaps<'a> {
    /// A body that is whole.
    pub(super) const NONE: Self = Self { list: &[], before: 0, spool: &NoSpool };

    /// The gaps of a piece of the text: a run, with its gap, lies within one.
    fn inside(self, piece: Range<usize>) -> impl Iterator<Item = (usize, &'a Gap)> {
        let own = self.list.iter().map(move |gap| (gap.at.saturating_sub(self.before), gap));
        own.filter(move |(at, _)| piece.start < *at && *at <= piece.end)
    }

    /// How many bytes are missing in a piece of the text.
    pub(super) fn missing(self, piece: Range<usize>) -> usize {
        self.inside(piece).map(|(_, gap)| gap.len).sum()
    }

    /// An XML text as it stands, where something of it is missing: its place, and without the marks of a CDATA section.
    pub(super) fn raw(self, src: &'a str, token: Range<usize>) -> Option<(usize, &'a str)> {
        self.inside(token.clone()).next()?;
        let raw = src.get(token.clone())?;
        let inside = raw.strip_prefix("<![CDATA[").and_then(|text| text.strip_suffix("]]>"));
        Some(inside.map_or((token.start, raw), |text| (token.start + "<![CDATA[".len(), text)))
    }

    /// Hands out the text at `at` with what is missing in its place.
    pub(super) fn fill(self, at: usize, text: &str, take: &mut dyn FnMut(&str) -> Lexed<()>) -> Lexed<()> {
        let mut done = 0;
        for (place, gap) in self.inside(at..at + text.len()) {
            take(text.get(done..place - at).unwrap_or(""))?;
            done = place - at;
            self.hand_out(at, gap, take)?;
        }
        take(text.get(done..).unwrap_or(""))
    }

    fn hand_out(self, at: usize, gap: &Gap, take: &mut dyn FnMut(&str) -> Lexed<()>) -> Lexed<()> {
        let lost =
            || Slip::new(at, FaultKind::Content, "nội dung đọc lại được từ kho tệp", "a content that the store gives back");
        let mut buffer = vec![0; CHUNK.min(gap.len)];
        let mut done = 0;
        while done < gap.len {
            let len = CHUNK.min(gap.len - done);
            let piece = buffer.get_mut(..len).unwrap_or_default();
            self.spool.read(gap.from + done as u64, piece).map_err(|_| lost())?;
            take(std::str::from_utf8(piece).map_err(|_| lost())?)?;
            done += len;
        }
        Ok(())
    }

    /// A place of the text as the place of the body.
    fn mend(self, text: &[u8], place: &mut Place) {
        let here = place.offset.min(text.len());
        let chars = |from: usize| text.get(from..here).unwrap_or_default().iter().filter(|b| (**b & 0xc0) != 0x80).count();
        // Behind the last line end, as far as that was looked for; and what is missing there.
        let (mut upto, mut missing, mut same_line) = (here, 0, true);
        for gap in self.list.iter().rev() {
            let at = gap.at.saturating_sub(self.before);
            if at > place.offset {
                continue;
            }
            same_line &= !text.get(at..upto).unwrap_or_default().contains(&b'\n');
            if same_line && gap.lines > 0 {
                place.column = clip(chars(at) + missing + gap.last + 1);
                (missing, same_line) = (0, false);
            } else if same_line {
                missing += gap.len;
            }
            place.line += gap.lines;
            upto = at;
        }
        place.column += clip(missing);
        let before = self.list.iter().filter(|gap| gap.at.saturating_sub(self.before) <= place.offset);
        place.offset += before.map(|gap| gap.len).sum::<usize>();
    }
}

fn clip(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl Spool for NoSpool {
    fn read(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::NotFound.into())
    }
}

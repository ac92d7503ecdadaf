//! A lexical fault on its way to becoming a [`WireFault`]: the readers know the byte offset, the driver knows the pointer.

use super::fault::{Both, Counted, FaultKind, Found, WireFault};

/// A fault at a byte offset. Boxed inside, so that results stay small on the good path.
#[derive(Debug)]
pub(crate) struct Slip(pub(crate) Box<SlipParts>);

/// What a slip knows.
#[derive(Debug)]
pub(crate) struct SlipParts {
    pub(crate) offset: usize,
    pub(crate) kind: FaultKind,
    pub(crate) expected: Both,
    pub(crate) found: Found,
    pub(crate) pointer: Option<String>,
}

pub(crate) type Lexed<T> = Result<T, Slip>;

/// The longest text of a field (contents excepted), in bytes.
pub(crate) const MAX_TEXT: usize = 64 * 1024;
/// The deepest nesting.
pub(crate) const MAX_DEPTH: usize = 64;
/// The most attributes of one element.
pub(crate) const MAX_ATTRIBUTES: usize = 256;
/// The longest held subtree whose form is chosen by a code that follows, in bytes.
pub(crate) const MAX_HELD: usize = 256 * 1024;

// === impl Slip ===

impl Slip {
    pub(crate) fn new(offset: usize, kind: FaultKind, vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self::found(offset, kind, vi, en, Found::Unsaid)
    }

    pub(crate) fn found(offset: usize, kind: FaultKind, vi: impl Into<String>, en: impl Into<String>, found: Found) -> Self {
        Self(Box::new(SlipParts { offset, kind, expected: Both::new(vi, en), found, pointer: None }))
    }

    pub(crate) fn syntax(offset: usize, vi: &str, en: &str) -> Self {
        Self::new(offset, FaultKind::Syntax, vi, en)
    }

    /// Text longer than the limit.
    pub(crate) fn too_long(offset: usize) -> Self {
        Self::new(
            offset,
            FaultKind::Limit,
            format!("văn bản tối đa {MAX_TEXT} byte"),
            format!("text of at most {MAX_TEXT} bytes"),
        )
    }

    /// Nesting deeper than the limit.
    pub(crate) fn too_deep(offset: usize) -> Self {
        Self::new(offset, FaultKind::Limit, format!("lồng tối đa {MAX_DEPTH} cấp"), format!("at most {MAX_DEPTH} levels"))
    }

    /// The pointer, unless one is known already (the innermost wins).
    pub(crate) fn under(mut self, pointer: impl FnOnce() -> String) -> Self {
        if self.0.pointer.is_none() {
            self.0.pointer = Some(pointer());
        }
        self
    }

    pub(crate) fn into_fault(self, source: &str) -> WireFault {
        self.fault_after(Counted::default(), source)
    }

    /// The same, where lines are counted up to a place before it.
    pub(crate) fn fault_after(self, counted: Counted, source: &str) -> WireFault {
        let parts = *self.0;
        let place = counted.place(source, parts.offset, parts.pointer.unwrap_or_default());
        WireFault { place, kind: parts.kind, expected: parts.expected, found: parts.found }
    }
}

/// Bytes as text: UTF-8 (a mark is skipped when `mark`), else a slip.
pub(crate) fn utf8(bytes: &[u8]) -> Lexed<&str> {
    // Nearly always it is; where it is not, the slow way tells the place.
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Ok(text);
    }
    std::str::from_utf8(bytes).map_err(|e| Slip::new(e.valid_up_to(), FaultKind::Encoding, "UTF-8 hợp lệ", "valid UTF-8"))
}

/// A slip of undecodable bytes cannot show its place in a text: the valid part counts.
pub(crate) fn lossy_fault(slip: Slip, bytes: &[u8]) -> WireFault {
    let upto = slip.0.offset.min(bytes.len());
    let valid = bytes.get(..upto).and_then(|b| std::str::from_utf8(b).ok()).unwrap_or("");
    slip.into_fault(valid)
}

//! Faults of a partner's texts in rustc's manner: the line, a caret, a hint. Rendering only; nothing is judged here.

use super::source::{Source, SourceFault};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// Renders all faults, one group each, `color` for terminals.
#[must_use]
pub fn render(faults: &[SourceFault], source: &Source, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut out = String::new();
    for fault in faults {
        let text = source.files.get(&fault.file).map_or("", String::as_str);
        let path = format!("{}/{}", source.name, fault.file);
        let start = fault.start.min(text.len());
        let end = (fault.start + fault.len).min(text.len());
        let snippet = Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(start..end.max(start)));
        let mut group = Level::ERROR.primary_title(fault.text.as_str()).element(snippet);
        if let Some(hint) = &fault.hint {
            group = group.element(Level::HELP.message(hint.as_str()));
        }
        out.push_str(&renderer.render(&[group]).to_string());
        out.push_str("\n\n");
    }
    out
}

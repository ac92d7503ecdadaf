//! The documents of a schema: the one that is named, with all it includes and imports, as trees.

use super::tree::{Element, read};
use std::sync::Arc;

/// What is wrong in a schema file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SchemaWrong {
    /// The file, as it was named.
    pub(crate) file: String,
    /// Byte offset in it.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) text: String,
}

/// A schema document, read.
pub(super) struct Doc {
    pub(super) file: Arc<str>,
    pub(super) top: Element,
    pub(super) target: String,
    pub(super) qualified: bool,
    pub(super) qualified_attributes: bool,
}

/// A document that is to be read.
#[derive(Default)]
struct Wanted {
    file: String,
    /// It is included: of the same namespace, or of none and takes that. Else imported.
    include: bool,
    namespace: Option<String>,
    /// The document and the place that name it.
    from: Option<(String, usize)>,
}

/// The document and all it includes and imports.
pub(super) fn documents<'t>(path: &str, text: &dyn Fn(&str) -> Option<&'t str>) -> Result<Vec<Doc>, Vec<SchemaWrong>> {
    let (mut docs, mut wrong): (Vec<Doc>, Vec<SchemaWrong>) = (Vec::new(), Vec::new());
    let mut open = vec![Wanted { file: path.to_owned(), ..Wanted::default() }];
    while let Some(wanted) = open.pop() {
        if docs.iter().any(|d| *d.file == *wanted.file) {
            continue;
        }
        let file = wanted.file.clone();
        let Some(source) = text(&file) else {
            wrong.push(wanted.told(format!("there is no file `{file}` under schemas/")));
            continue;
        };
        let top = match read(source) {
            Ok(top) if top.is("schema") => top,
            Ok(top) => {
                wrong.push(SchemaWrong { file, at: top.at, text: "this is not an XSD: the root is not xs:schema".to_owned() });
                continue;
            }
            Err((at, text)) => {
                wrong.push(SchemaWrong { file, at, text });
                continue;
            }
        };
        let own = top.get("targetNamespace");
        if let Some(text) = wanted.another(own) {
            wrong.push(wanted.told(text));
        }
        // A document without a namespace of its own takes that of the one which includes it.
        let target = own.or(wanted.namespace.as_deref()).unwrap_or("").to_owned();
        for child in &top.children {
            let told = |text: &str| SchemaWrong { file: file.clone(), at: child.at, text: text.to_owned() };
            let include = match child.name.local.as_str() {
                "include" => true,
                "import" => false,
                "redefine" | "override" => {
                    wrong.push(told("redefine and override are not read; include the file as it is"));
                    continue;
                }
                _ => continue,
            };
            let Some(place) = child.get("schemaLocation") else { continue };
            match beside(&file, place) {
                Ok(next) => open.push(Wanted {
                    file: next,
                    include,
                    namespace: if include { Some(target.clone()) } else { child.get("namespace").map(str::to_owned) },
                    from: Some((file.clone(), child.at)),
                }),
                Err(text) => wrong.push(told(text)),
            }
        }
        let qualified = top.get("elementFormDefault") == Some("qualified");
        let qualified_attributes = top.get("attributeFormDefault") == Some("qualified");
        docs.push(Doc { file: file.into(), top, target, qualified, qualified_attributes });
    }
    if wrong.is_empty() { Ok(docs) } else { Err(wrong) }
}

/// The path of a schema that another names: inside that one's folder, so that what an adapter means by a name is never another's file.
fn beside(file: &str, place: &str) -> Result<String, &'static str> {
    if place.contains("://") {
        return Err("a schema elsewhere is not fetched: put it beside this one and name it by its file");
    }
    let place = place.trim_start_matches("./");
    if place.starts_with('/') || place.contains('\\') || place.split('/').any(|step| step == ".." || step.is_empty()) {
        return Err("a schema is named by its path inside this one's folder: `name.xsd` or `inner/name.xsd`, without `..`");
    }
    let folder = file.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    Ok(format!("{folder}{place}"))
}

// === impl Wanted ===

impl Wanted {
    fn told(&self, text: String) -> SchemaWrong {
        let (file, at) = self.from.clone().unwrap_or_default();
        SchemaWrong { file, at, text }
    }

    /// What is wrong with the namespace of the document that was found.
    fn another(&self, own: Option<&str>) -> Option<String> {
        self.from.as_ref()?;
        let (file, wanted, own) = (&self.file, self.namespace.as_deref().unwrap_or(""), own.unwrap_or(""));
        match self.include {
            true if !own.is_empty() && own != wanted => Some(format!(
                "`{file}` is of the namespace `{own}`: only one of this namespace (`{wanted}`) is included; import it"
            )),
            false if own != wanted => Some(format!("the import says namespace `{wanted}`, and `{file}` is of `{own}`")),
            _ => None,
        }
    }
}

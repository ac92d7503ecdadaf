//! The documents that are translated: the portal's sample dossier, made longer by more papers, in both partners' wires.

use lienthong::body::{Value, json};
use lienthong::catalogue::{Catalogue, Files, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{Context, Mapping, MemoryContents, NoContents, Reading};
use lienthong::model::Kind;

const PORTAL: &str = "hanoi";
const MINISTRY: &str = "moet";
const FILE: &str = "XML with a file of 5 MB";

/// Everything that is compiled once.
pub(crate) struct Engine {
    catalogue: Catalogue,
    sample: Value,
}

/// One document on one wire.
pub(crate) struct Document {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    body: Value,
    contents: MemoryContents,
    partner: &'static str,
}

/// Takes contents and keeps nothing of them.
#[derive(Default)]
struct Digested {
    size: u64,
}

impl lienthong::mapping::ContentSink for Digested {
    fn begin(&mut self) -> std::io::Result<()> {
        self.size = 0;
        Ok(())
    }

    fn piece(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn end(&mut self) -> std::io::Result<lienthong::mapping::Content> {
        Ok(lienthong::mapping::Content { blob: "sha256:0".to_owned(), size: self.size })
    }
}

impl Document {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub(crate) fn is_xml(&self) -> bool {
        self.partner == MINISTRY
    }
}

impl Engine {
    pub(crate) fn new() -> Self {
        let files = Files::embedded();
        let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
        let sample = include_str!("../../adapters/moet/samples/submit/pupil-2025.canonical.json");
        Self { catalogue, sample: serde_json::from_str(sample).unwrap() }
    }

    fn map(&self, partner: &str) -> &Mapping {
        self.catalogue.partners.get(partner).unwrap().map("submit").unwrap()
    }

    fn context() -> Context {
        Context::new().with("message.id", "019a0b7c-5e2f-7c3a-9d41-000000000004")
    }

    /// The sample with so many papers of three files each, without contents.
    fn dossier(&self, papers: usize, portal: bool) -> Value {
        let mut body = self.sample.clone();
        let paper = |n: usize| {
            let files: Vec<Value> = (0..3)
                .map(|f| {
                    let mut file = json!({
                        "id": format!("tep-{n:05}-{f}"), "name": format!("học bạ trang {n}-{f}.pdf"),
                        "digest": format!("{n:063x}{f}"),
                    });
                    if !portal {
                        file["type"] = "application/pdf".into();
                    }
                    file
                })
                .collect();
            json!({ "code": format!("TP{n:05}"), "name": format!("Học bạ trung học phổ thông, bản sao số {n}"), "copies": 1 + n % 3, "kind": "copy", "files": files })
        };
        body["papers"] = (0..papers).map(paper).collect();
        if portal {
            for name in ["due_at", "procedure_name"] {
                body.as_object_mut().unwrap().remove(name);
            }
            body["agency"].as_object_mut().unwrap().remove("name");
        }
        body
    }

    fn document(&self, name: &'static str, partner: &'static str, papers: usize) -> Document {
        let body = self.dossier(papers, partner == PORTAL);
        let bytes = self.map(partner).write(&body, &Self::context(), &NoContents, None).unwrap();
        Document { name, bytes, body, contents: MemoryContents::default(), partner }
    }

    /// One file of five million bytes, and nothing else that is long.
    fn with_content(&self) -> Document {
        use lienthong::mapping::ContentSink as _;
        let mut contents = MemoryContents::default();
        contents.begin().unwrap();
        (0..5_000_u32).for_each(|n| contents.piece(&n.to_le_bytes().repeat(250)).unwrap());
        let content = contents.end().unwrap();
        let mut body = self.dossier(1, false);
        body["papers"][0]["files"][0]["content"] = json!({ "blob": content.blob, "size": content.size });
        let bytes = self.map(MINISTRY).write(&body, &Self::context(), &contents, None).unwrap();
        Document { name: FILE, bytes, body, contents, partner: MINISTRY }
    }

    /// The documents whose name holds `only`.
    pub(crate) fn documents(&self, only: &str) -> Vec<Document> {
        const MADE: [(&str, &str, usize); 6] = [
            ("XML 3 KB", MINISTRY, 2),
            ("XML 20 KB", MINISTRY, 28),
            ("XML 5 MB", MINISTRY, 8_100),
            ("JSON 3 KB", PORTAL, 3),
            ("JSON 20 KB", PORTAL, 37),
            ("JSON 5 MB", PORTAL, 9_700),
        ];
        let made = MADE.into_iter().filter(|(name, ..)| name.contains(only));
        let mut documents: Vec<Document> = made.map(|(name, partner, papers)| self.document(name, partner, papers)).collect();
        if FILE.contains(only) {
            documents.push(self.with_content());
        }
        documents
    }

    pub(crate) fn read(&self, document: &Document) -> Reading {
        let map = self.map(document.partner);
        map.read(&document.bytes, &Context::new(), &mut Digested::default()).unwrap().remove(0)
    }

    pub(crate) fn write(&self, document: &Document) -> Vec<u8> {
        self.map(document.partner).write(&document.body, &Self::context(), &document.contents, None).unwrap()
    }

    /// Whether the document is one that a caller may hand in (the schema bounds the number of papers).
    pub(crate) fn fits(&self, document: &Document) -> bool {
        self.catalogue.validate(Kind::DossierSubmit, &document.body, None).is_empty()
    }

    /// What a portal's submission goes through until it is the Ministry's XML; the catalogue's names are put in as the gateway does.
    pub(crate) fn translate(&self, document: &Document) -> Vec<u8> {
        let mut body = self.read(document).body;
        assert!(self.catalogue.validate(Kind::DossierSubmit, &body, None).is_empty());
        body["agency"]["name"] = "Sở Giáo dục và Đào tạo Hà Nội".into();
        self.map(MINISTRY).write(&body, &Self::context(), &NoContents, None).unwrap()
    }
}

//! L2 (one spelling) over wires made from the wire's own schema: for every mapping with an XSD, documents that the XSD allows, from any to
//! those near to one we write, are read, written and read again.
//!
//! - `read(w)` is refused only for what is listed below, by mapping, place and kind; a new refusal is a failure, and so is an idle entry.
//! - `write(read(w)) = normal(w)`: valid by the XSD (judged by uppsala), read as the same, written as the same bytes; every text of `w`
//!   stands in it again, but where a line says otherwise (`*`, `~`, several spellings), where what is unknown is reported, and in the spelling of
//!   numbers. That comparison knows nothing of the mapping's inside: it looks at two XML trees (roxmltree).
//! - Every place of a schema stands in some document that got through, but for those that are listed as never read.

use super::respell::respell;
use super::rig::{StandIn, described, files, head, known, loose, payload, place, schemas};
use super::tried::{Entry, Tried, Wanted, chance_of, seeds};
use lienthong::catalogue::{Catalogue, Files, Partner, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{
    Context, Envelope, Format, Inventor, Mapping, MemoryContents, Reading, WireElement, WireFault, Xsd, XsdInventor,
};
use lienthong::seal::Chance;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization as _;

/// Documents of each mapping and form.
const DOCUMENTS: u64 = 40;

/// How near to the donor, document by document.
const NEAR: &[f64] = &[0.0, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.995, 0.998, 1.0];

/// The same where a place is wanted.
const NEARER: &[f64] = &[0.95, 0.99, 0.998, 1.0, 1.0];

/// What the readers refuse of documents that the XSD allows: mapping (`*`: any), place on the wire (`…`: its end; `*`: any), kind.
const REFUSED: &[Entry] = &[
    // Which answer it is: the reply's judge looks first, each mapping reads its own.
    ("moet/ack", "PhanHoi/MaPhanHoi", "Constant"),
    ("moet/ack-refused", "PhanHoi/MaPhanHoi", "Constant"),
    ("moet/inquiry-reply", "TraCuuKetQua/MaPhanHoi", "Constant"),
    ("moet/inquiry-reply", "TraCuuKetQua/DaBiet", "Missing"),
    ("*", "…/MaPhanHoi", "Code"),
    // What must agree and does not: the name and the same in capitals; a form that is not the procedure's on that day.
    ("*", "…/HoTenInHoa", "Disagrees"),
    ("*", "…/ToKhai", "Form"),
    ("*", "…/DuThi2019", "Missing"),
    ("*", "…/DuThi2019", "Unknown"),
    ("*", "…/DuThi2025", "Missing"),
    ("*", "…/DuThi2025", "Unknown"),
    ("*", "…/PhucKhao2019", "Missing"),
    ("*", "…/PhucKhao2019", "Unknown"),
    ("*", "…/PhucKhao2025", "Missing"),
    ("*", "…/PhucKhao2025", "Unknown"),
    ("*", "…/XetTuyen2019", "Missing"),
    ("*", "…/XetTuyen2019", "Unknown"),
    ("*", "…/XetTuyen2025", "Missing"),
    ("*", "…/XetTuyen2025", "Unknown"),
    ("*", "…/MienThiNgoaiNgu", "Disagrees"),
    // What the XSD says in words only: one NamHoc a grade, TenLop with grade 12 only, a certificate with its flag, a signature's day with its number.
    ("*", "…/NamHoc", "Duplicate"),
    ("*", "…/NamHoc", "Missing"),
    ("*", "…/NamHoc/TenLop", "Missing"),
    ("*", "…/NamHoc/TenLop", "Unknown"),
    ("*", "…/ChungChi", "Missing"),
    ("*", "…/MaHuyen", "Missing"),
    ("moet/result", "TraKetQua/SoQuyetDinh", "Missing"),
    // Their bytes are attachments of their own.
    ("moet/dossier-file", "…/TepTin/NoiDung", "Unknown"),
    // A letter of any office about anything: read are those that carry a dossier to us, with the attachments that belong to it.
    ("moet/letter", "*", "Constant"),
    ("moet/letter", "*", "Disagrees"),
    ("moet/letter", "*", "Missing"),
    ("moet/letter", "*", "Duplicate"),
    ("moet/letter", "*", "Content"),
    ("moet/letter", "*", "Encoding"),
];

/// The same where bytes made up by chance must be UTF-8 (and then are no XML): the file that should be the dossier.
const BY_CHANCE: &[Entry] = &[("moet/letter", "*", "Syntax")];

/// Optional places that tell what another place tells too: where only one of them does, both are written.
const SAID_TWICE: &[(&str, &str)] = &[
    ("moet/letter", "edXML/AttachmentEncoded/Attachment/ContentType"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLBody/edXMLManifest/Reference/ContentType"),
];

/// Places of the schemas that no document which is read has: mapping and place.
const NEVER: &[(&str, &str)] = &[
    // Refused there: see above.
    ("moet/dossier-file", "HoSo/GiayTo/ThanhPhan/TepTin/NoiDung"),
];

/// One mapping with what a round needs.
struct Setting<'s> {
    map: &'s Mapping,
    sealer: StandIn<'s>,
    xsd: uppsala::XsdValidator,
    /// The schema's places with their builtin types.
    places: BTreeMap<String, String>,
    /// Places whose text need not come back as it was.
    loose: BTreeSet<String>,
}

/// One mapping with all that its documents are made from.
struct Subject<'s> {
    title: String,
    partner: &'s Partner,
    setting: Setting<'s>,
    inventor: &'s Inventor,
    xsd: &'s Xsd,
    root: (&'s str, &'s str),
    forms: Vec<Option<&'s str>>,
    chance: Chance,
    donor: Option<WireElement>,
}

/// What became of a document.
enum Round {
    /// The law held.
    Held,
    /// It was not read.
    Refused(Vec<WireFault>),
    /// The generator made what the schema does not allow.
    Invalid(String),
    Broken(String),
}

fn tree(node: roxmltree::Node<'_, '_>) -> WireElement {
    let children: Vec<WireElement> = node.children().filter(roxmltree::Node::is_element).map(tree).collect();
    WireElement {
        name: (node.tag_name().namespace().unwrap_or("").to_owned(), node.tag_name().name().to_owned()),
        attributes: node
            .attributes()
            .map(|a| ((a.namespace().unwrap_or("").to_owned(), a.name().to_owned()), a.value().to_owned()))
            .collect(),
        text: if children.is_empty() { node.children().filter_map(|n| n.text()).collect() } else { String::new() },
        children,
    }
}

fn parsed(xml: &str) -> WireElement {
    tree(roxmltree::Document::parse(xml).unwrap().root_element())
}

/// Every text of a tree with its place.
fn leaves(element: &WireElement, path: &str, to: &mut Vec<(String, String)>) {
    let path = if path.is_empty() { element.name.1.clone() } else { format!("{path}/{}", element.name.1) };
    to.extend(element.attributes.iter().map(|((_, name), value)| (format!("{path}/@{name}"), value.clone())));
    if element.children.is_empty() {
        to.push((path.clone(), element.text.clone()));
    }
    element.children.iter().for_each(|child| leaves(child, &path, to));
}

fn enveloped(xml: &str, envelope: Envelope) -> String {
    let ns = match envelope {
        Envelope::None => return xml.to_owned(),
        Envelope::Soap11 => "http://schemas.xmlsoap.org/soap/envelope/",
        Envelope::Soap12 => "http://www.w3.org/2003/05/soap-envelope",
    };
    format!("<e:Envelope xmlns:e=\"{ns}\"><e:Body>{xml}</e:Body></e:Envelope>")
}

// === impl Setting ===

impl Setting<'_> {
    fn round(&self, made: &WireElement, ctx: &Context, chance: &mut Chance) -> Round {
        let xml = made.to_xml();
        if let Some(why) = self.invalid(&xml) {
            return Round::Invalid(format!("{why}\n{xml}"));
        }
        let wire = enveloped(&xml, self.map.envelope());
        let mut kept = MemoryContents::default();
        let reading = match self.map.read(wire.as_bytes(), ctx, &mut kept) {
            Ok(mut readings) if readings.len() == 1 => readings.remove(0),
            Ok(readings) => return Round::Broken(format!("{} messages\n{wire}", readings.len())),
            Err(faults) => return Round::Refused(faults),
        };
        match self.law(&xml, &wire, &reading, ctx, &mut kept, chance) {
            Ok(()) => Round::Held,
            Err(why) => Round::Broken(format!("{why}\n{wire}\n{:#}", reading.body)),
        }
    }

    fn law(
        &self,
        xml: &str,
        wire: &str,
        reading: &Reading,
        ctx: &Context,
        kept: &mut MemoryContents,
        chance: &mut Chance,
    ) -> Result<(), String> {
        let mut known = ctx.clone();
        reading.context.iter().for_each(|(name, value)| known.set(name.clone(), value.clone()));
        let told = |faults: Vec<WireFault>| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let write = |body, kept: &MemoryContents| {
            let bytes =
                self.map.write(body, &known, kept, Some(&self.sealer)).map_err(|f| format!("read, and not written: {f}"))?;
            String::from_utf8(bytes).map_err(|e| e.to_string())
        };
        let normal = write(&reading.body, kept)?;
        if let Some(why) = self.invalid(&payload(&normal)) {
            return Err(format!("what is written of it is not valid: {why}\n{normal}"));
        }
        let mut one = |bytes: &[u8], what: &str| {
            let mut again = self.map.read(bytes, ctx, kept).map_err(|f| format!("{what} does not read: {}", told(f)))?;
            if again.len() == 1 && again[0].body == reading.body {
                Ok(again.remove(0))
            } else {
                Err(format!("{what} reads otherwise: {again:?}"))
            }
        };
        let again = one(normal.as_bytes(), "what is written of it")?;
        for _ in 0..2 {
            let other = respell(wire, Format::Xml, chance);
            one(&other, &format!("another spelling {}", String::from_utf8_lossy(&other)))?;
        }
        if write(&again.body, kept)? != normal {
            return Err(format!("written again, another text than\n{normal}"));
        }
        self.same_texts(xml, &payload(&normal), reading).map_err(|why| format!("{why}\n{normal}"))
    }

    /// Every text stands again in the normal wire, but where the mapping itself says that it need not.
    fn same_texts(&self, xml: &str, normal: &str, reading: &Reading) -> Result<(), String> {
        let reported: BTreeSet<String> = reading.reported.iter().map(|r| place(&r.pointer)).collect();
        let counted = |xml: &str| {
            let (mut all, mut found) = (Vec::new(), BTreeMap::<(String, String), i64>::new());
            leaves(&parsed(xml), "", &mut all);
            for (path, text) in all {
                let passed = reported.iter().any(|r| path.ends_with(r.as_str()) || path.contains(&format!("{r}/")));
                // The absent forms of a wire are spellings of one thing.
                if !passed && !self.loose.contains(&path) && !text.trim().is_empty() {
                    let text = self.spelled(&path, &text);
                    *found.entry((path, text)).or_default() += 1;
                }
            }
            found
        };
        let (was, is) = (counted(xml), counted(normal));
        if was == is {
            Ok(())
        } else {
            let only = |a: &BTreeMap<(String, String), i64>, b: &BTreeMap<(String, String), i64>| {
                a.iter().filter(|(k, n)| b.get(*k) != Some(n)).map(|(k, _)| format!("{} {:?}", k.0, k.1)).collect::<Vec<_>>()
            };
            Err(format!("not all of it comes back: was {:?}, is {:?}", only(&was, &is), only(&is, &was)))
        }
    }

    /// A text in the one spelling of its type: numbers by their value, texts in NFC.
    fn spelled(&self, path: &str, text: &str) -> String {
        match self.places.get(path).map_or("", String::as_str) {
            "int" | "integer" | "long" | "decimal" | "short" => {
                let number = text.trim().trim_start_matches('+');
                let (sign, number) = number.strip_prefix('-').map_or(("", number), |n| ("-", n));
                let (whole, part) = number.split_once('.').unwrap_or((number, ""));
                let (whole, part) = (whole.trim_start_matches('0'), part.trim_end_matches('0'));
                if whole.is_empty() && part.is_empty() { "0".to_owned() } else { format!("{sign}{whole}.{part}") }
            }
            "base64Binary" => text.split_whitespace().collect(),
            _ => text.nfc().collect(),
        }
    }

    fn invalid(&self, xml: &str) -> Option<String> {
        // uppsala counts lengths in bytes: a character of one byte that no class holds stands for each that takes more.
        let text: String = xml.chars().map(|c| if c.is_ascii() { c } else { '\u{7f}' }).collect();
        match uppsala::parse(&text) {
            Ok(document) => self.xsd.validate(&document).first().map(|f| f.message.clone()),
            Err(e) => Some(e.to_string()),
        }
    }
}

fn validator(files: &Files, path: &str) -> uppsala::XsdValidator {
    let text = files.text(&format!("schemas/{path}")).unwrap();
    uppsala::XsdValidator::from_schema(&uppsala::parse(text).unwrap()).unwrap()
}

// === impl Subject ===

impl Subject<'_> {
    fn one(&mut self, form: Option<&str>, wanted: &Wanted, tried: &mut Tried) {
        let (writing, reading) = known(self.partner, form);
        let (map, chance) = (self.setting.map, &mut self.chance);
        if self.donor.is_none() || chance.hits(0.3) {
            let made = self.inventor.document(map.message(), form, chance).unwrap();
            let bytes = map.write(&made.body, &writing, &made.contents, Some(&self.setting.sealer));
            self.donor = bytes.ok().map(|b| parsed(&payload(&String::from_utf8(b).unwrap()))).or(self.donor.take());
        }
        let near = if wanted.place().is_some() { NEARER } else { NEAR };
        let near = self.donor.as_ref().map(|d| (d, *chance.pick(near).unwrap()));
        let made = XsdInventor::new(self.xsd).document(self.root, near, wanted.place(), chance).unwrap();
        let mut all = Vec::new();
        leaves(&made, "", &mut all);
        match self.setting.round(&made, &reading, chance) {
            Round::Held => {
                let inner = |path: &str| path.match_indices('/').map(|(at, _)| path[..at].to_owned()).collect::<Vec<_>>();
                let outer: Vec<String> = all.iter().flat_map(|(path, _)| inner(path)).collect();
                tried.hold(&self.title, all.into_iter().map(|(path, _)| path).chain(outer));
            }
            Round::Refused(faults) => tried.refuse_all(&self.title, &faults, |place| {
                all.iter().filter(|(path, _)| path == place).map(|(_, text)| text.clone()).collect()
            }),
            Round::Invalid(why) => tried.complain(format!("{} {form:?}, wrongly made: {why}", self.title)),
            Round::Broken(why) => tried.complain(format!("{} {form:?}: {why}", self.title)),
        }
    }
}

#[test]
fn a_wire_of_the_schema_is_read_and_has_one_spelling() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    let canonical = schemas(&files);
    let inventor = Inventor::new(&canonical, catalogue.shapes.editions()).unwrap();
    let described = described(&catalogue, &files, ".xsd");
    let xsds: BTreeMap<&str, Xsd> = described
        .iter()
        .map(|(_, _, path)| (*path, Xsd::load(path, &|path: &str| files.text(&format!("schemas/{path}"))).unwrap()))
        .collect();
    for seed in seeds() {
        let mut tried = Tried::new(seed, REFUSED, NEVER).and_by_chance(BY_CHANCE);
        let mut all: Vec<Subject<'_>> = Vec::new();
        for (partner, name, path) in &described {
            let title = format!("{}/{name}", partner.name);
            let wires = XsdInventor::new(&xsds[path]);
            assert!(wires.unread().is_empty(), "{path}: the inventor does not follow {:?}", wires.unread());
            let namespace = head(&files, &partner.name, name, "namespace").unwrap_or("");
            let root = (namespace, head(&files, &partner.name, name, "root").unwrap());
            let map = partner.book.map(name).unwrap();
            let rooted = |p: String| if p.starts_with(root.1) { p } else { format!("{}/{p}", root.1) };
            let setting = Setting {
                map,
                sealer: StandIn(partner.seal_of(name)),
                xsd: validator(&files, path),
                places: wires.places(root),
                loose: loose(&files, partner, (map, &title), SAID_TWICE).into_iter().map(rooted).collect(),
            };
            tried.knows(&title, setting.places.keys().cloned());
            let has_form = canonical[map.message()].pointer("/properties/form").is_some();
            let forms = inventor.forms().filter(|_| has_form).map(Some).chain([None]).collect();
            let chance = chance_of(seed, &title);
            let xsd = &xsds[path];
            all.push(Subject { title, partner, setting, inventor: &inventor, xsd, root, forms, chance, donor: None });
        }
        for subject in &mut all {
            for form in subject.forms.clone() {
                subject.donor = None;
                (0..DOCUMENTS).for_each(|_| subject.one(form, &Wanted::Any, &mut tried));
            }
        }
        tried.pursue(
            &mut all,
            |subject| subject.title.clone(),
            |tried, subject, n, wanted| {
                let form = subject.forms[n % subject.forms.len()];
                subject.donor = None;
                subject.one(form, wanted, tried);
            },
        );
        tried.is_as_listed();
        assert!(tried.excused("numbers spelled otherwise") > 0 && tried.excused("days that are none") > 0);
    }
}

//! L2 (one spelling) over wires made from the wire's own schema: for every mapping with an XSD, documents that the XSD allows, from any to
//! those near to one we write, are read, written and read again.
//!
//! - `read(w)` is refused only for what is listed below, by mapping, place and kind; a new refusal is a failure, and so is an idle entry.
//! - `write(read(w)) = normal(w)`: valid by the XSD (judged by uppsala), read as the same, written as the same bytes; every text of `w`
//!   stands in it again, but where a line says otherwise (`*`, `~`, several spellings), where what is unknown is reported, and in the spelling of
//!   numbers. That comparison knows nothing of the mapping's inside: it looks at two XML trees (roxmltree).
//! - Places of a schema that no document which got through has are listed too.

use super::laws::{StandIn, context, files, general, head, payload, schemas};
use super::respell::respell;
use lienthong::catalogue::{Catalogue, Files, Partner, Settings};
use lienthong::config::Placeholders;
use lienthong::mapping::{
    Context, Envelope, Format, Inventor, Keeping, Mapping, MemoryContents, Reading, WireElement, WireFault, Xsd, XsdInventor,
};
use lienthong::seal::Chance;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::UnicodeNormalization as _;

const SEED: u64 = 20_261_126;

/// Documents of each mapping and form.
const DOCUMENTS: u64 = 40;

/// How near to the donor, document by document.
const NEAR: &[f64] = &[0.0, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.995, 0.998, 1.0];

/// What the readers refuse of documents that the XSD allows: mapping (`*`: any), place on the wire (`…`: its end; `*`: any), kind.
const REFUSED: &[(&str, &str, &str)] = &[
    // Which answer it is: the reply's judge looks first, each mapping reads its own.
    ("moet/ack", "PhanHoi/MaPhanHoi", "Constant"),
    ("moet/ack-refused", "PhanHoi/MaPhanHoi", "Constant"),
    ("moet/inquiry-reply", "TraCuuKetQua/MaPhanHoi", "Constant"),
    ("moet/inquiry-reply", "TraCuuKetQua/DaBiet", "Missing"),
    ("*", "…/MaPhanHoi", "Code"),
    // `+5`, `007`, `.5`: XSD lets numbers be spelled so, no software that we know does; a number has one spelling here.
    ("*", "…/@soLuong", "Type"),
    ("*", "…/LanBoSung", "Type"),
    ("*", "…/SoTien", "Type"),
    ("*", "…/NamTotNghiep", "Type"),
    ("*", "…/@thuTu", "Type"),
    ("*", "…/DiemBaoLuu", "Type"),
    ("*", "…/BaiThi/Diem", "Type"),
    ("*", "…/DiemChungChi", "Type"),
    // Days that are none (31 February): the XSD knows a pattern only.
    ("*", "…/NgayNop", "Time"),
    ("*", "…/NgayTiepNhan", "Time"),
    ("*", "…/NgayHenTra", "Time"),
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
    ("moet/letter", "*", "Syntax"),
    ("moet/letter", "*", "Encoding"),
    ("moet/letter", "*", "Time"),
];

/// Of these, those that so few documents meet that a run may have none.
const RARE: &[(&str, &str, &str)] = &[
    ("*", "…/DiemBaoLuu", "Type"),
    ("*", "…/BaiThi/Diem", "Type"),
    ("*", "…/DiemChungChi", "Type"),
    ("*", "…/PhucKhao2025", "Unknown"),
    ("moet/letter", "*", "Time"),
];

/// Optional places that tell what another place tells too: where only one of them does, both are written.
const SAID_TWICE: &[(&str, &str)] = &[
    ("moet/letter", "edXML/AttachmentEncoded/Attachment/ContentType"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLBody/edXMLManifest/Reference/ContentType"),
];

/// Places of the schemas that no document which was read has: mapping and place.
const UNREACHED: &[(&str, &str)] = &[
    // Refused there: see above.
    ("moet/dossier-file", "HoSo/GiayTo/ThanhPhan/TepTin/NoiDung"),
    // Each would have to be nearly the only difference from a document of ours.
    ("moet/inquiry-reply", "TraCuuKetQua/ThongDiep"),
    ("moet/letter", "edXML/AttachmentEncoded/Attachment/Description"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/DigitalSignature"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Content"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/DocumentType/TypeDetail"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/From/OrganizationInCharge"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/SteeringType"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/To/OrganizationInCharge"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/ToPlaces"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/MessageHeader/ToPlaces/Place"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/BussinessDocReason"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/Paper"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/StaffInfo"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/StaffInfo/Department"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/StaffInfo/Email"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/StaffInfo/Mobile"),
    ("moet/letter", "edXML/edXMLEnvelope/edXMLHeader/TraceHeaderList/Bussiness/StaffInfo/Staff"),
    ("moet/submit", "NopHoSo/HoSo/ToKhai/DuThi2019/ThiSinhTuDo/DiemBaoLuu"),
    ("moet/submit", "NopHoSo/HoSo/ToKhai/DuThi2019/ThiSinhTuDo/DiemBaoLuu/@mon"),
];

/// One mapping with what a round needs.
struct Setting<'s> {
    map: &'s Mapping,
    sealer: StandIn<'s>,
    xsd: &'s uppsala::XsdValidator,
    /// The schema's places with their builtin types.
    places: BTreeMap<String, String>,
    /// Places whose text need not come back as it was.
    loose: BTreeSet<String>,
}

/// What became of a document.
enum Round {
    /// The law held.
    Held(Vec<(String, String)>),
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

/// A wire place without indices and choosers: `/A/B[1]/@c` and `A/B[]/@c` are one.
pub(crate) fn place(pointer: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in pointer.trim_start_matches('/').chars() {
        match c {
            '[' => inside = true,
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let step = |s: &str| s.rsplit(':').next().unwrap_or(s).to_owned();
    let steps = out.split('/').filter(|s| !s.bytes().all(|b| b.is_ascii_digit()));
    steps
        .map(|s| if s.starts_with('@') { format!("@{}", step(s.trim_start_matches('@'))) } else { step(s) })
        .collect::<Vec<_>>()
        .join("/")
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
            Ok(()) => {
                let mut all = Vec::new();
                leaves(made, "", &mut all);
                Round::Held(all)
            }
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

fn loaded(files: &Files, path: &str) -> (Xsd, uppsala::XsdValidator) {
    let text = |path: &str| files.text(&format!("schemas/{path}"));
    let xsd = Xsd::load(path, &text).unwrap();
    (xsd, uppsala::XsdValidator::from_schema(&uppsala::parse(text(path).unwrap()).unwrap()).unwrap())
}

/// What the readers refuse, as the lists have it: mapping, place, kind.
pub(crate) type Entry = (&'static str, &'static str, &'static str);

/// What came of the documents of all mappings.
#[derive(Default)]
pub(crate) struct Tried {
    pub(crate) mappings: u64,
    pub(crate) held: u64,
    pub(crate) complaints: Vec<String>,
    refused: BTreeMap<(String, String, String), u64>,
    unreached: Vec<(String, String)>,
}

impl Tried {
    pub(crate) fn refuse(&mut self, title: &str, faults: &[WireFault]) {
        for f in faults {
            let key = (title.to_owned(), place(&general(&f.place.pointer)), format!("{:?}", f.kind));
            *self.refused.entry(key).or_default() += 1;
        }
    }

    /// Places of a schema, without those that documents which were read had.
    pub(crate) fn places(&mut self, title: &str, all: impl IntoIterator<Item = String>, reached: &BTreeSet<String>) {
        self.unreached.extend(all.into_iter().filter(|p| !reached.contains(p)).map(|p| (title.to_owned(), p)));
    }

    /// Nothing was wrong, and the lists say what was refused and what not reached: no more, and, by the usual seed, no less but what is rare.
    pub(crate) fn is_as_listed(&self, seed: u64, refused: &[Entry], rare: impl Fn(&Entry) -> bool, unreached: &[(&str, &str)]) {
        for ((map, place, kind), n) in &self.refused {
            println!("    (\"{map}\", \"{place}\", \"{kind}\"), // {n}");
        }
        self.unreached.iter().for_each(|(map, place)| println!("    (\"{map}\", \"{place}\"),"));
        assert!(
            self.complaints.is_empty(),
            "seed {seed}: {} complaints, such as\n{}",
            self.complaints.len(),
            some(&self.complaints)
        );
        let new: Vec<_> = self.refused.keys().filter(|key| !refused.iter().any(|entry| covers(entry, key))).collect();
        assert!(new.is_empty(), "seed {seed}: refused, and not on the list: {new:?}");
        let idle: Vec<_> = refused.iter().filter(|e| !rare(e) && !self.refused.keys().any(|key| covers(e, key))).collect();
        assert!(seed != SEED || idle.is_empty(), "no document is refused for this any more, take it off the list: {idle:?}");
        let missed: Vec<(&str, &str)> = self.unreached.iter().map(|(m, p)| (m.as_str(), p.as_str())).collect();
        assert!(seed != SEED || missed == unreached, "the places no document gets to are not those on the list: {missed:?}");
    }
}

/// The first of a list, each cut.
pub(crate) fn some(list: &[String]) -> String {
    list.iter().take(4).map(|t| t.chars().take(3500).collect()).collect::<Vec<String>>().join("\n\n")
}

/// The seed of a run, told, and each mapping's own chance of it.
pub(crate) fn seeded() -> (u64, impl Fn(&str) -> Chance) {
    let seed = super::mutants::number("LIENTHONG_FUZZ_SEED", SEED);
    println!("seed {seed}");
    (seed, move |title| Chance::new(seed ^ title.bytes().fold(0_u64, |n, b| n.wrapping_mul(31).wrapping_add(b.into()))))
}

/// The mappings whose head names a schema that ends so: the partner, the name, the schema's path.
pub(crate) fn described<'c>(catalogue: &'c Catalogue, files: &'c Files, ending: &str) -> Vec<(&'c Partner, &'c str, &'c str)> {
    let mut all = Vec::new();
    for partner in catalogue.all_partners() {
        for name in partner.book.names() {
            if let Some(path) = head(files, &partner.name, name, "schema").filter(|p| p.ends_with(ending)) {
                all.push((&**partner, name, path));
            }
        }
    }
    all
}

/// Places of a mapping whose text need not come back: what it drops, folds, spells otherwise, or `twice` says of it.
pub(crate) fn loose(
    files: &Files,
    partner: &Partner,
    (map, title): (&Mapping, &str),
    twice: &[(&str, &str)],
) -> BTreeSet<String> {
    let lines = map.fidelity(&files.source(&partner.name)).lines;
    // A seal that was made up is written anew.
    let other = |how| matches!(how, Keeping::Dropped | Keeping::Folded | Keeping::Spellings);
    let loose = lines.iter().filter(|l| other(l.how) || l.text == "$seal");
    let twice = twice.iter().filter(|(map, _)| *map == title).map(|(_, place)| (*place).to_owned());
    loose.map(|l| place(&l.wire)).chain(twice).collect()
}

/// Whether an entry of the list speaks of a refusal.
fn covers((map, place, kind): &Entry, key: &(String, String, String)) -> bool {
    let there = match (place.strip_prefix('…'), place.strip_suffix('…')) {
        (Some(end), _) => key.1.ends_with(end),
        (_, Some(start)) => key.1.starts_with(start),
        (None, None) => *place == "*" || *place == key.1,
    };
    (*map == "*" || *map == key.0) && *kind == key.2 && there
}

/// What a message of the wire knows beside itself; what it tells itself is not known before.
pub(crate) fn known(partner: &Partner, form: Option<&str>) -> (Context, Context) {
    let writing = context(partner, form);
    let mut reading = writing.clone();
    ["message.id", "message.time"].iter().for_each(|name| reading.set(*name, ""));
    (writing, reading)
}

#[test]
fn a_wire_of_the_schema_is_read_and_has_one_spelling() {
    let files = files();
    let catalogue = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap();
    let canonical = schemas(&files);
    let inventor = Inventor::new(&canonical, catalogue.shapes.editions()).unwrap();
    let (seed, chance_of) = seeded();
    let (mut tried, mut invalid) = (Tried::default(), Vec::new());
    for (partner, name, path) in described(&catalogue, &files, ".xsd") {
        tried.mappings += 1;
        let (xsd, validator) = loaded(&files, path);
        let wires = XsdInventor::new(&xsd);
        assert!(wires.unread().is_empty(), "{path}: the inventor does not follow {:?}", wires.unread());
        let title = format!("{}/{name}", partner.name);
        let root =
            (head(&files, &partner.name, name, "namespace").unwrap_or(""), head(&files, &partner.name, name, "root").unwrap());
        let map = partner.book.map(name).unwrap();
        let rooted = |p: String| if p.starts_with(root.1) { p } else { format!("{}/{p}", root.1) };
        let setting = Setting {
            map,
            sealer: StandIn(partner.seal_of(name)),
            xsd: &validator,
            places: wires.places(root),
            loose: loose(&files, partner, (map, &title), SAID_TWICE).into_iter().map(rooted).collect(),
        };
        let mut chance = chance_of(&title);
        let mut reached = BTreeSet::new();
        let has_form = canonical[map.message()].pointer("/properties/form").is_some();
        for form in inventor.forms().filter(|_| has_form).map(Some).chain([None]) {
            let (writing, reading) = known(partner, form);
            let mut donor: Option<WireElement> = None;
            for n in 0..DOCUMENTS {
                if donor.is_none() || chance.hits(0.3) {
                    let made = inventor.document(map.message(), form, &mut chance).unwrap();
                    let bytes = map.write(&made.body, &writing, &made.contents, Some(&setting.sealer));
                    donor = bytes.ok().map(|b| parsed(&payload(&String::from_utf8(b).unwrap()))).or(donor);
                }
                let near = donor.as_ref().map(|d| (d, *chance.pick(NEAR).unwrap()));
                let made = wires.document(root, near, &mut chance).unwrap();
                match setting.round(&made, &reading, &mut chance) {
                    Round::Held(all) => {
                        tried.held += 1;
                        for (path, _) in all {
                            reached.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
                            reached.insert(path);
                        }
                    }
                    Round::Refused(faults) => tried.refuse(&title, &faults),
                    Round::Invalid(why) => invalid.push(format!("{title} {n}: {why}")),
                    Round::Broken(why) => tried.complaints.push(format!("{title} {form:?} {n}: {why}")),
                }
            }
        }
        tried.places(&title, setting.places.into_keys(), &reached);
    }
    println!("{} mappings, {} documents held, {} the generator made wrongly", tried.mappings, tried.held, invalid.len());
    assert!(invalid.is_empty(), "seed {seed}: {} not valid, such as\n{}", invalid.len(), some(&invalid));
    tried.is_as_listed(seed, REFUSED, |entry| RARE.contains(entry), UNREACHED);
}

//! A document whose rows are messages of their own, judged by its XSD row by row.
//!
//! A row is faulty when the document with this row alone is, at a place inside it. What then is left of the document must be valid as if it
//! had come so; where it is not (a fault outside the rows, a number of rows, a key over several of them), the schema judges no row alone,
//! and the document is faulty as a whole.

use super::super::api::Envelope;
use super::validate::{Uppsala, XsdFault, payload, unreadable};
use std::collections::BTreeMap;
use uppsala::{Document, NodeId};

/// The most faults told of one row, or of the document.
pub(super) const MOST: usize = 20;

/// The way to the rows from the document's root, the root first: namespace (empty: none) and local name of each element.
pub type RowsAt = [(Box<str>, Box<str>)];

/// What a schema says of a document of rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The faulty rows, by their place from 0, each with its faults (never empty); empty: the document is valid.
    Rows(BTreeMap<usize, Vec<XsdFault>>),
    /// No row can be judged alone: the document's faults.
    Whole(Vec<XsdFault>),
}

/// The rows of a document, and where they stood.
struct Rows {
    parent: NodeId,
    rows: Vec<NodeId>,
    /// What follows the last of them.
    behind: Option<NodeId>,
}

// === impl Uppsala ===

impl Uppsala {
    /// Judges a document row by row.
    pub(super) fn judge_rows(&self, document: &[u8], envelope: Envelope, at: &RowsAt) -> Judged {
        let Ok(Some(text)) = payload(document, envelope) else { return Judged::Whole(unreadable()) };
        let Ok(mut doc) = uppsala::parse(&text) else { return Judged::Whole(unreadable()) };
        let all = self.told(&doc, None);
        if all.is_empty() {
            return Judged::Rows(BTreeMap::new());
        }
        let whole = || Judged::Whole(all.iter().map(|(_, fault)| fault.clone()).collect());
        let Some(rows) = Rows::of(&doc, at) else { return whole() };
        let mut faulty = BTreeMap::new();
        for (index, row) in rows.rows.iter().enumerate() {
            rows.put(&mut doc, &[*row]);
            let faults = self.told(&doc, Some((*row, index)));
            let inside = |at: &Option<NodeId>| at.is_some_and(|at| at == *row || doc.ancestors(at).contains(row));
            if !faults.iter().all(|(at, _)| inside(at)) {
                return whole();
            }
            if !faults.is_empty() {
                faulty.insert(index, faults.into_iter().map(|(_, fault)| fault).collect());
            }
        }
        let good = rows.rows.iter().enumerate().filter(|(index, _)| !faulty.contains_key(index)).map(|(_, row)| *row);
        let good: Vec<NodeId> = good.collect();
        rows.put(&mut doc, &good);
        if faulty.is_empty() || (!good.is_empty() && !self.told(&doc, None).is_empty()) { whole() } else { Judged::Rows(faulty) }
    }
}

// === impl Rows ===

impl Rows {
    /// The rows, all of one element; none: there are none, or of several.
    fn of(doc: &Document<'_>, at: &RowsAt) -> Option<Self> {
        let named = |id: &NodeId, (ns, local): &(Box<str>, Box<str>)| {
            doc.element(*id).is_some_and(|e| e.name.matches(Some(&**ns).filter(|ns| !ns.is_empty()), local))
        };
        let (root, steps) = at.split_first()?;
        let mut here: Vec<NodeId> = doc.document_element().filter(|id| named(id, root)).into_iter().collect();
        for step in steps {
            here = here.into_iter().flat_map(|id| doc.children(id)).filter(|id| named(id, step)).collect();
        }
        let parent = doc.parent(*here.first()?)?;
        let behind = doc.next_sibling(*here.last()?);
        here.iter().all(|id| doc.parent(*id) == Some(parent)).then_some(Self { parent, rows: here, behind })
    }

    /// Leaves these of the rows in the document, in their order.
    fn put(&self, doc: &mut Document<'_>, these: &[NodeId]) {
        for row in &self.rows {
            doc.detach(*row);
        }
        for row in these {
            match self.behind {
                Some(behind) => doc.insert_before(self.parent, *row, behind),
                None => doc.append_child(self.parent, *row),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::validate::xsd_validator;
    use super::*;

    fn schema(rows: &str, key: &str) -> String {
        format!(
            "<xs:schema xmlns:xs='http://www.w3.org/2001/XMLSchema' xmlns:t='urn:t' targetNamespace='urn:t' elementFormDefault='qualified'>
             <xs:element name='Lo'><xs:complexType><xs:sequence><xs:element name='Ngay' type='xs:date'/>
             <xs:element name='Muc' {rows}><xs:complexType><xs:sequence><xs:element name='Ma' type='xs:int'/>
             <xs:element name='Ten' minOccurs='0'><xs:simpleType><xs:restriction base='xs:string'><xs:maxLength value='5'/></xs:restriction>
             </xs:simpleType></xs:element></xs:sequence></xs:complexType></xs:element><xs:element name='Het' type='xs:string' minOccurs='0'/>
             </xs:sequence></xs:complexType>{key}</xs:element></xs:schema>"
        )
    }

    fn judged(schema: &str, day: &str, rows: &[&str], end: &str) -> Judged {
        let rows: String = rows.iter().map(|row| format!("\n  <t:Muc>{row}</t:Muc>")).collect();
        let document = format!("<t:Lo xmlns:t='urn:t'><t:Ngay>{day}</t:Ngay>{rows}{end}</t:Lo>");
        let at = ["Lo", "Muc"].map(|local| ("urn:t".into(), local.into()));
        xsd_validator(schema, None).unwrap().rows(document.as_bytes(), Envelope::None, &at)
    }

    #[test]
    fn faulty_rows_are_told_by_their_place_and_the_rest_is_left() {
        let unbounded = schema("maxOccurs='unbounded'", "");
        let (good, wrong, missing, long) =
            ("<t:Ma>1</t:Ma>", "<t:Ma>x</t:Ma>", "<t:Ten>ba</t:Ten>", "<t:Ma>1</t:Ma><t:Ten>Nguyễn Thị</t:Ten>");
        for (rows, faulty) in [
            (vec![good], vec![]),
            (vec![good, wrong, good], vec![1]),
            (vec![missing, good, long, good], vec![0, 2]),
            (vec![wrong, missing], vec![0, 1]),
            // Five characters, in more bytes.
            (vec![good, "<t:Ma>1</t:Ma><t:Ten>Nguyễ</t:Ten>", wrong], vec![2]),
        ] {
            for end in ["", "<t:Het/>"] {
                let Judged::Rows(found) = judged(&unbounded, "2026-07-21", &rows, end) else { panic!("{rows:?} {end}") };
                assert_eq!(found.keys().copied().collect::<Vec<_>>(), faulty, "{rows:?} {end}");
                for (index, faults) in &found {
                    assert!(faults.iter().all(|f| f.place.starts_with(&format!("Lo/Muc[{}]", index + 1))), "{faults:?}");
                }
            }
        }
    }

    #[test]
    fn where_no_row_can_be_judged_alone_the_document_is_faulty_as_a_whole() {
        let unbounded = schema("maxOccurs='unbounded'", "");
        let unique = "<xs:unique name='u'><xs:selector xpath='t:Muc'/><xs:field xpath='t:Ma'/></xs:unique>";
        let (one, two, wrong) = ("<t:Ma>1</t:Ma>", "<t:Ma>2</t:Ma>", "<t:Ma>x</t:Ma>");
        for (what, schema, day, rows) in [
            ("a fault outside the rows", &unbounded, "21/07", vec![one, wrong]),
            ("no rows", &unbounded, "2026-07-21", vec![]),
            ("more rows than allowed", &schema("maxOccurs='2'", ""), "2026-07-21", vec![one, two, one]),
            ("too few rows when one is left out", &schema("minOccurs='2' maxOccurs='9'", ""), "2026-07-21", vec![one, wrong]),
            ("a key over the rows", &schema("maxOccurs='9'", unique), "2026-07-21", vec![one, one]),
            ("the same beside a faulty row", &schema("maxOccurs='9'", unique), "2026-07-21", vec![one, wrong, one]),
        ] {
            let Judged::Whole(faults) = judged(schema, day, &rows, "") else { panic!("{what}") };
            assert!(!faults.is_empty(), "{what}");
        }
        assert_eq!(judged(&schema("maxOccurs='9'", unique), "2026-07-21", &[one, two], ""), Judged::Rows(BTreeMap::new()));
        let broken = xsd_validator(&unbounded, None).unwrap().rows(b"<a", Envelope::None, &[]);
        assert!(matches!(broken, Judged::Whole(faults) if !faults.is_empty()));
    }
}

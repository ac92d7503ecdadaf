//! Agencies: both forms of the code, the name, how sure we are. Data: `schemas/catalogue/agencies.csv`.

use crate::model::AgencyCode;

/// An agency.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Agency {
    /// The older form, `000.00.15.X26`.
    pub code_old: String,
    /// The form of QĐ 20/2020, `X26.15`.
    pub code: String,
    /// Vietnamese name.
    pub name_vi: String,
    /// English name.
    pub name_en: String,
    /// V, M or G.
    pub confidence: String,
    /// What there is to say of the source.
    pub note: String,
}

/// All agencies we know by name.
#[derive(Clone, Debug, Default)]
pub struct Agencies {
    list: Vec<Agency>,
}

// === impl Agencies ===

impl Agencies {
    /// Reads the table; each fault is a sentence with its line.
    pub fn parse(text: &str) -> Result<Self, Vec<(usize, String)>> {
        let mut faults = Vec::new();
        let mut list: Vec<Agency> = Vec::new();
        for (row, line) in super::table::rows::<Agency>(text) {
            match row {
                Err(fault) => faults.push((line, fault)),
                Ok(agency) => {
                    let newer = AgencyCode::parse(&agency.code_old).map(|c| c.newer_form());
                    if newer.as_deref() != Some(agency.code.as_str()) {
                        faults.push((line, format!("{} is not the newer form of {}", agency.code, agency.code_old)));
                    }
                    if list.iter().any(|a| a.code == agency.code) {
                        faults.push((line, format!("{} is given twice", agency.code)));
                    }
                    list.push(agency);
                }
            }
        }
        if faults.is_empty() { Ok(Self { list }) } else { Err(faults) }
    }

    /// The agency of a code, in either form.
    #[must_use]
    pub fn lookup(&self, code: &str) -> Option<&Agency> {
        let newer = AgencyCode::parse(code)?.newer_form();
        self.list.iter().find(|a| a.code == newer)
    }

    /// All of them, in the file's order.
    #[must_use]
    pub fn list(&self) -> &[Agency] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "code_old,code,name_vi,name_en,confidence,note\n";

    #[test]
    fn an_agency_is_found_by_either_form_of_its_code() {
        let agencies = Agencies::parse(&format!("{HEAD}000.00.15.X26,X26.15,Một,One,G,\n")).unwrap();
        assert_eq!(agencies.lookup("000.00.15.X26").map(|a| a.name_vi.as_str()), Some("Một"));
        assert_eq!(agencies.lookup("X26.15").map(|a| a.name_vi.as_str()), Some("Một"));
        assert!(agencies.lookup("X26").is_none() && agencies.lookup("?").is_none());
    }

    #[test]
    fn the_two_forms_must_agree() {
        let faults = Agencies::parse(&format!("{HEAD}000.00.15.X26,X26.16,Một,One,G,\n")).unwrap_err();
        assert_eq!(faults, [(2, "X26.16 is not the newer form of 000.00.15.X26".to_owned())]);
    }
}

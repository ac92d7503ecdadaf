//! Building the catalogue out of its files: all faults of all files at once, or a catalogue without any.

use super::agency::Agencies;
use super::files::Files;
use super::flow;
use super::holidays::Holidays;
use super::made;
use super::partner::{Partner, Role};
use super::plan::{self, PlanLine, PlanRow};
use super::procedure::{Host, Procedure, Procedures};
use super::proof::Proof;
use super::read::{self, Setting, told};
use super::table;
use super::validate::{SchemaFault, Validators, wire_validator};
use crate::config::{PartnerSettings, Secrets};
use crate::mapping::{Check, Editions, Inventor, Shapes, Source, SourceFault, WireSchema, render};
use crate::model::{Kind, ProcedureCode};
use jiff::civil::Date;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What an operator changes of the partners, by name.
pub type Settings = BTreeMap<String, PartnerSettings>;

/// All the gateway knows. Immutable.
#[derive(Debug)]
pub struct Catalogue {
    /// Procedures.
    pub procedures: Procedures,
    /// Agencies.
    pub agencies: Agencies,
    /// Working days.
    pub holidays: Arc<Holidays>,
    /// Partners in force, by name.
    pub partners: BTreeMap<String, Arc<Partner>>,
    /// Partners that are off: proven, and looked at by commands.
    pub off: BTreeMap<String, Arc<Partner>>,
    /// Canonical schemas, compiled.
    pub validators: Validators,
    /// What the mapping engine knows of the canonical schemas.
    pub shapes: Arc<Shapes>,
    /// The adapter set's digest: SHA-256 over all adapter and schema files.
    pub digest: String,
    plan: Vec<PlanRow>,
    notes: Vec<(String, SourceFault)>,
}

/// How far a set is proven when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Depth {
    /// It compiles.
    Compiled,
    /// And its mappings are held against their schemas, one route against the other (V1 to V11).
    Held,
    /// And samples and invented documents go both ways (V12).
    Proven,
}

/// Every fault of every file, by folder.
#[derive(Debug, Default)]
pub struct LoadFaults {
    groups: Vec<(Source, Vec<SourceFault>)>,
}

// === impl LoadFaults ===

impl LoadFaults {
    fn add(&mut self, source: Source, faults: Vec<SourceFault>) {
        if !faults.is_empty() {
            self.groups.push((source, faults));
        }
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.groups.iter().map(|(_, faults)| faults.len()).sum()
    }

    /// All of them, with the folder's name before the file's.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SourceFault)> {
        self.groups.iter().flat_map(|(source, faults)| faults.iter().map(|f| (source.name.as_str(), f)))
    }

    /// In rustc's manner: the line, a caret, a hint.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        self.groups.iter().map(|(source, faults)| render(faults, source, color)).collect()
    }
}

impl std::fmt::Display for LoadFaults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, (folder, fault)) in self.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{folder}/{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for LoadFaults {}

// === impl Catalogue ===

impl Catalogue {
    /// Reads everything and proves what a start has time for (V1 to V11).
    pub fn load(files: &Files, settings: &Settings, secrets: &dyn Secrets) -> Result<Self, LoadFaults> {
        Self::build(files, settings, secrets, Depth::Held)
    }

    /// The same, with samples and invented documents (V12): for `check`, and before a reload.
    pub fn prove(files: &Files, settings: &Settings, secrets: &dyn Secrets) -> Result<Self, LoadFaults> {
        Self::build(files, settings, secrets, Depth::Proven)
    }

    /// Reads a set without proving it: one that was in force before (what a later program proves besides must not keep its deliveries from
    /// ending), one that is only looked at.
    pub fn revive(files: &Files, settings: &Settings, secrets: &dyn Secrets) -> Result<Self, LoadFaults> {
        Self::build(files, settings, secrets, Depth::Compiled)
    }

    fn build(files: &Files, settings: &Settings, secrets: &dyn Secrets, depth: Depth) -> Result<Self, LoadFaults> {
        let mut faults = LoadFaults::default();
        let (procedures, plan, agencies) = lists(files, &mut faults);
        let holidays = holidays(files, &mut faults);
        let schemas = schemas(files, depth, &mut faults);
        let shapes = shapes(files, &schemas, &mut faults);
        let validators = match Validators::compile(&schemas, shapes.clone()) {
            Ok(validators) => Some(validators),
            Err(found) => {
                let told = found.into_iter().map(|(name, text)| whole_file(format!("{name}.json"), text)).collect();
                faults.add(Source::new("schemas/canonical"), told);
                None
            }
        };
        let xsds = xsds(files, &mut faults);
        let mut partners: BTreeMap<String, Arc<Partner>> = BTreeMap::new();
        for name in files.partners() {
            let source = files.source(name);
            let setting = Setting {
                shapes: &shapes,
                schemas: &schemas,
                secrets,
                settings: settings.get(name),
                procedures: &procedures,
                files,
                xsds: &xsds,
                held: depth != Depth::Compiled,
            };
            match read::partner(&source, &setting) {
                Ok(partner) => {
                    partners.insert(name.to_owned(), Arc::new(partner));
                }
                Err(found) => faults.add(Source { name: format!("adapters/{name}"), ..source }, found),
            }
        }
        let notes = notes(&partners, &xsds);
        proofs(files, &partners, &xsds, (&schemas, &shapes), depth, &mut faults);
        let (partners, off) = partners.into_iter().partition(|(_, partner)| partner.enabled);
        let strangers = settings.keys().filter(|name| !files.partners().contains(&name.as_str()));
        let strangers = strangers
            .map(|name| whole_file("gateway.toml".into(), format!("partners.{name}: there is no such partner")))
            .collect();
        faults.add(Source::new("config"), strangers);
        match validators {
            Some(validators) if faults.groups.is_empty() => Ok(Self {
                procedures,
                agencies,
                holidays: Arc::new(holidays),
                validators,
                shapes,
                digest: files.digest(),
                plan,
                notes,
                partners,
                off,
            }),
            _ => Err(faults),
        }
    }

    /// With something for every secret: for tests of rooms that may not know where secrets come from.
    #[cfg(test)]
    pub(crate) fn for_tests(files: &Files) -> Self {
        Self::load(files, &Settings::new(), &crate::config::Placeholders).unwrap_or_else(|faults| panic!("{faults}"))
    }

    /// What is no fault but worth telling: the folder's name and the place.
    pub fn notes(&self) -> impl Iterator<Item = (&str, &SourceFault)> {
        self.notes.iter().map(|(folder, note)| (folder.as_str(), note))
    }

    /// What is tested of a dossier at the door, so that it does not get stuck on its way out.
    #[must_use]
    pub fn preconditions(&self) -> Vec<String> {
        flow::preconditions(&self.partners)
    }

    /// A partner, whether it is in force or off: for what only looks at adapters.
    #[must_use]
    pub fn any_partner(&self, name: &str) -> Option<&Arc<Partner>> {
        self.partners.get(name).or_else(|| self.off.get(name))
    }

    /// All of them, those in force first.
    pub fn all_partners(&self) -> impl Iterator<Item = &Arc<Partner>> {
        self.partners.values().chain(self.off.values())
    }

    /// The partner that plays a role, the first by name.
    #[must_use]
    pub fn partner_of_role(&self, role: Role) -> Option<&Arc<Partner>> {
        self.partners.values().find(|p| p.role == role)
    }

    /// The ministry partner a procedure is sent to: one that takes its submissions, when the procedure runs on the Ministry's software.
    #[must_use]
    pub fn ministry_for(&self, procedure: &Procedure) -> Option<&Arc<Partner>> {
        let takes =
            |p: &&Arc<Partner>| p.role == Role::Ministry && p.out_for(Kind::DossierSubmit, Some(procedure.code())).is_some();
        self.partners.values().filter(|_| procedure.host == Host::Ministry).find(takes)
    }

    /// The edition of a procedure's form in force on a day.
    #[must_use]
    pub fn edition_on(&self, code: &str, day: Date) -> Option<&str> {
        self.shapes.editions().edition_on(ProcedureCode::parse(code)?.national(), day)
    }

    /// What is wrong with a canonical body. See [`Validators::validate`].
    #[must_use]
    pub fn validate(&self, kind: Kind, body: &crate::body::Value, edition: Option<&str>) -> Vec<SchemaFault> {
        self.validators.validate(kind, body, edition)
    }

    /// The plan's figures beside the catalogue's of 2019.
    #[must_use]
    pub fn plan(&self) -> Vec<PlanLine> {
        plan::compare(&self.plan, self.procedures.list().iter().filter(|p| p.era == "2019"))
    }
}

// === the parts ===

fn whole_file(file: String, text: String) -> SourceFault {
    SourceFault { file, start: 0, len: 0, line: 1, column: 1, text, hint: None, check: Check::Schemas }
}

/// The schemas that the mappings' heads name, by path under schemas/; each fault of each file once.
fn xsds(files: &Files, faults: &mut LoadFaults) -> BTreeMap<String, WireSchema> {
    let heads = files.under("adapters/").filter(|(path, _)| path.ends_with(".map")).flat_map(|(_, text)| {
        text.lines()
            .skip_while(|l| l.starts_with('#'))
            .take_while(|l| !l.trim().is_empty())
            .filter_map(|l| l.strip_prefix("schema:"))
    });
    let named: BTreeSet<&str> = heads.map(|s| s.split('#').next().unwrap_or_default().trim()).collect();
    let text = |path: &str| files.text(&format!("schemas/{path}"));
    let (mut good, mut found) = (BTreeMap::new(), Vec::new());
    for path in named.into_iter().filter(|p| !p.is_empty()) {
        if text(path).is_none() {
            let why = "there is no such file, which the head of a mapping names as its `schema`".to_owned();
            found.push(SourceFault { check: Check::Names, ..whole_file(path.to_owned(), why) });
            continue;
        }
        match WireSchema::load(path, &text) {
            Ok(WireSchema::Json(schema)) => {
                if let Err(why) = wire_validator(&schema.of(None)) {
                    found.push(whole_file(path.to_owned(), format!("documents cannot be validated by it: {why}")));
                }
                good.insert(path.to_owned(), WireSchema::Json(schema));
            }
            Ok(WireSchema::Xsd(xsd)) => {
                if let Some(Err(why)) = xsd.several().map(|texts| super::files::laid_out(texts, |folder| xsd.laid_out(folder))) {
                    found.push(whole_file(path.to_owned(), format!("its files cannot be laid out for the validator: {why}")));
                }
                // What nothing can be validated by would be a proof left out in silence.
                if let (Err(why), true) = (xsd.validator(), found.is_empty()) {
                    found.push(whole_file(path.to_owned(), format!("documents cannot be validated by it: {why}")));
                }
                good.insert(path.to_owned(), WireSchema::Xsd(xsd));
            }
            Err(all) => found.extend(all),
        }
    }
    found.sort();
    found.dedup();
    let mut source = Source::new("schemas");
    source.files = found.iter().filter_map(|f| Some((f.file.clone(), text(&f.file)?.to_owned()))).collect();
    faults.add(source, found);
    good
}

/// What is proven of the partners that compile: between them (V11), and of each by documents (V12).
fn proofs(
    files: &Files,
    partners: &BTreeMap<String, Arc<Partner>>,
    xsds: &BTreeMap<String, WireSchema>,
    (schemas, shapes): (&BTreeMap<String, Value>, &Shapes),
    depth: Depth,
    faults: &mut LoadFaults,
) {
    let source = |partner: &str| {
        let own = files.source(partner);
        Source { name: format!("adapters/{partner}"), ..own }
    };
    if depth != Depth::Compiled {
        // What is off meets nobody's messages.
        let in_force = partners.iter().filter(|(_, p)| p.enabled).map(|(n, p)| (n.clone(), p.clone())).collect();
        for (partner, found) in flow::check(&in_force, files).into_iter().chain(made::check(&in_force, files)) {
            faults.add(source(&partner), found);
        }
    }
    if depth != Depth::Proven {
        return;
    }
    match Inventor::new(schemas, shapes.editions()) {
        Err(text) => faults.add(Source::new("schemas/canonical"), vec![whole_file("dossier.submit.json".into(), text)]),
        Ok(inventor) => {
            for partner in partners.values() {
                let found = Proof { files, partner, xsds, inventor: &inventor, validators: RefCell::default() }.faults();
                let mut own = source(&partner.name);
                for file in found.iter().map(|f| &f.file) {
                    let text = files.text(&format!("adapters/{}/{file}", partner.name)).unwrap_or_default();
                    own.files.insert(file.clone(), text.to_owned());
                }
                faults.add(own, found);
            }
        }
    }
}

/// Words without a wire value, ambiguous schemas.
fn notes(partners: &BTreeMap<String, Arc<Partner>>, xsds: &BTreeMap<String, WireSchema>) -> Vec<(String, SourceFault)> {
    let books = partners.values().flat_map(|p| p.book.notes().iter().map(|n| (format!("adapters/{}", p.name), n.clone())));
    let schemas = xsds.values().flat_map(|x| x.notes().iter().map(|n| ("schemas".to_owned(), n.clone())));
    books.chain(schemas).collect()
}

fn lists(files: &Files, faults: &mut LoadFaults) -> (Procedures, Vec<PlanRow>, Agencies) {
    let text = |name: &str| files.text(&format!("schemas/catalogue/{name}")).unwrap_or_default();
    let mut found = Vec::new();
    let (procedures, plan) = table::read(text("procedures.csv"), text("services.toml")).unwrap_or_else(|faults| {
        found.extend(faults.into_iter().map(|f| SourceFault { check: Check::Catalogue, ..told(f) }));
        Default::default()
    });
    let agencies = Agencies::parse(text("agencies.csv")).unwrap_or_else(|faults| {
        let told = |(line, text)| SourceFault {
            line,
            check: Check::Catalogue,
            ..whole_file("schemas/catalogue/agencies.csv".into(), text)
        };
        found.extend(faults.into_iter().map(told));
        Agencies::default()
    });
    if procedures.list().is_empty() && found.is_empty() {
        found.push(whole_file("schemas/catalogue/procedures.csv".into(), "there are no procedures".into()));
    }
    let mut source = Source::new(".");
    source.files =
        files.under("schemas/catalogue/").map(|(name, text)| (format!("schemas/catalogue/{name}"), text.to_owned())).collect();
    faults.add(source, found);
    (procedures, plan, agencies)
}

fn holidays(files: &Files, faults: &mut LoadFaults) -> Holidays {
    const FILE: &str = "schemas/catalogue/holidays.toml";
    let text = files.text(FILE).unwrap_or_default();
    Holidays::parse(FILE, text).unwrap_or_else(|found| {
        let mut source = Source::new(".");
        source.files = [(FILE.to_owned(), text.to_owned())].into();
        faults.add(source, found.into_iter().map(told).collect());
        Holidays::default()
    })
}

/// The canonical schemas by message name, the forms' as `forms/<code>@<edition>`.
fn schemas(files: &Files, depth: Depth, faults: &mut LoadFaults) -> BTreeMap<String, Value> {
    let (mut schemas, mut found) = (BTreeMap::new(), Vec::new());
    for (path, text) in files.under("schemas/canonical/") {
        let Some(name) = path.strip_suffix(".json") else { continue };
        match serde_json::from_str(text) {
            Ok(schema) => {
                schemas.insert(name.to_owned(), schema);
            }
            Err(e) => {
                found.push(SourceFault { line: e.line(), column: e.column(), ..whole_file(path.to_owned(), e.to_string()) })
            }
        }
    }
    // A set of a time before there was a message has no schema for it, and needs none.
    let wanted = Kind::ALL.iter().filter(|_| depth != Depth::Compiled);
    for (_, name) in wanted.filter(|(_, name)| !schemas.contains_key(*name)) {
        found.push(whole_file(format!("{name}.json"), "there is no schema for this message".into()));
    }
    faults.add(Source::new("schemas/canonical"), found);
    schemas
}

fn shapes(files: &Files, schemas: &BTreeMap<String, Value>, faults: &mut LoadFaults) -> Arc<Shapes> {
    let mut found = Vec::new();
    let editions =
        Editions::parse(files.text("schemas/canonical/forms/editions.toml").unwrap_or_default()).unwrap_or_else(|text| {
            found.push(whole_file("forms/editions.toml".into(), text));
            Editions::default()
        });
    for (code, _, name) in editions.iter() {
        let form = format!("forms/{code}@{name}");
        if !schemas.contains_key(&form) {
            found.push(whole_file("forms/editions.toml".into(), format!("there is no schema {form}.json")));
        }
    }
    let shapes = Shapes::new(schemas.clone(), editions).unwrap_or_else(|text| {
        found.push(whole_file("dossier.submit.json".into(), text));
        Shapes::default()
    });
    faults.add(Source::new("schemas/canonical"), found);
    Arc::new(shapes)
}

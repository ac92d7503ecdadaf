//! `lienthong read`, `write`, `translate`: one message through the adapters, without a gateway. Values are shown: it is the user's own
//! file on the user's own terminal.
//!
//! What the gateway would add besides the wire is added here too, as far as the catalogue knows it (names of agency and procedure);
//! seals are made with a stand-in key, because no secret is at hand.

use super::{Failed, screen};
use crate::body::{Map, Value};
use crate::catalogue::{Catalogue, Partner, Seal};
use crate::clock::{Clock as _, Time, Wall};
use crate::mapping::{Context, Mapping, MemoryContents, RawFields, Reading, Sealer, WireFault};
use crate::model::{Kind, Mint};
use crate::seal::SystemRandom;
use std::io::Read as _;
use std::path::{Path, PathBuf};

pub(super) const READ: &str = "\
Reads a message in a partner's wire form (JSON, XML, form) and prints it in the canonical form.

The message is named by its mapping: adapters/PARTNER/MESSAGE.map. Faults are told all at once, with line, column, what was expected and \
what was found.";

const READ_EXAMPLES: &str = "\
Examples:
  lienthong read PARTNER/submit adapters/PARTNER/samples/submit/pupil-2025.json
  curl -s … | lienthong read PARTNER/status
  lienthong read PARTNER/supplement message.json --context dossier.procedure=1.005142 --context dossier.edition=2025
  lienthong read PARTNER/result result.xml --contents files/     keeps the attachments, named by their digest";

pub(super) const WRITE: &str = "\
Writes a canonical message (JSON) in a partner's wire form.

A mapping is a function: the same message and the same context give the same bytes. What the message does not hold comes from the \
context: message.id and message.time are made up unless given.";

const WRITE_EXAMPLES: &str = "\
Examples:
  lienthong write PARTNER/submit dossier.json
  lienthong write PARTNER/submit dossier.json --context message.id=019a0b7c-5e2f-7c3a-9d41-000000000001
  lienthong read A/submit in.json | lienthong write B/submit     the same as translate";

pub(super) const TRANSLATE: &str = "\
Reads a message of one partner and writes it as another's, through the canonical form; what the gateway would add from its catalogue \
(the names of procedure and agency) is added.";

const TRANSLATE_EXAMPLES: &str = "\
Examples:
  lienthong translate PORTAL/submit MINISTRY/submit dossier.json
  lienthong translate MINISTRY/submit PORTAL/submit dossier.xml";

/// What the three commands share.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// A value of the context, `name=value` (dossier.procedure=1.005142); may be repeated.
    #[arg(long = "context", value_name = "NAME=VALUE")]
    context: Vec<String>,
    /// A folder of attachments, named by their digest: read keeps them there, write takes them from there.
    #[arg(long, value_name = "DIR")]
    pub(super) contents: Option<PathBuf>,
    /// The adapters' folder (it holds adapters/ and schemas/); left out: those inside the program.
    #[arg(long, value_name = "DIR")]
    pub(super) from: Option<PathBuf>,
}

/// Arguments of `read`.
#[derive(Debug, clap::Args)]
#[command(after_help = READ_EXAMPLES)]
pub(super) struct ReadArguments {
    /// Which message: PARTNER/MESSAGE.
    message: String,
    /// The wire form; left out: stdin.
    file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `write`.
#[derive(Debug, clap::Args)]
#[command(after_help = WRITE_EXAMPLES)]
pub(super) struct WriteArguments {
    /// Which message: PARTNER/MESSAGE.
    message: String,
    /// The canonical JSON; left out: stdin.
    file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Arguments of `translate`.
#[derive(Debug, clap::Args)]
#[command(after_help = TRANSLATE_EXAMPLES)]
pub(super) struct TranslateArguments {
    /// What it is: PARTNER/MESSAGE.
    source: String,
    /// What it shall be: PARTNER/MESSAGE.
    target: String,
    /// The wire form; left out: stdin.
    file: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// A message's mapping with its partner.
pub(super) struct Named<'c> {
    pub(super) partner: &'c Partner,
    pub(super) mapping: &'c Mapping,
}

/// Fills the seal's hole with a stand-in key.
pub(super) struct StandIn<'s>(Option<&'s Seal>);

// === impl Named ===

impl<'c> Named<'c> {
    pub(super) fn find(catalogue: &'c Catalogue, name: &str) -> Result<Self, Failed> {
        let partners = || catalogue.all_partners().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        let Some((partner, message)) = name.split_once('/') else {
            return Err(Failed::because(format!("`{name}` is not PARTNER/MESSAGE; partners here: {}", partners())));
        };
        let Some(partner) = catalogue.any_partner(partner) else {
            return Err(Failed::because(format!("there is no partner `{partner}`; partners here: {}", partners())));
        };
        let Some(mapping) = partner.book.map(message) else {
            let names = partner.book.names().collect::<Vec<_>>().join(", ");
            return Err(Failed::because(format!("{} has no message `{message}`; its messages: {names}", partner.name)));
        };
        Ok(Self { partner, mapping })
    }

    fn seal(&self) -> StandIn<'c> {
        let name = self.mapping.name();
        let outs = self.partner.outs.values().filter(|r| r.map == name).flat_map(|r| &r.seals);
        let ins = self.partner.ins.values().filter(|r| r.map.as_deref() == Some(name)).flat_map(|r| &r.seals);
        let seals = outs.chain(ins).filter_map(|n| self.partner.seals.get(n));
        StandIn(seals.into_iter().find(|s| matches!(s, Seal::Hmac { .. })))
    }

    pub(super) fn read(
        &self,
        bytes: &[u8],
        context: &Context,
        contents: &mut MemoryContents,
        file: &str,
    ) -> Result<Vec<Reading>, Failed> {
        let readings = self.mapping.read(bytes, context, contents).map_err(|faults| {
            let text = String::from_utf8_lossy(bytes);
            faults.iter().for_each(|f| screen::note(shown(f, file, &text)));
            let many = if faults.len() == 1 { "one fault".to_owned() } else { format!("{} faults", faults.len()) };
            let asks = faults.iter().any(|f| f.expected.en.contains("`$"));
            let hint = if asks {
                "\n  give what the gateway would know with --context, such as --context dossier.procedure=1.005142"
            } else {
                ""
            };
            Failed::because(format!("{many}: this is not a valid {}/{}{hint}", self.partner.name, self.mapping.name()))
        })?;
        for reported in readings.iter().flat_map(|r| &r.reported) {
            screen::note(format!("note: {} is not known to the mapping and was passed over", reported.pointer));
        }
        Ok(readings)
    }

    pub(super) fn write(&self, bodies: &[&Value], context: &Context, contents: &MemoryContents) -> Result<Vec<u8>, Failed> {
        let seal = self.seal();
        if seal.0.is_some() {
            screen::note("note: the seal is made with a stand-in key; the running gateway has the real one");
        }
        let written = match bodies {
            [one] => self.mapping.write(one, context, contents, Some(&seal)),
            many => self.mapping.write_batch(many, context, contents, Some(&seal)),
        };
        written.map_err(|fault| {
            let (partner, name) = (&self.partner.name, self.mapping.name());
            Failed::because(format!(
                "{partner}/{name} cannot say this: {}\n  the input is a canonical {}, as `lienthong read` prints it",
                fault.text_en(),
                self.mapping.message()
            ))
        })
    }
}

impl StandIn<'_> {
    /// Without a partner's seal: the same text in every hole.
    pub(super) fn none() -> Self {
        Self(None)
    }
}

impl Sealer for StandIn<'_> {
    fn seal(&self, raw: &RawFields) -> Result<String, String> {
        self.0.map_or_else(|| Ok("0".repeat(64)), |seal| seal.text(raw))
    }
}

// === the commands ===

/// `read`.
pub(super) fn read(a: &ReadArguments) -> Result<(), Failed> {
    let (_, catalogue) = super::load(a.common.from.as_deref())?;
    let named = Named::find(&catalogue, &a.message)?;
    let (bytes, file) = input(a.file.as_deref())?;
    let mut contents = MemoryContents::default();
    let context = context(&a.common, named.partner, false)?;
    let readings = named.read(&bytes, &context, &mut contents, &file)?;
    keep(a.common.contents.as_deref(), &contents)?;
    for (name, value) in readings.first().iter().flat_map(|r| &r.context) {
        screen::note(format!("context: {name} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
    }
    let bodies: Vec<Value> = readings.into_iter().map(|r| r.body).collect();
    match bodies.as_slice() {
        [one] => screen::json(one),
        many => screen::json(&many),
    }
    Ok(())
}

/// `write`.
pub(super) fn write(a: &WriteArguments) -> Result<(), Failed> {
    let (_, catalogue) = super::load(a.common.from.as_deref())?;
    let named = Named::find(&catalogue, &a.message)?;
    let (bytes, file) = input(a.file.as_deref())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|e| Failed::because(format!("{file} is not JSON: {e}")))?;
    let bodies: Vec<&Value> = value.as_array().map_or_else(|| vec![&value], |list| list.iter().collect());
    let context = context(&a.common, named.partner, true)?;
    let contents = take(a.common.contents.as_deref())?;
    finish(&named.write(&bodies, &context, &contents)?);
    Ok(())
}

/// `translate`.
pub(super) fn translate(a: &TranslateArguments) -> Result<(), Failed> {
    let (_, catalogue) = super::load(a.common.from.as_deref())?;
    let (from, to) = (Named::find(&catalogue, &a.source)?, Named::find(&catalogue, &a.target)?);
    if from.mapping.message() != to.mapping.message() {
        return Err(Failed::because(format!(
            "{} is a {}, {} a {}: two different messages cannot be translated into each other",
            a.source,
            from.mapping.message(),
            a.target,
            to.mapping.message()
        )));
    }
    let (bytes, file) = input(a.file.as_deref())?;
    let mut contents = take(a.common.contents.as_deref())?;
    let mut outgoing = context(&a.common, to.partner, true)?;
    let incoming = context(&a.common, from.partner, false)?;
    let mut readings = from.read(&bytes, &incoming, &mut contents, &file)?;
    keep(a.common.contents.as_deref(), &contents)?;
    for reading in &mut readings {
        for (name, value) in &reading.context {
            outgoing.set(name.clone(), value.clone());
        }
        if from.mapping.message() == Kind::DossierSubmit.name() {
            complete(&catalogue, &mut reading.body);
        }
    }
    let bodies: Vec<&Value> = readings.iter().map(|r| &r.body).collect();
    finish(&to.write(&bodies, &outgoing, &contents)?);
    Ok(())
}

// === small words ===

/// What the gateway adds to a submission from its catalogue.
fn complete(catalogue: &Catalogue, body: &mut Value) {
    let text = |v: &Value, at: &str| v.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let day = text(body, "/submitted_at").and_then(|t| Time::parse(&t)).and_then(Time::civil).map(|c| c.date());
    let procedure = text(body, "/procedure");
    let name = procedure.zip(day).and_then(|(p, day)| catalogue.procedures.lookup(&p, day).ok().map(|p| p.name_vi.clone()));
    let agency = text(body, "/agency/code").and_then(|c| catalogue.agencies.lookup(&c).map(|a| a.name_vi.clone()));
    let fill = |map: Option<&mut Map>, key: &str, value: Option<String>| {
        if let (Some(map), Some(value)) = (map, value) {
            map.entry(key).or_insert_with(|| value.into());
        }
    };
    fill(body.as_object_mut(), "procedure_name", name);
    fill(body.get_mut("agency").and_then(Value::as_object_mut), "name", agency);
}

pub(super) fn context(common: &Common, partner: &Partner, outgoing: bool) -> Result<Context, Failed> {
    let mut context = Context::new();
    if outgoing {
        let now = Wall::new().now();
        context.set("message.id", Mint::new(&SystemRandom, now).message_id());
        context.set("message.time", now.rfc3339());
    }
    for (name, value) in &partner.values {
        context.set(format!("partner.{name}"), value.as_str());
    }
    for given in &common.context {
        let Some((name, value)) = given.split_once('=') else {
            return Err(Failed::because(format!("`--context {given}` is not NAME=VALUE, such as dossier.procedure=1.005142")));
        };
        context.set(name, value);
    }
    Ok(context)
}

/// The bytes and what to call them.
pub(super) fn input(file: Option<&Path>) -> Result<(Vec<u8>, String), Failed> {
    let Some(path) = file.filter(|p| *p != Path::new("-")) else {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| Failed::because(format!("stdin cannot be read: {e}")))?;
        return Ok((bytes, "stdin".to_owned()));
    };
    let bytes = std::fs::read(path).map_err(|e| Failed::because(format!("cannot read {}: {e}", path.display())))?;
    Ok((bytes, path.display().to_string()))
}

fn finish(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    screen::out(&text);
    if !text.ends_with('\n') {
        screen::out("\n");
    }
}

fn keep(folder: Option<&Path>, contents: &MemoryContents) -> Result<(), Failed> {
    let Some(folder) = folder else { return Ok(()) };
    let told = |e: std::io::Error| Failed::because(format!("cannot write to {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(told)?;
    for (blob, bytes) in &contents.kept {
        std::fs::write(folder.join(blob.trim_start_matches("sha256:")), bytes).map_err(told)?;
    }
    Ok(())
}

pub(super) fn take(folder: Option<&Path>) -> Result<MemoryContents, Failed> {
    let mut contents = MemoryContents::default();
    let Some(folder) = folder.filter(|f| f.is_dir()) else { return Ok(contents) };
    let told = |e: std::io::Error| Failed::because(format!("cannot read {}: {e}", folder.display()));
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        if entry.path().is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = std::fs::read(entry.path()).map_err(told)?;
            contents.kept.insert(format!("sha256:{name}"), bytes.clone());
            contents.kept.insert(name, bytes);
        }
    }
    Ok(contents)
}

/// A fault with its line, in rustc's manner.
pub(super) fn shown(fault: &WireFault, file: &str, text: &str) -> String {
    let place = &fault.place;
    let line = usize::try_from(place.line).ok().and_then(|n| text.lines().nth(n.saturating_sub(1))).unwrap_or_default();
    let column = usize::try_from(place.column).unwrap_or(1).saturating_sub(1);
    // A long line (a wire is often a single one) is shown around the fault only.
    let start = column.saturating_sub(60);
    let piece: String = line.chars().skip(start).take(120).collect();
    let pad = place.line.to_string().len();
    let (gap, caret) = (" ".repeat(pad), " ".repeat(column.saturating_sub(start)));
    let said = fault.text_en();
    // The place is told on a line of its own.
    let said = said.strip_prefix("line ").and_then(|s| s.split_once(": ")).map_or(said.as_str(), |(_, what)| what);
    format!(
        "error: {said}\n{gap}--> {file}:{}:{} {}\n{gap} |\n{} | {piece}\n{gap} | {caret}^\n",
        place.line, place.column, place.pointer, place.line
    )
}

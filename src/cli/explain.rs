//! `lienthong explain`: for one message, which wire field came from which canonical field, by which line of which file.

use super::remote::{Reach, Remote, text};
use super::wire::{Common, Named, input, take};
use super::{Failed, screen};
use crate::body::Value as Body;
use crate::mapping::{Explained, MemoryContents};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) const ABOUT: &str = "\
Shows for one message which field on the wire came from which canonical field, by which line of which file, with both values.

The message is a file in the partner's wire form (or, with --canonical, the canonical JSON), or a delivery of the running gateway by its \
number: then a value is shown only where its schema says it is public.";

const EXAMPLES: &str = "\
Examples:
  lienthong explain PARTNER/submit adapters/PARTNER/samples/submit/pupil-2025.json
  lienthong explain PARTNER/submit dossier.json --canonical
  lienthong explain PARTNER/supplement message.json --context dossier.procedure=1.005142 --context dossier.edition=2025
  lienthong explain --delivery 17           what the running gateway sends or sent, by the set it is sent by";

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Which message: PARTNER/MESSAGE.
    #[arg(required_unless_present = "delivery")]
    message: Option<String>,
    /// The message; left out: stdin.
    file: Option<PathBuf>,
    /// The file is the canonical JSON, not the wire form.
    #[arg(long)]
    canonical: bool,
    /// A delivery of the running gateway, by its number.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["message", "canonical"])]
    delivery: Option<u64>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    reach: Reach,
}

/// Runs it.
pub(super) async fn run(a: &Arguments, json: bool) -> Result<(), Failed> {
    if let Some(number) = a.delivery {
        let answer = Remote::new(&a.reach)?.get(&format!("/v1/deliveries/{number}/explain")).await?;
        if json {
            screen::json(&answer);
        } else {
            show(super::remote::list(&answer, "fields"));
            let set = text(&answer, "adapters");
            if answer.get("instead") == Some(&Value::Bool(true)) {
                screen::note(format!(
                    "note: the set it was sent by is not to be had any more; this is by the one in force, {set}"
                ));
            } else {
                screen::line(format!("by adapter set {set}"));
            }
        }
        return Ok(());
    }
    let (_, catalogue) = super::load(a.common.from.as_deref())?;
    let named = Named::find(&catalogue, a.message.as_deref().unwrap_or_default())?;
    let (bytes, file) = input(a.file.as_deref())?;
    let mut context = super::wire::context(&a.common, named.partner, a.canonical)?;
    let bodies: Vec<Body> = if a.canonical {
        let value: Body = serde_json::from_slice(&bytes).map_err(|e| Failed::because(format!("{file} is not JSON: {e}")))?;
        let bodies = match value {
            Body::Array(list) => list,
            one => vec![one],
        };
        let contents = take(a.common.contents.as_deref())?;
        // What cannot be written (or whose contents are not here) is told beside.
        if let Err(failed) = named.write(&bodies.iter().collect::<Vec<_>>(), &context, &contents) {
            screen::note(format!("note: {}", failed.text));
        }
        bodies
    } else {
        let readings = named.read(&bytes, &context, &mut MemoryContents::default(), &file)?;
        for (name, value) in readings.iter().flat_map(|r| &r.context) {
            context.set(name.clone(), value.clone());
        }
        readings.into_iter().map(|r| r.body).collect()
    };
    let fields = named.mapping.explain(&bodies.iter().collect::<Vec<_>>(), &context);
    let fields: Vec<Value> = fields.iter().map(|f| told(f, &named.partner.name)).collect();
    if json {
        screen::json(&json!({ "message": named.mapping.message(), "fields": fields }));
    } else {
        show(&fields);
    }
    Ok(())
}

/// A field for programs; the user's own file on the user's own terminal: values are shown.
fn told(field: &Explained, partner: &str) -> Value {
    json!({
        "wire": field.wire,
        "wire_value": field.wire_value,
        "canonical": field.canonical,
        "canonical_value": field.canonical_value,
        "public": field.public,
        "how": field.how.word(),
        "rule": field.text,
        "file": format!("adapters/{partner}/{}", field.file),
        "line": field.line,
    })
}

fn show(fields: &[Value]) {
    let rows: Vec<Vec<String>> = fields
        .iter()
        .map(|f| {
            let at = format!("{}:{}", text(f, "file"), text(f, "line"));
            vec![
                text(f, "wire"),
                cut(&text(f, "wire_value")),
                text(f, "canonical"),
                cut(&text(f, "canonical_value")),
                text(f, "how"),
                at,
            ]
        })
        .collect();
    screen::out(&screen::table(&["on the wire", "value", "canonical", "value", "kept", "by"], &rows));
}

/// A value as a cell: one line, not too long.
fn cut(value: &str) -> String {
    const MOST: usize = 40;
    let line = value.replace(['\n', '\r', '\t'], " ");
    if line.chars().count() <= MOST { line } else { line.chars().take(MOST - 1).chain(['…']).collect() }
}

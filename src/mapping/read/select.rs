//! Which form: by the procedure's code and the edition in force on the day of submission, or by what the context knows.

use super::{Frame, Run, Seen};
use crate::body::Value;
use crate::mapping::compile::form_key;
use crate::mapping::convert::Chain;
use crate::mapping::fault::{Both, FaultKind, short};
use crate::mapping::pattern::day_of;
use crate::mapping::plan::{Compiled, Fork, NodeId, SelectBy, Variant};
use crate::mapping::slip::{MAX_HELD, Slip};
use crate::mapping::{Context, write::get};

/// The form, while the wire is still being read; `None` when its code has not been seen.
pub(super) fn early<'p>(run: &Run<'_, '_>, frame: &Frame<'_>, fork: &'p Fork) -> Option<(String, &'p Variant)> {
    let key = match &fork.select.early {
        Some((code, code_chain, day, day_chain)) => {
            let code = told(frame, *code, code_chain)?;
            match run.ctx.text("dossier.edition") {
                Some(edition) => form_key(&code, edition),
                None => {
                    let day = told(frame, *day, day_chain)?;
                    let edition = run.map.shapes.editions().edition_on(&code, day_of(&day)?)?;
                    form_key(&code, edition)
                }
            }
        }
        None => key(run.map, run.ctx, &Value::Null, fork).ok()?,
    };
    fork.variants.get(&key).map(|variant| (key, variant))
}

fn told(frame: &Frame<'_>, node: NodeId, chain: &Chain) -> Option<String> {
    match &frame.slot(node).seen {
        Seen::Scalar(lex) => chain.back(lex).ok()?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// The form's key from a body and the context; the error says what is missing.
pub(crate) fn key(map: &Compiled, ctx: &Context, body: &Value, fork: &Fork) -> Result<String, Both> {
    let name = || match &fork.select.code {
        SelectBy::Path(path) => path.join("."),
        SelectBy::Context(name) => format!("${name}"),
    };
    let code = code(ctx, body, fork).ok_or_else(|| unknown(&name()))?;
    if let Some(edition) = ctx.text("dossier.edition") {
        return Ok(form_key(code, edition));
    }
    let day = body.get("submitted_at").and_then(Value::as_str).and_then(day_of).ok_or_else(|| unknown("submitted_at"))?;
    let edition = map.shapes.editions().edition_on(code, day).ok_or_else(|| {
        let (code, shown) = (short(code), day.strftime("%d/%m/%Y"));
        Both::new(
            format!("thủ tục {code} không có mẫu tờ khai nào có hiệu lực ngày {shown}"),
            format!("no form of procedure {code} is in force on {day}"),
        )
    })?;
    Ok(form_key(code, edition))
}

/// The procedure's code, where it is known.
pub(super) fn code<'v>(ctx: &'v Context, body: &'v Value, fork: &Fork) -> Option<&'v str> {
    match &fork.select.code {
        SelectBy::Path(path) => get(body, path).and_then(Value::as_str),
        SelectBy::Context(name) => ctx.text(name),
    }
}

fn unknown(name: &str) -> Both {
    Both::new(format!("chưa biết `{name}`"), format!("`{name}` is not known"))
}

/// A form too long to be held until its code comes.
pub(super) fn too_long(at: usize, fork: &Fork) -> Slip {
    let first = match &fork.select.code {
        SelectBy::Path(path) => path.join("."),
        SelectBy::Context(name) => format!("${name}"),
    };
    Slip::new(
        at,
        FaultKind::Order,
        format!("gửi {first} trước (tờ khai dài hơn {MAX_HELD} byte)"),
        format!("send {first} first (the form is longer than {MAX_HELD} bytes)"),
    )
}

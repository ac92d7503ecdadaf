//! Scratch.
use super::*;
use crate::body::{Value, json};

fn one(format: &str, head: &str, lines: &str, body: Value) -> String {
    let root = if format == "xml" { "root: R\n" } else { "" };
    let codes = "[k]\none = 1\ntwo = 2\nthree = 3\n[t]\none = 1\ntwo = \"1\"\nthree = 3\n[b]\ntrue = \"J\"\nfalse = \"N\"\n[n]\n1 = \"eins\"\n2 = \"zwei\"\n[f]\none = \"1\"\ntwo = { as = \"one\" }\nthree = \"3\"\n";
    let mk = |without: &str| Source::new("p").with("m.map", format!("message: note\nformat: {format}\n{root}{head}{without}\n{lines}"))
        .with("codes.toml", codes).with("form/1.1@old.map", "l = left ?\nlist[] = list[]\n").with("form/1.1@new.map", "r = right ?\nlist[] = list[]\n").with("part.map", "Pt = title ?\n");
    let shapes = super::laws::shapes();
    let mut source = mk("");
    let mut res = Book::compile(&source, &shapes);
    if let Err(f) = &res {
        if let Some(h) = f.iter().find(|f| f.text.contains("`without`")).and_then(|f| f.hint.clone()) {
            source = mk(&format!("{h}\n"));
            res = Book::compile(&source, &shapes);
        }
    }
    let book = match res { Ok(b) => b, Err(f) => {
        let f: Vec<_> = f.into_iter().filter(|f| !f.text.contains("nothing uses") ).collect();
        if f.is_empty() {
            let (b, _) = Book::draft(&source, &shapes); b
        } else { return format!("  REFUSED {}", render(&f, &source, false)) } } };
    let Some(map) = book.map("m") else { return "no map".into() };
    let ctx = Context::new().with("partner.client", "HN");
    let bytes = match map.write(&body, &ctx, &NoContents, Some(&super::laws::Fixed)) { Ok(b) => b, Err(f) => return format!("  write refused: {f}") };
    let shown = String::from_utf8_lossy(&bytes).into_owned();
    match map.read(&bytes, &ctx, &mut MemoryContents::default()) {
        Err(f) => format!("  !!!! {shown}\n       not read: {}", f.iter().map(|f| f.text_en()).collect::<Vec<_>>().join("; ")),
        Ok(r) => { let b = r.first().map(|r| r.body.clone()).unwrap_or_default();
            let again = map.write(&b, &ctx, &NoContents, Some(&super::laws::Fixed));
            format!("  {}{} {shown}\n       -> {b}", if b == body {"ok  "} else {"DIFF"}, if again.ok().as_deref() == Some(&bytes[..]) {""} else {" REWRITE DIFFERS"}) }
    }
}

#[test]
fn probe() {
    let b = |extra: Value| { let mut v = json!({ "code": "C1", "procedure": "1.1", "submitted_at": "2026-04-03T09:30:00+07:00", "rows": [], "tags": [] }); for (k, x) in extra.as_object().unwrap() { v[k.as_str()] = x.clone(); } v };
    let base = "code = code\nproc = procedure\nsent = submitted_at\nrows[] = rows[]\n    id = id ?\n    f = file : base64 ?\n    t[] = tags[]\ntags[] = tags[]\n";
    let small = "code = code\n";
    let cases: Vec<(&str, &str, String, Value)> = include!("probe_cases.in");
    for (format, head, lines, body) in cases {
        println!("--- {format} {} | {}", head.trim(), lines.trim().replace('\n', "\n    | "));
        println!("{}", one(format, head, &lines, body));
    }
    let _ = (base, small, b(json!({})));
}

//! A partner that sends dossiers as letters: the dossier a zipped file among its zipped attachments. Files end in the store by their own
//! digest; a bomb, a path for a name, a file without its row are refused and leave nothing.

use crate::rig::{CODE, Gate, basic};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lienthong::catalogue::Files;
use lienthong::journal::Journal as _;
use lienthong::seal::sha256_hex;
use serde_json::json;
use std::io::Write as _;

const CALLERS: &str = r#"
[[caller]]
name     = "truc"
partner  = "truc"
roles    = ["portal"]
agencies = ["H26"]
basic    = { user = "truc-thu-nghiem", password_sha256 = "ea392957d6fb2446323cfbe6fc0dc03b091368fdfb149ca105fd8f0ce916c8f8" } # "vi-du-quan"
"#;

const PARTNER: &str = r#"
name  = "truc"
role  = "portal"
title = "Trục liên thông thử nghiệm"
class = "citizen"

[transport]
base    = "https://truc.vidu.example"
timeout = "20s"

[limits]
in  = [{ rate = "10/s", burst = 10 }]
out = { rate = "5/s", at_once = 2 }

[retry]
first = "2s"
factor = 2
max = "10m"
attempts = 12

[in.letter]
post     = "/thu"
map      = "letter"
auth     = "basic"
dedupe   = ["code"]
max_body = "1MB"
reply    = { accepted = "taken", refused = "not-taken", broken = "not-taken" }
"#;

const WITHOUT: &str = "agency.name, applicant.address.detail, applicant.address.district, applicant.birth_date, applicant.email, \
    applicant.fax, applicant.id, applicant.identity.issued_on, applicant.phone, channel, delivery, due_at, fees, field, finished_at, form, note, \
    other_papers, owner.address, owner.identity, papers.files.removed, papers.files.result, papers.files.type, papers.files.url, \
    procedure_name, receipt_number, received_at, results, returned_at, returned_note, service, status, summary, supplements";

const LETTER: &str = "Subject = 'Hồ sơ {code}'
File[Id='x.xml'] = .
    Id   = 'x.xml'
    Body = . : doc(inner) : zip('x.xml') : base64
File[] = papers[].files[] ?
    Id   = id
    Name = name
    Body = content : zip(name) : base64 | base64
";

const INNER: &str = "Code = code
Procedure = procedure
Agency = agency.code
At = submitted_at
By = applicant
    Name     = name
    Kind     = kind
    Identity = identity.number
    Province = address.province
    Ward     = address.ward
For = owner
    Name = name
    Kind = kind
Paper[] = papers[]
    @code = code
    @copies = copies
    @kind = kind
    Name = name
    File[] = files[]
        @id     = id
        @digest = digest
        Name    = name
";

fn files() -> Files {
    let map = |head: &str, without: &str, lines: &str| {
        format!("message: dossier.submit\nformat: xml\nnamespace: urn:thu\n{head}\nwithout: {without}\n\n{lines}")
    };
    let inner = WITHOUT.replace("papers.files.removed", "papers.files.content, papers.files.removed");
    let reply =
        |message: &str, without: &str, lines: &str| format!("message: {message}\nformat: json\nwithout: {without}\n\n{lines}");
    Files::embedded()
        .with("adapters/truc/partner.toml", PARTNER)
        .with("adapters/truc/letter.map", map("root: Letter", WITHOUT, LETTER))
        .with("adapters/truc/inner.map", map("root: Dossier", &inner, INNER))
        .with(
            "adapters/truc/taken.map",
            reply("receipt", "at, note, note_en, outcome, reason, reference, transaction, url", "ok = true\ncode = dossier\n"),
        )
        .with(
            "adapters/truc/not-taken.map",
            reply(
                "refusal",
                "faults.text_en, reason, status, text_en",
                "ok = false\nwhy = text\nfaults[] = faults[] ?\n    at = pointer ?\n    text = text\n",
            ),
        )
}

/// A zip as any tool makes it.
fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    let builder = archive.new_file(rawzip::path::EntryPath::verbatim(name.as_bytes()));
    let (mut entry, config) = builder.compression_method(rawzip::CompressionMethod::DEFLATE).start().unwrap();
    let mut writer = config.wrap(flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best()));
    writer.write_all(bytes).unwrap();
    let (encoder, descriptor) = writer.finish().unwrap();
    encoder.finish().unwrap();
    entry.finish(descriptor).unwrap();
    archive.finish().unwrap();
    out
}

/// A letter with one file: what the dossier says of it, and the attachment's body.
fn letter(name: &str, digest: &str, body: Option<&[u8]>) -> String {
    let dossier = format!(
        "<Dossier xmlns='urn:thu'><Code>{CODE}</Code><Procedure>1.004889</Procedure><Agency>H26.15</Agency><At>2026-07-20T10:00:00+07:00</At>\
         <By><Name>Đỗ Thị Mẫu</Name><Kind>citizen</Kind><Identity>001207000042</Identity><Province>01</Province><Ward>00070</Ward></By><For><Name>Đỗ Thị Mẫu</Name>\
         <Kind>citizen</Kind></For><Paper code='TP01' copies='1' kind='electronic'><Name>Đơn</Name><File id='t-1' digest='{digest}'>\
         <Name>{name}</Name></File></Paper></Dossier>"
    );
    let file =
        |id: &str, name: &str, body: &[u8]| format!("<File><Body>{}</Body><Id>{id}</Id>{name}</File>", STANDARD.encode(body));
    let attachment = body.map_or(String::new(), |body| file("t-1", &format!("<Name>{name}</Name>"), body));
    let own = file("x.xml", "", &zip("x.xml", dossier.as_bytes()));
    format!("<Letter xmlns='urn:thu'><Subject>Hồ sơ {CODE}</Subject>{attachment}{own}</Letter>")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letters_files_are_kept_by_their_own_digest_and_what_is_wrong_with_it_leaves_nothing() {
    let gate = Gate::with(&files(), CALLERS).await;
    let auth = basic("truc-thu-nghiem", "vi-du-quan");
    let headers = [("authorization", auth.as_str()), ("content-type", "application/xml")];
    let (rows, contents) = (gate.rows(), gate.contents());
    let file = "nội dung tờ đơn ".repeat(50).into_bytes();
    let digest = sha256_hex(&file);
    let bomb = vec![b'0'; 3_000_000];
    let other = sha256_hex(b"x");
    for (wrong, words) in [
        (letter("đơn.pdf", &sha256_hex(&bomb), Some(&zip("đơn.pdf", &bomb))), "giải nén"),
        (letter("../đơn.pdf", &digest, Some(&zip("../đơn.pdf", &file))), "tên tệp"),
        (letter("đơn.pdf", &other, Some(&zip("đơn.pdf", &file))), "SHA-256"),
        (letter("đơn.pdf", &digest, Some(&zip("đơn.pdf", &file))).replace("<Id>t-1</Id>", "<Id>t-2</Id>"), "danh sách"),
        (
            letter("đơn.pdf", &digest, None).replace("</File>", "</File><File><Body>AAAA</Body><Id>x.xml</Id></File>"),
            "mỗi phần tử",
        ),
    ] {
        let answer = gate.send("/truc/thu", &headers, wrong).await;
        assert_eq!(answer.json()["ok"], json!(false), "{}", answer.text);
        assert!(answer.text.contains(words), "want {words}: {}", answer.text);
        assert_eq!((gate.rows(), gate.contents()), (rows, contents), "{}", answer.text);
    }
    let answer = gate.send("/truc/thu", &headers, letter("đơn.pdf", &digest, Some(&zip("đơn.pdf", &file)))).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "ok": true, "code": CODE })), "{}", answer.text);
    assert_eq!(gate.content(&digest).as_deref(), Some(&*file), "the file itself, not its archive");
    assert_eq!(gate.contents(), contents + 1);
    assert!(gate.journal.snapshot(CODE).await.unwrap().dossier.is_some());
    // The same letter packed otherwise is the same message.
    let rows = gate.rows();
    let again = gate.send("/truc/thu", &headers, letter("đơn.pdf", &digest, Some(&file))).await;
    assert_eq!((again.status, again.text, gate.rows()), (200, answer.text, rows));
}

//! The national portal's synchronisation (`DongBoHoSoMC`, thinned) as a test partner: one flat list of files where a dossier has papers
//! with files, every scalar a text, the empty text for none.

use super::rig::schemas;
use lienthong::body::{Value, json};
use lienthong::catalogue::Files;
use lienthong::mapping::{Book, Context, Editions, NoContents, Shapes, Source};
use std::path::Path;
use std::sync::Arc;

const HEAD: &str = "message: dossier.submit\nformat: json\nscalars: text\nabsent: ''\n";
const LINES: &str = "
session = $session
service = 'DongBoHoSoMC'
data = .
    MaHoSo = code
    MaTTHC = procedure
    ChuHoSo = owner.name
    NgayTiepNhan = received_at : time(yyyyMMddHHmmss) ?
    TaiLieuNop[] = papers[].files[]
        TepDinhKemId = id
        TenTepDinhKem = name
        MaThanhPhanHoSo = ^code
        SoLuong = ^copies : text
        HoSo = ^^code
";

/// The partner, compiled; what it does not carry is what `check` says.
fn partner() -> Book {
    let files = Files::folder(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
    let shapes = Arc::new(Shapes::new(schemas(&files), Editions::default()).unwrap());
    let source = |without: &str| Source::new("dong-bo").with("sync.map", format!("{HEAD}{without}\n{LINES}"));
    let faults = Book::compile(&source(""), &shapes).unwrap_err();
    assert_eq!(faults.len(), 1, "{faults:?}");
    let without = faults[0].hint.clone().unwrap();
    assert!(without.contains("papers.files.content") && !without.contains("papers.code"), "{without}");
    Book::compile(&source(&format!("{without}\n")), &shapes).unwrap_or_else(|faults| panic!("{faults:?}"))
}

#[test]
fn papers_with_files_are_one_flat_list_there_and_papers_again_here() {
    let file = |id: &str| json!({ "id": id, "name": format!("{id}.pdf") });
    let paper = |code: &str, copies: u32, files: Vec<Value>| json!({ "code": code, "copies": copies, "files": files });
    let body = json!({
        "code": "000.00.15.H26-190403-0117", "procedure": "1.005142", "owner": { "name": "Phạm Thị Sao Mai" },
        "papers": [paper("TP01", 1, vec![file("tep-1")]), paper("TP02", 2, vec![file("tep-2"), file("tep-3")])],
    });
    let book = partner();
    assert!(book.notes().iter().any(|n| n.text.contains("without `files` is not carried")), "{:?}", book.notes());
    let map = book.map("sync").unwrap();
    let context = Context::new().with("session", "s-1");
    let wire = map.write(&body, &context, &NoContents, None).unwrap();
    let row = |id: &str, paper: &str, copies: &str| {
        json!({ "TepDinhKemId": id, "TenTepDinhKem": format!("{id}.pdf"), "MaThanhPhanHoSo": paper, "SoLuong": copies,
            "HoSo": "000.00.15.H26-190403-0117" })
    };
    let want = json!({ "session": "s-1", "service": "DongBoHoSoMC", "data": {
        "MaHoSo": "000.00.15.H26-190403-0117", "MaTTHC": "1.005142", "ChuHoSo": "Phạm Thị Sao Mai", "NgayTiepNhan": "",
        "TaiLieuNop": [row("tep-1", "TP01", "1"), row("tep-2", "TP02", "2"), row("tep-3", "TP02", "2")] } });
    assert_eq!(serde_json::from_slice::<Value>(&wire).unwrap(), want);
    let again = map.read(&wire, &context, &mut NoContents).unwrap().remove(0).body;
    assert_eq!((&again["papers"], &again["owner"]), (&body["papers"], &body["owner"]));
    assert_eq!(map.write(&again, &context, &NoContents, None).unwrap(), wire);
}

//! Dossiers that a test hands in itself: the portal's own sample, under a code of the test's choice and without files.

use serde_json::{Value, json};

/// A submission of the exam service, valid in every field.
pub(super) fn exam(number: u32) -> Value {
    let sample = include_str!("../../adapters/hanoi/samples/submit/pupil-2025.json");
    let mut body: Value = serde_json::from_str(sample).unwrap();
    body["MaHoSo"] = code(number).into();
    for paper in body["ThanhPhanHoSo"].as_array_mut().unwrap() {
        paper["GiayToDinhKem"] = json!([]);
    }
    body
}

/// The code of the `number`-th.
pub(super) fn code(number: u32) -> String {
    format!("H26.15-20250421-{number:07}")
}

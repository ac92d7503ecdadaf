//! What a load sends: templates made once, in which only the code, the file's beginning and the message's id change.
//!
//! The dossier is an invented one of the exam registration, filled with papers up to the size asked for.

use serde_json::Value;

use super::super::ministry::Push;
use super::super::portal::{AGENCY, Application, Edition, Paper, Service, Stored};
use crate::clock::{DAY_MS, Time};

const BOUNDARY: &str = "----ranh-gioi-tep-tin-thu-nghiem";
/// Stands in the templates for what changes. As long as what takes its place.
const CODE: &str = "H26.15-00000000-0000000";
const ID: &str = "thong-diep-tai-000000000000";
/// Codes of one day.
const OF_A_DAY: u64 = 10_000_000;
const FILE: &str = "0000000000000000000000000000000f";
const DIGEST: &str = "00000000000000000000000000000000000000000000000000000000000000d1";

/// What is shown at the doors.
pub(super) struct Spoken {
    /// The portal's bearer token.
    pub(super) token: String,
    /// The Ministry's Basic value.
    pub(super) basic: String,
}

/// The templates.
pub(super) struct Shots {
    submission: String,
    push: String,
    upload: Vec<u8>,
    /// Where the file's content begins in `upload`.
    content: usize,
    now: Time,
}

// === impl Shots ===

impl Shots {
    /// Submissions of about `size` bytes, files of `file` bytes (0: none), handed in now.
    pub(super) fn new(spoken: &Spoken, size: usize, file: usize, now_ms: i64) -> Self {
        let bearer = format!("Bearer {}", spoken.token);
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let submission = request("/hanoi/ho-so", &headers, dossier(size, file > 0, now_ms).as_bytes());
        // A minute later than it was handed in: the Ministry's times are in whole seconds.
        let basic = format!("Basic {}", spoken.basic);
        let headers = [("Authorization", basic.as_str()), ("Content-Type", "text/xml; charset=utf-8")];
        let push = request("/moet/trang-thai", &headers, Push::status(CODE, 2).body(ID, now_ms).as_bytes());
        let (upload, content) = upload(&bearer, file);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap_or_default();
        Self { submission: text(submission), push: text(push), upload, content, now: Time(now_ms) }
    }

    /// Whether a file goes before each submission.
    pub(super) fn has_file(&self) -> bool {
        !self.upload.is_empty()
    }

    /// Bytes of a submission's body.
    pub(super) fn submission_bytes(&self) -> usize {
        self.submission.split_once("\r\n\r\n").map_or(0, |(_, body)| body.len())
    }

    /// The submission of a dossier, with the file that was stored for it.
    pub(super) fn submission(&self, number: u64, stored: Option<&(String, String)>, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(self.submission.as_bytes());
        put(into, CODE, &self.code(number));
        if let Some((id, digest)) = stored {
            put(into, FILE, id);
            put(into, DIGEST, digest);
        }
    }

    /// A file that no other number has.
    pub(super) fn file(&self, number: u64, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(&self.upload);
        let text = format!("{number:016}");
        if let Some(place) = into.get_mut(self.content..self.content + text.len()) {
            place.copy_from_slice(text.as_bytes());
        }
    }

    /// The status push of a dossier.
    pub(super) fn push(&self, number: u64, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(self.push.as_bytes());
        put(into, CODE, &self.code(number));
        put(into, ID, &format!("thong-diep-tai-{number:012}"));
    }

    /// Where a day's codes are used up, those of the day before follow.
    fn code(&self, number: u64) -> String {
        let back = i64::try_from(number / OF_A_DAY).unwrap_or(i64::MAX);
        let day = self.now.plus_ms(back.saturating_mul(-DAY_MS)).rfc3339().get(..10).unwrap_or_default().replace('-', "");
        format!("H26.15-{day}-{:07}", number % OF_A_DAY)
    }
}

// === functions ===

/// The id and digest under which an upload was stored, when both have their usual length.
pub(super) fn stored(answer: &[u8]) -> Option<(String, String)> {
    let answer: Value = serde_json::from_slice(answer).ok()?;
    let text = |name: &str| answer.get(0)?.get(name)?.as_str().map(str::to_owned);
    let (id, digest) = (text("IdTepTin")?, text("HashTepTin")?);
    (id.len() == FILE.len() && digest.len() == DIGEST.len()).then_some((id, digest))
}

/// A POST.
pub(super) fn request(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST {path} HTTP/1.1\r\nHost: lienthong\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A GET of an operator.
pub(super) fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: lienthong\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

fn dossier(size: usize, with_file: bool, now_ms: i64) -> String {
    let mut application = Application::invent(1, 1, Service::Exam, Edition::Of2025, now_ms);
    application.papers.iter_mut().for_each(|p| p.files.clear());
    let stored = Stored { id: FILE.to_owned(), digest: DIGEST.to_owned(), name: "phieu-dang-ky.pdf".to_owned() };
    let stored = if with_file { vec![vec![stored]] } else { Vec::new() };
    loop {
        let body = application.body(CODE, AGENCY, &stored).to_string();
        if body.len() >= size || application.papers.len() > 200 {
            return body;
        }
        let name = "Bản sao có chứng thực của giấy tờ kèm theo";
        application.papers.push(Paper { code: "TP09", name, kind: 1, copies: 1, files: Vec::new() });
    }
}

fn upload(bearer: &str, size: usize) -> (Vec<u8>, usize) {
    if size == 0 {
        return (Vec::new(), 0);
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"files\"; filename=\"phieu-dang-ky.pdf\"\r\nContent-Type: application/pdf\r\n\r\n"
    );
    // Bytes that no compression or run-length trick shortens.
    let content: Vec<u8> = (0..size).map(|n| u8::try_from((n * 2_654_435_761) >> 13 & 0xff).unwrap_or(0)).collect();
    let tail = format!("\r\n--{BOUNDARY}--\r\n");
    let body = [head.as_bytes(), &content, tail.as_bytes()].concat();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let all = request("/hanoi/tep-tin", &[("Authorization", bearer), ("Content-Type", &kind)], &body);
    let begin = all.len() - tail.len() - content.len();
    (all, begin)
}

/// Puts a text in the place of another one of the same length.
fn put(bytes: &mut [u8], old: &str, new: &str) {
    let found = find(bytes, old.as_bytes());
    if let (Some(at), true) = (found, old.len() == new.len())
        && let Some(place) = bytes.get_mut(at..at + new.len())
    {
        place.copy_from_slice(new.as_bytes());
    }
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|w| w == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shots(file: usize) -> Shots {
        Shots::new(&Spoken { token: "t".into(), basic: "b".into() }, 3_000, file, 1_781_000_000_000)
    }

    fn body(request: &[u8]) -> Value {
        let text = std::str::from_utf8(request).unwrap();
        serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[test]
    fn every_dossier_has_its_own_code_and_the_size_asked_for() {
        let (shots, mut request) = (shots(0), Vec::new());
        shots.submission(7, None, &mut request);
        assert_eq!(body(&request)["MaHoSo"], "H26.15-20260609-0000007");
        shots.submission(8, None, &mut request);
        assert_eq!(body(&request)["MaHoSo"], "H26.15-20260609-0000008");
        shots.submission(20_000_008, None, &mut request);
        assert_eq!(body(&request)["MaHoSo"], "H26.15-20260607-0000008", "ten million a day are not enough for ten minutes");
        assert!((3_000..3_200).contains(&shots.submission_bytes()), "{}", shots.submission_bytes());
    }

    #[test]
    fn a_file_is_new_each_time_and_named_by_what_the_gateway_stored() {
        let (shots, mut one, mut two) = (shots(500), Vec::new(), Vec::new());
        shots.file(1, &mut one);
        shots.file(2, &mut two);
        assert!(one != two && one.len() == two.len() && one.len() > 500);
        let (id, digest) = ("a".repeat(32), "b".repeat(64));
        let answer = format!("[{{\"IdTepTin\":\"{id}\",\"HashTepTin\":\"{digest}\"}}]");
        shots.submission(1, stored(answer.as_bytes()).as_ref(), &mut one);
        assert_eq!(body(&one)["ThanhPhanHoSo"][0]["GiayToDinhKem"][0]["IdGiayTo"], id);
        assert_eq!(body(&one)["ThanhPhanHoSo"][0]["GiayToDinhKem"][0]["HashTepTin"], digest);
    }

    #[test]
    fn a_push_names_its_dossier_and_itself() {
        let (shots, mut request) = (shots(0), Vec::new());
        shots.push(3, &mut request);
        let text = String::from_utf8(request).unwrap();
        assert!(text.contains("H26.15-20260609-0000003") && text.contains("thong-diep-tai-000000000003"), "{text}");
    }
}

//! A gateway without sockets: the shipped adapters, the real journal, a clock turned by hand, callers with known words.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use base64::Engine as _;
use http_body_util::BodyExt as _;
use lienthong::catalogue::{Catalogue, Files, Settings, Shelf};
use lienthong::clock::{Clock as _, Manual, Time, Wall};
use lienthong::config::{Callers, Config, FixedSecrets, Gateway};
use lienthong::delivery::{BreakerPolicy, Feed, Outlook, Saved, Terms};
use lienthong::dispatch::{self, Dispatcher};
use lienthong::exchange::Current;
use lienthong::http::{Door, Metrics, Parts, Peer};
use lienthong::intake::{self, Intake};
use lienthong::journal::{
    Attempt, BlobStore, Effects, Journal as _, Next, Options, RetentionStep, RetentionTerms, Settled, Settlement as End,
    SqliteJournal, Take,
};
use lienthong::partner::HttpTransport;
use lienthong::seal::{Digest, Encoding, Secret, SystemRandom, hmac_text, sha256_hex};
use lienthong::settlement::Settlement;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use tower::ServiceExt as _;

/// When the tests happen.
pub(crate) const NOW: &str = "2026-07-21T09:00:00+07:00";
/// A registered dossier of procedure 1.005142.
pub(crate) const CODE: &str = "H26.15-20260720-0000117";

/// What a call takes, as a forecast at the door has it.
pub(crate) const CALL: std::time::Duration = std::time::Duration::from_millis(50);

pub(crate) struct Gate {
    pub(crate) journal: Arc<SqliteJournal>,
    pub(crate) clock: Arc<Manual>,
    router: Router,
    admin: Router,
    token: String,
    current: Arc<Current>,
    files: Files,
    dir: tempfile::TempDir,
}

/// Everything logged by this test run, at the most talkative level.
static LOG: LazyLock<Mutex<Vec<u8>>> = LazyLock::new(Mutex::default);

struct ToLog;

impl std::io::Write for ToLog {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What was logged so far.
pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}

fn log_everything() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let plain = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false).with_writer(|| ToLog);
        tracing::subscriber::set_global_default(plain.finish()).unwrap();
    });
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    /// The text of the first XML element with this local name.
    pub(crate) fn xml(&self, name: &str) -> Option<String> {
        let doc = roxmltree::Document::parse(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text));
        doc.descendants().find(|n| n.tag_name().name() == name).and_then(|n| n.text()).map(str::to_owned)
    }
}

impl Gate {
    pub(crate) async fn open() -> Self {
        Self::with(&Files::embedded(), "").await
    }

    /// With these adapters, and more callers.
    pub(crate) async fn with(files: &Files, more_callers: &str) -> Self {
        Self::set_up(files, more_callers, &Settings::new()).await
    }

    /// The same, with what the gateway's configuration says of partners.
    pub(crate) async fn set_up(files: &Files, more_callers: &str, settings: &Settings) -> Self {
        log_everything();
        let dir = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(dir.path(), Options::default()).unwrap();
        let blobs = BlobStore::open(&dir.path().join("files")).unwrap().guarded(journal.disk());
        let catalogue = Arc::new(Catalogue::load(files, settings, &secrets()).unwrap_or_else(|f| panic!("{f}")));
        let gateway = Gateway {
            return_urls: vec!["https://cong.vidu.example/thanh-toan".into()],
            public_url: "https://lien-thong.vidu.example".into(),
            ..Gateway::default()
        };
        let config = Config { gateway, callers: callers(more_callers) };
        let clock = Arc::new(Manual::at(Time::parse(NOW).unwrap()));
        let random = Arc::new(SystemRandom);
        let mut registry = prometheus_client::registry::Registry::default();
        let metrics = Metrics::register(&mut registry);
        let current = Current::new(catalogue);
        let settlement = Arc::new(Settlement::new(current.clone(), journal.clone(), clock.clone()));
        let intake = Intake::new(intake::Parts {
            current: current.clone(),
            journal: journal.clone(),
            blobs: blobs.clone(),
            clock: clock.clone(),
            random: random.clone(),
            key: [3; 32],
            plain_keys: journal.plain_keys(),
            gateway: config.gateway.clone(),
        });
        let door = Door::new(Parts {
            config: &config,
            intake: Arc::new(intake),
            settlement,
            journal: journal.clone(),
            blobs,
            clock: clock.clone(),
            random,
            key: [3; 32],
            metrics,
            registry: Arc::new(registry),
            standings: Arc::new(|_| serde_json::Value::Null),
            adapters: None,
            callers: tokio::sync::watch::channel(Arc::new(config.callers.clone())).1,
            outlooks: Arc::new(outlooks(current.clone(), clock.now())),
        });
        let (router, admin, files) = (door.public(), door.admin(), files.clone());
        let mut gate = Self { journal, clock, router, admin, token: String::new(), current, files, dir };
        gate.token = gate.sign_in("cong", "chu-cong").await;
        gate
    }

    /// Signs a client of the portal in.
    pub(crate) async fn sign_in(&self, id: &str, secret: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let answer = self.send("/hanoi/token", &[("content-type", "application/x-www-form-urlencoded")], form).await;
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        self.send_from("127.0.0.1:1", path, headers, body).await
    }

    pub(crate) async fn send_from(&self, peer: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
        let mut request = Request::post(path).body(body.into()).unwrap();
        self.fill(&mut request, peer, headers);
        self.finish(request).await
    }

    /// An operator (or who this token is) asks our own API at the operators' address; no body: a look.
    pub(crate) async fn operate(&self, token: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = match body {
            Some(body) => Request::post(path).header("content-type", "application/json").body(Body::from(body.to_string())),
            None => Request::get(path).body(Body::empty()),
        };
        let mut request = request.unwrap();
        self.fill(&mut request, "127.0.0.1:1", &[("authorization", &format!("Bearer {token}"))]);
        Self::asked(&self.admin, request).await
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        self.fill(&mut request, "127.0.0.1:1", headers);
        self.finish(request).await
    }

    fn fill(&self, request: &mut Request<Body>, peer: &str, headers: &[(&str, &str)]) {
        request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        for (name, value) in headers {
            request.headers_mut().insert(axum::http::HeaderName::try_from(*name).unwrap(), value.parse().unwrap());
        }
    }

    /// An operator asks, or tells to do something, on the operators' address.
    pub(crate) async fn operator(&self, path: &str, body: Option<Value>) -> Answer {
        let request = if body.is_some() { Request::post(path) } else { Request::get(path) };
        let text = body.map_or(Body::empty(), |b| Body::from(b.to_string()));
        let mut request = request.body(text).unwrap();
        self.fill(&mut request, "127.0.0.1:1", &[("authorization", "Bearer van-hanh"), ("content-type", "application/json")]);
        Self::asked(&self.admin, request).await
    }

    /// An operator's request by this method, with a body that need not be JSON.
    pub(crate) async fn operator_by(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", "Bearer van-hanh");
        Self::asked(&self.admin, request.body(body.into()).unwrap()).await
    }

    async fn finish(&self, request: Request<Body>) -> Answer {
        Self::asked(&self.router, request).await
    }

    async fn asked(router: &Router, request: Request<Body>) -> Answer {
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// The portal posts JSON.
    pub(crate) async fn portal(&self, path: &str, body: &Value) -> Answer {
        self.portal_as(&self.token, path, body.to_string()).await
    }

    pub(crate) async fn portal_as(&self, token: &str, path: &str, body: String) -> Answer {
        let auth = format!("Bearer {token}");
        self.send(path, &[("authorization", &auth), ("content-type", "application/json")], body).await
    }

    /// The Ministry posts SOAP.
    pub(crate) async fn ministry(&self, path: &str, body: String) -> Answer {
        let auth = basic("bo", "chu-bo");
        self.send(path, &[("authorization", &auth), ("content-type", "text/xml; charset=utf-8")], body).await
    }

    /// The Ministry pushes a status.
    pub(crate) async fn push(&self, id: &str, status: u8, at: &str, more: &str) -> Answer {
        self.ministry("/moet/trang-thai", status_push(id, CODE, status, at, more)).await
    }

    /// Uploads a file; its id and digest.
    pub(crate) async fn upload(&self, token: &str, content: &str) -> (String, String) {
        let body = format!(
            "--b\r\ncontent-disposition: form-data; name=\"files\"; filename=\"đơn.pdf\"\r\ncontent-type: application/pdf\r\n\r\n{content}\r\n--b--\r\n"
        );
        let auth = format!("Bearer {token}");
        let headers = [("authorization", auth.as_str()), ("content-type", "multipart/form-data; boundary=b")];
        let answer = self.send("/hanoi/tep-tin", &headers, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let row = answer.json()[0].clone();
        assert_eq!(row["HashTepTin"], sha256_hex(content.as_bytes()));
        (row["IdTepTin"].as_str().unwrap().to_owned(), sha256_hex(content.as_bytes()))
    }

    /// A submission with a file of its own.
    pub(crate) async fn submission(&self) -> Value {
        let (id, digest) = self.upload(&self.token, "nội dung đơn").await;
        submission(&id, &digest)
    }

    /// A dossier is handed in.
    pub(crate) async fn submit(&self) -> Value {
        let body = self.submission().await;
        let answer = self.portal("/hanoi/ho-so", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        body
    }

    /// What the dispatcher does: of the due deliveries to a partner those on these lanes are delivered, the others are to be tried later.
    pub(crate) async fn deliver(&self, partner: &str, lanes: &[&str]) {
        let now = self.clock.now();
        let feed = Feed::start(&Terms::default(), &Saved::default(), now);
        let take = Take {
            partner: partner.to_owned(),
            max: 100,
            now,
            feed,
            probe: false,
            adapters: "set".to_owned(),
            batches: BTreeMap::new(),
        };
        for claim in self.journal.claim(take).await.unwrap().claims {
            let next = if lanes.contains(&claim.lane.as_str()) { Next::Done } else { Next::Later { at: now.plus_ms(60_000) } };
            let attempt =
                Attempt { at: now, ms: 1, what: "call".into(), outcome: "done".into(), why: None, adapters: "set".into() };
            let (delivery, run) = (claim.delivery, claim.run);
            let end = End { delivery, run, at: now, attempt, next, effects: Effects::default() };
            assert_eq!(self.journal.settle(end).await.unwrap(), Settled::Written);
        }
    }

    /// The real dispatcher over real connections, by the wall's clock; what waits goes out from now on.
    pub(crate) fn dispatch(&self) -> Dispatcher {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let today = self.current.now().catalogue.clone();
        let shelf = Shelf::open(&self.dir.path().join("adapters"), today, &self.files, Box::new(|_| None)).unwrap();
        Dispatcher::start(dispatch::Parts {
            current: self.current.clone(),
            shelf: Arc::new(shelf),
            journal: self.journal.clone(),
            blobs: Arc::new(BlobStore::open(&self.dir.path().join("files")).unwrap()),
            transport: Arc::new(HttpTransport::new(&[]).unwrap()),
            clock: Arc::new(Wall::new()),
            random: Arc::new(SystemRandom),
            breaker: BreakerPolicy::default(),
        })
    }

    /// A whole run of retention by these terms, in days.
    pub(crate) async fn retain(&self, days: &[(&str, u32)], now: Time) {
        let terms = RetentionTerms::of(|class| days.iter().find(|(c, _)| *c == class).map(|(_, n)| *n));
        let blobs = BlobStore::open(&self.dir.path().join("files")).unwrap();
        self.journal.begin_retention("gateway", None, now).await.unwrap();
        while self.journal.retain(&blobs, &terms, now).await.unwrap() == RetentionStep::More {}
    }

    /// A content in the store, by its digest.
    pub(crate) fn content(&self, digest: &str) -> Option<Vec<u8>> {
        std::fs::read(self.dir.path().join("files").join(&digest[..2]).join(digest)).ok()
    }

    /// Contents in the store, and what is being taken in.
    pub(crate) fn contents(&self) -> usize {
        let folders = std::fs::read_dir(self.dir.path().join("files")).unwrap();
        folders.map(|f| std::fs::read_dir(f.unwrap().path()).unwrap().count()).sum()
    }

    /// Of the last message whose received bytes stand in the store: what of them stands in the journal, their digest and their size.
    pub(crate) fn received(&self) -> (i64, String, i64) {
        let sql = rusqlite::Connection::open(self.dir.path().join("journal.db")).unwrap();
        let last = "SELECT length(m.raw), r.digest, r.size FROM received r JOIN message m ON m.seq = r.message ORDER BY m.seq DESC LIMIT 1";
        sql.query_row(last, [], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap()
    }

    /// Rows written so far: a refusal must not change it.
    pub(crate) fn rows(&self) -> u64 {
        self.journal.written().0
    }

    pub(crate) async fn status(&self) -> String {
        self.journal.snapshot(CODE).await.unwrap().dossier.unwrap().status.word().to_owned()
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }
}

/// Partners as their loops would stand at the start of the tests: nothing called yet, as much as the adapters say.
fn outlooks(current: Arc<Current>, from: Time) -> impl Fn(&str) -> Option<Outlook> {
    move |partner| {
        let terms = current.now().catalogue.partners.get(partner)?.limits.out.clone();
        Some(Outlook { feed: Feed::start(&terms, &Saved::default(), from), call: CALL, calls: 1.0 })
    }
}

/// The pupil's sample of 2025, as of the day before the tests, with one file.
pub(crate) fn submission(file: &str, digest: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/adapters/hanoi/samples/submit/pupil-2025.json");
    let mut body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    body["MaHoSo"] = CODE.into();
    body["NgayNop"] = "2026-07-20 10:00:00".into();
    let papers = body["ThanhPhanHoSo"].as_array_mut().unwrap();
    for paper in papers.iter_mut() {
        paper["GiayToDinhKem"] = serde_json::json!([]);
    }
    papers[0]["GiayToDinhKem"] = serde_json::json!([{ "IdGiayTo": file, "TenGiayTo": "đơn.pdf", "HashTepTin": digest }]);
    body
}

pub(crate) fn soap(inner: &str) -> String {
    format!(
        "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body>{inner}</soap:Body></soap:Envelope>"
    )
}

pub(crate) fn status_push(id: &str, code: &str, status: u8, at: &str, more: &str) -> String {
    soap(&format!(
        "<ThongBaoTrangThai xmlns=\"urn:lienthong:bo-gddt:1\"><MaThongDiep>{id}</MaThongDiep><MaHoSo>{code}</MaHoSo>\
         <TrangThai>{status}</TrangThai><ThoiDiem>{at}</ThoiDiem>{more}</ThongBaoTrangThai>"
    ))
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// A notice of the payment platform, sealed with `key`.
pub(crate) fn notice(transaction: &str, amount: u64, status: u8, key: &str) -> Value {
    let over = format!("0|HN-GDDT|PAY|{amount}|{transaction}|3.0");
    serde_json::json!({
        "client_id": "HN-GDDT", "transaction_id": transaction, "transaction_code": "NP-1", "trans_amount": amount, "payment_fee": 0,
        "command": "PAY", "addition_fee": 0, "version": "3.0", "description": "Phí", "locale": "vn", "country_code": "+84",
        "currency_code": "VND", "environment": "1", "status": status,
        "check_sum": hmac_text(Digest::Sha256, Encoding::Hex, &Secret::new(key), over.as_bytes()),
    })
}

fn secrets() -> FixedSecrets {
    FixedSecrets::of([
        ("hanoi/client", "bi-mat"),
        ("hanoi/webhook", "YmktbWF0"),
        ("moet/password", "bi-mat"),
        ("keypay/hash_key_1", "khoa-mot-thu-nghiem"),
        ("keypay/hash_key_2", "khoa-hai-thu-nghiem"),
        ("dvcqg/password", "mat-khau-thu-nghiem"),
        ("vidientu/access_code", "ma-truy-cap"),
        ("vidientu/hash_key", "khoa-vi-dien-tu"),
    ])
}

fn callers(more: &str) -> Callers {
    let digest = |word: &str| sha256_hex(word.as_bytes());
    let client = |name: &str, id: &str, word: &str, agencies: &str| {
        format!(
            "[[caller]]\nname='{name}'\npartner='hanoi'\nroles=['portal']\nagencies=[{agencies}]\nclient={{id='{id}',secret_sha256='{}'}}\n",
            digest(word)
        )
    };
    let basic = |name: &str, partner: &str, role: &str, user: &str, word: &str| {
        format!(
            "[[caller]]\nname='{name}'\npartner='{partner}'\nroles=['{role}']\nbasic={{user='{user}',password_sha256='{}'}}\n",
            digest(word)
        )
    };
    let text = [
        client("portal", "cong", "chu-cong", "'H26'"),
        client("other-portal", "cong-khac", "chu-khac", "'H26.16'"),
        basic("ministry", "moet", "ministry", "bo", "chu-bo"),
        basic("stranger", "hanoi", "portal", "la", "chu-la"),
        format!("[[caller]]\nname='operator'\nroles=['operator']\ntoken_sha256='{}'\n", digest("van-hanh")),
        format!("[[caller]]\nname='auditor'\nroles=['auditor']\ntoken_sha256='{}'\n", digest("kiem-toan")),
        "[[caller]]\nname='wallet'\npartner='vidientu'\nroles=['payment']\nnetworks=['10.30.0.0/24']\n".to_owned(),
        "[[caller]]\nname='platform'\npartner='keypay'\nroles=['payment']\nseal='notice'\n".to_owned(),
        "[[caller]]\nname='bills'\npartner='keypay'\nroles=['payment']\nnetworks=['10.20.0.0/24']\n".to_owned(),
        more.to_owned(),
    ];
    Callers::parse("callers.toml", &text.concat()).unwrap_or_else(|f| panic!("{f:?}"))
}

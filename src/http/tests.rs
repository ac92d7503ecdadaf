//! What must hold of the door's own API: the matrix of roles and routes, ownership, problems. On the real journal.

use super::*;
use crate::body::{Value, json};
use crate::catalogue::{Catalogue, Files};
use crate::clock::{Manual, Time};
use crate::config::{Callers, Placeholders, Role};
use crate::exchange::Current;
use crate::intake;
use crate::journal::{
    Acceptance, Accepted, DeliveryState, Effects, NewAudit, NewCase, NewDelivery, NewEvent, NewMessage, Options, SqliteJournal,
};
use crate::model::{CaseKind, Dossier, Kind, Payer, Status};
use crate::seal::{SystemRandom, sha256_hex};
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

const CODE: &str = "H26.15-20260609-0000001";
const START: Time = Time(1_781_000_000_000);

/// A door over a fresh journal that holds one dossier of caller `portal`, sent to the ministry partner `east`.
struct House {
    door: Arc<Door>,
    journal: Arc<SqliteJournal>,
    blobs: BlobStore,
    clock: Arc<Manual>,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let journal = SqliteJournal::open(dir.path(), Options::default()).unwrap();
        let blobs = BlobStore::open(&dir.path().join("files")).unwrap();
        let days = [("bodies".to_owned(), 30), ("events".to_owned(), 30)].into();
        let retention = crate::config::Retention { days, ..crate::config::Retention::default() };
        let gateway = crate::config::Gateway { retention, ..crate::config::Gateway::default() };
        let config = Config { callers: callers(), gateway };
        let (clock, random) = (Arc::new(Manual::at(START)), Arc::new(SystemRandom));
        let current = Current::new(Arc::new(catalogue()));
        let settlement = Arc::new(Settlement::new(current.clone(), journal.clone(), clock.clone()));
        let intake = Intake::new(intake::Parts {
            current,
            journal: journal.clone(),
            blobs: blobs.clone(),
            clock: clock.clone(),
            random: random.clone(),
            key: [1; 32],
            plain_keys: false,
            gateway: config.gateway.clone(),
        });
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let door = Door::new(Parts {
            config: &config,
            intake: Arc::new(intake),
            settlement,
            journal: journal.clone(),
            blobs: blobs.clone(),
            clock: clock.clone(),
            random,
            key: [1; 32],
            metrics,
            registry: Arc::new(registry),
            standings: Arc::new(|_| serde_json::Value::Null),
            adapters: None,
            outlooks: Arc::new(|_| None),
            callers: tokio::sync::watch::channel(Arc::new(config.callers.clone())).1,
        });
        let house = Self { door, journal, blobs, clock, _dir: dir };
        house.keep_a_dossier().await;
        house
    }

    async fn keep_a_dossier(&self) {
        let acceptance = Acceptance {
            idempotency: None,
            message: NewMessage {
                id: "m-1".into(),
                partner: "north".into(),
                route: "submit".into(),
                kind: Kind::DossierSubmit,
                dossier: Some(CODE.into()),
                caller: "portal".into(),
                received_at: START,
                adapters: "set".into(),
                body: b"{}".to_vec(),
                raw: b"{}".to_vec().into(),
            },
            effects: Effects {
                dossier: Some(dossier()),
                events: vec![NewEvent { dossier: CODE.into(), at: START, kind: "accepted".into(), data: json!({}) }],
                deliveries: vec![NewDelivery {
                    partner: "east".into(),
                    route: "submit".into(),
                    lane: CODE.into(),
                    dossier: Some(CODE.into()),
                    class: "citizen".into(),
                    caller: "portal".into(),
                    deadline: None,
                    not_before: None,
                    id: "m-1".into(),
                    at: START,
                    kind: Kind::DossierSubmit,
                    body: None,
                    trace: None,
                }],
                audit: vec![NewAudit { at: START, who: "portal".into(), what: "x".into(), about: CODE.into(), data: json!({}) }],
                ..Effects::default()
            },
            receipt: json!({ "outcome": "accepted" }),
        };
        assert!(matches!(self.journal.accept(acceptance).await.unwrap(), Accepted::New { .. }));
    }

    async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.door.admin().oneshot(request.body(body).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, token: &str) -> (StatusCode, Value) {
        let response = self.ask(Method::GET, path, token, Value::Null).await;
        (response.status(), read(response).await)
    }
}

async fn read(response: Response<Body>) -> Value {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&bytes).unwrap_or(Value::Null)
}

fn dossier() -> Dossier {
    Dossier {
        code: CODE.into(),
        procedure: "1.000001".into(),
        edition: None,
        agency: "H26.15".into(),
        portal: "north".into(),
        caller: "portal".into(),
        ministry: Some("east".into()),
        status: Status::New,
        since: None,
        registered_at: START,
        submitted_at: START,
        due_at: None,
        told: 0,
        reference: None,
        rounds: 0,
        fee: None,
        charge: None,
        dispute: None,
        overruled: Vec::new(),
        fee_paid: crate::model::Vnd::ZERO,
        covered: Vec::new(),
        copy: None,
        documents: Vec::new(),
        payer: Payer { name: "Người Được Giấu".into(), ..Payer::default() },
        version: 1,
    }
}

/// The real schemas and two partners with a name only.
fn catalogue() -> Catalogue {
    let embedded = Files::embedded();
    let mut files = Files::default();
    for (path, text) in embedded.under("schemas/") {
        files = files.with(format!("schemas/{path}"), text);
    }
    for (name, role) in [("north", "portal"), ("east", "ministry")] {
        let text = format!("name = '{name}'\nrole = '{role}'\ntitle = 'Đối tác'\n[transport]\nbase = 'https://{name}.example'\n");
        files = files.with(format!("adapters/{name}/partner.toml"), text);
    }
    Catalogue::load(&files, &std::collections::BTreeMap::new(), &Placeholders).unwrap()
}

/// One caller a role, named and with a token like its role, and one more portal.
fn callers() -> Callers {
    let mut text = String::new();
    for (name, role, partner) in [
        ("portal", "portal", "north"),
        ("other-portal", "portal", "south"),
        ("ministry", "ministry", "east"),
        ("other-ministry", "ministry", "west"),
        ("payment", "payment", "bank"),
        ("operator", "operator", ""),
        ("auditor", "auditor", ""),
        ("metrics", "metrics", ""),
    ] {
        text += &format!("[[caller]]\nname='{name}'\nroles=['{role}']\ntoken_sha256='{}'\n", sha256_hex(name.as_bytes()));
        if !partner.is_empty() {
            text += &format!("partner='{partner}'\n");
        }
    }
    Callers::parse("callers.toml", &text).unwrap()
}

/// How each operation of our own API is asked for; the partners' doors are tested with the partners.
fn requests() -> Vec<(Operation, Method, String, Value)> {
    use Operation as O;
    let get = |o, path: &str| (o, Method::GET, path.to_owned(), Value::Null);
    let post = |o, path: &str, body| (o, Method::POST, path.to_owned(), body);
    vec![
        get(O::DossierShow, &format!("/v1/dossiers/{CODE}")),
        get(O::DossierTimeline, &format!("/v1/dossiers/{CODE}/timeline")),
        get(O::EventsList, "/v1/events"),
        get(O::FileGet, "/v1/files/none"),
        get(O::DeliveriesList, "/v1/deliveries"),
        get(O::DeliveryShow, "/v1/deliveries/1"),
        post(O::AdaptersCompare, "/v1/adapters/compare", json!({ "files": {} })),
        get(O::DeliveryExplain, "/v1/deliveries/1/explain"),
        post(O::DeliveryRelease, "/v1/deliveries/9/release", json!({ "verdict": "send-again", "reason": "thử" })),
        post(O::DeliveryRelease, "/v1/deliveries/release", json!({ "partner": "east", "reason": "thử" })),
        post(O::DeliveryClose, "/v1/deliveries/9/close", json!({ "reason": "thử" })),
        get(O::PartnersList, "/v1/partners"),
        post(O::PartnerPause, "/v1/partners/east/pause", json!({ "reason": "thử" })),
        post(O::PartnerResume, "/v1/partners/east/resume", Value::Null),
        get(O::CasesList, "/v1/cases"),
        get(O::CaseShow, "/v1/cases/9"),
        post(O::CaseNote, "/v1/cases/9/note", json!({ "reason": "thử" })),
        post(O::CaseClose, "/v1/cases/9/close", json!({ "reason": "thử" })),
        post(O::CaseDecide, "/v1/cases/9/decide", json!({ "decision": "none", "reason": "thử" })),
        post(O::StatementAdd, "/v1/statements?partner=bank&day=2026-06-09", Value::Null),
        get(O::StatementsList, "/v1/statements"),
        get(O::StatementsList, "/v1/statements/9"),
        get(O::StatementsList, "/v1/statements/9/lines"),
        get(O::StatementsList, "/v1/statements/9/csv"),
        get(O::StatementsList, "/v1/told?list=paid-not-told&day=2026-06-09"),
        get(O::RetentionShow, "/v1/retention"),
        get(O::RetentionShow, "/v1/retention/due"),
        post(O::RetentionRun, "/v1/retention/run", json!({ "reason": "thử" })),
        get(O::MetricsRead, "/metrics"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_gets_exactly_what_the_table_says() {
    let house = House::new().await;
    for (operation, method, path, body) in requests() {
        for (role, word) in Role::ALL {
            let got = house.ask(method.clone(), &path, word, body.clone()).await.status();
            let refused = [StatusCode::FORBIDDEN, StatusCode::UNAUTHORIZED].contains(&got);
            assert_eq!(!refused, roles::may(role, operation), "{word} {method} {path}: {got}");
        }
        let nobody = house.ask(method, &path, "", body).await;
        assert_eq!(nobody.status(), StatusCode::UNAUTHORIZED, "{path}");
        assert!(nobody.headers().contains_key("www-authenticate"));
    }
}

const FILES: &str = "--b\r\ncontent-disposition: form-data; name=\"files\"; filename=\"đơn.pdf\"\r\n\
    content-type: application/pdf\r\n\r\nnội dung\r\n--b--\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_in_once_it_is_kept_and_is_its_own_callers_only() {
    let house = House::new().await;
    let add = |token: &'static str, body: &'static str| {
        let request = Request::post("/v1/files").header("authorization", format!("Bearer {token}"));
        let request = request.header("content-type", "multipart/form-data; boundary=b").body(Body::from(body)).unwrap();
        house.door.public().oneshot(request)
    };
    for (role, word) in Role::ALL {
        let got = add(word, FILES).await.unwrap().status();
        assert_eq!(got == StatusCode::OK, roles::may(role, Operation::FileAdd), "{word} {got}");
    }
    let told = read(add("portal", FILES).await.unwrap()).await;
    let file = &told["files"][0];
    assert_eq!((file["digest"].as_str().unwrap(), file["size"].as_u64()), (sha256_hex("nội dung".as_bytes()).as_str(), Some(10)));
    let path = format!("/v1/files/{}", file["id"].as_str().unwrap());
    for (token, status) in [("portal", 200), ("operator", 200), ("other-portal", 404), ("ministry", 404), ("auditor", 403)] {
        let answer = house.ask(Method::GET, &path, token, Value::Null).await;
        assert_eq!(answer.status(), status, "{token}");
        if status == 200 {
            assert_eq!(answer.headers()["content-length"], "10");
            assert_eq!(answer.headers()["content-type"], "application/pdf");
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(&bytes[..], "nội dung".as_bytes());
        }
    }
    for body in ["--b\r\nbroken", "--b\r\ncontent-disposition: form-data; name=\"x\"\r\n\r\nno file\r\n--b--\r\n", ""] {
        assert_eq!(add("portal", body).await.unwrap().status(), 400, "{body:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_routes_are_not_on_the_public_address() {
    let house = House::new().await;
    for path in ["/v1/deliveries", "/v1/partners", "/v1/cases", "/v1/retention", "/metrics", "/readyz"] {
        let request = Request::get(path).header("authorization", "Bearer operator").body(Body::empty()).unwrap();
        assert_eq!(house.door.public().oneshot(request).await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_of_another_caller_is_not_there() {
    let house = House::new().await;
    for (token, sees) in [
        ("portal", true),
        ("other-portal", false),
        ("ministry", true),
        ("other-ministry", false),
        ("operator", true),
        ("auditor", true),
    ] {
        for path in [format!("/v1/dossiers/{CODE}"), format!("/v1/dossiers/{CODE}/timeline")] {
            let (status, body) = house.get(&path, token).await;
            assert_eq!(status == StatusCode::OK, sees, "{token} {path}");
            if !sees {
                assert_eq!((status.as_u16(), body["code"].as_str()), (404, Some("dossier-unknown")));
            }
            assert!(!body.to_string().contains("Được Giấu"), "no name is shown");
        }
    }
    assert_eq!(house.get("/v1/dossiers/none", "portal").await.1["code"], "dossier-unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_the_callers_own_and_go_on_after_a_number() {
    let house = House::new().await;
    let (_, mine) = house.get("/v1/events", "portal").await;
    assert_eq!(mine["events"][0]["kind"], "accepted");
    let last = mine["last"].as_u64().unwrap();
    assert_eq!(house.get(&format!("/v1/events?after={last}"), "portal").await.1, json!({ "events": [], "last": last }));
    assert_eq!(house.get("/v1/events", "other-portal").await.1["events"], json!([]));
    assert_eq!(house.get("/v1/events?aftr=1", "portal").await.0, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_closed_with_a_reason_and_a_partner_paused() {
    let house = House::new().await;
    let (_, list) = house.get("/v1/deliveries", "operator").await;
    let id = list["deliveries"][0]["delivery"].as_u64().unwrap();
    assert_eq!(house.get(&format!("/v1/deliveries/{id}"), "operator").await.1["attempts_made"], json!([]));
    for (body, status) in [(json!({}), 400), (json!({ "reason": " " }), 400), (json!({ "reason": "trùng" }), 200)] {
        let answer = house.ask(Method::POST, &format!("/v1/deliveries/{id}/close"), "operator", body.clone()).await;
        assert_eq!(answer.status(), status, "{body}");
    }
    let state = house.journal.delivery(id).await.unwrap().unwrap().view.state;
    assert_eq!(state, DeliveryState::Closed);
    let again = house.ask(Method::POST, &format!("/v1/deliveries/{id}/close"), "operator", json!({ "reason": "x" })).await;
    assert_eq!(read(again).await["code"], "delivery-state");
    house.ask(Method::POST, "/v1/partners/east/pause", "operator", json!({ "reason": "bảo trì" })).await;
    let (_, partners) = house.get("/v1/partners", "operator").await;
    let paused: Vec<_> = partners["partners"].as_array().unwrap().iter().map(|p| p["paused"].clone()).collect();
    assert_eq!(paused, [json!("bảo trì"), Value::Null], "in order of their names");
    let unknown = house.ask(Method::POST, "/v1/partners/nobody/pause", "operator", json!({ "reason": "x" })).await;
    assert_eq!(unknown.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_says_what_helps_and_keeps_who_decided_and_why() {
    let house = House::new().await;
    let data = json!({ "transaction": "01JZ0000000000000TX1", "amount": 250_000 });
    let case = NewCase { kind: CaseKind::Overpayment, dossier: Some(CODE.into()), data, at: START };
    assert!(house.journal.apply(Effects { cases: vec![case], ..Effects::default() }).await.unwrap());
    let (_, list) = house.get("/v1/cases", "auditor").await;
    assert_eq!((list["cases"][0]["kind"].as_str(), list["cases"][0]["state"].as_str()), (Some("overpayment"), Some("open")));
    assert_eq!(house.get("/v1/partners", "operator").await.1["open_cases"], 1);
    let metrics = || async {
        let bytes =
            house.ask(Method::GET, "/metrics", "metrics", Value::Null).await.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    };
    assert!(metrics().await.contains("cases_open{kind=\"overpayment\"} 1"));
    let shown = house.get("/v1/cases/1", "operator").await.1;
    assert!(shown["what"].as_str().unwrap().contains("250.000 đồng"), "{shown}");
    for (path, body, status) in [
        ("note", json!({ "reason": "đã gọi ngân hàng" }), 200),
        ("note", json!({ "reason": " " }), 400),
        ("decide", json!({ "reason": "x", "decision": "nonsense" }), 422),
        ("decide", json!({ "reason": "x" }), 400),
        ("close", json!({ "reason": "chỉ nộp muộn" }), 200),
        ("close", json!({ "reason": "lần nữa" }), 409),
        ("note", json!({ "reason": "kiểm toán đã xem" }), 200),
    ] {
        let answer = house.ask(Method::POST, &format!("/v1/cases/1/{path}"), "operator", body.clone()).await;
        assert_eq!(answer.status(), status, "{path} {body}");
    }
    let shown = house.get("/v1/cases/1", "auditor").await.1;
    assert_eq!((shown["state"].as_str(), shown["decision"].as_str()), (Some("closed"), Some("closed")));
    let history: Vec<_> = shown["history"].as_array().unwrap().iter().map(|e| (e["what"].clone(), e["who"].clone())).collect();
    assert_eq!(
        history,
        [("opened", "gateway"), ("noted", "operator"), ("closed", "operator"), ("noted", "operator")]
            .map(|(a, b)| (json!(a), json!(b)))
    );
    assert_eq!(house.get("/v1/cases", "operator").await.1["cases"], json!([]));
    assert_eq!(house.get("/v1/cases?state=all", "operator").await.1["cases"][0]["case"], 1);
    assert_eq!(house.get("/v1/cases?kind=nonsense", "operator").await.0, 400);
    assert_eq!(house.get("/v1/cases/7", "operator").await.1["code"], "case-unknown");
    assert!(metrics().await.contains("cases_open{kind=\"overpayment\"} 0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_retention_removed_is_told_where_it_is_asked_for_with_its_day_and_digest() {
    let house = House::new().await;
    let ended = crate::journal::ended_dossier("D1", START);
    let digest = sha256_hex(&ended.message.body);
    assert!(matches!(house.journal.accept(ended).await.unwrap(), Accepted::New { .. }));
    let close = crate::journal::Act::Close { delivery: 2, reason: "by letter".into() };
    assert_eq!(house.journal.act(close, "an", START).await.unwrap(), crate::journal::Acted::Written);
    house.clock.turn(Duration::from_secs(40 * 86_400));
    let would = house.get("/v1/retention/due", "auditor").await.1;
    assert_eq!((would["would"].as_array().unwrap().len(), would["unread"].as_u64()), (2, Some(2)), "{would}");
    let begin =
        async |token: &str, body: Value| house.ask(Method::POST, "/v1/retention/run", token, body).await.status().as_u16();
    assert_eq!(begin("operator", json!({})).await, 400);
    assert_eq!(begin("operator", json!({ "reason": " " })).await, 400);
    assert_eq!(begin("auditor", json!({ "reason": "because" })).await, 403);
    assert_eq!(begin("operator", json!({ "reason": "because" })).await, 202);
    while house.journal.retain(&house.blobs, &house.door.retention, house.clock.now()).await.unwrap()
        == crate::journal::RetentionStep::More
    {}
    let day = house.clock.now().rfc3339();
    let shown = house.get("/v1/deliveries/2", "operator").await.1;
    assert_eq!(shown["body_gone"]["removed_at"], day.as_str(), "{shown}");
    assert_eq!(shown["body_gone"]["digest"], format!("sha256:{digest}"));
    assert_eq!(house.get("/v1/deliveries/1", "operator").await.1["body_gone"], Value::Null, "its dossier has not ended");
    let (status, told) = house.get("/v1/deliveries/2/explain", "operator").await;
    assert_eq!((status.as_u16(), told["code"].as_str()), (410, Some("body-gone")));
    for text in ["detail", "detail_en"] {
        let text = told[text].as_str().unwrap();
        assert!(text.contains(&day) && text.contains(&digest), "{text}");
    }
    let dossier = house.get("/v1/dossiers/D1", "operator").await.1;
    assert_eq!((dossier["removed"]["bodies"].as_u64(), dossier["removed"]["at"].as_str()), (Some(1), Some(day.as_str())));
    assert_eq!(house.get(&format!("/v1/dossiers/{CODE}"), "operator").await.1["removed"], Value::Null);
    let (status, told) = house.get("/v1/events", "operator").await;
    assert_eq!((status.as_u16(), told["code"].as_str()), (410, Some("events-gone")));
    let begin = told["begin"].as_u64().unwrap();
    assert!(told["detail"].as_str().unwrap().contains(&format!("after={begin}")), "{told}");
    assert_eq!(house.get(&format!("/v1/events?after={}", begin - 1), "operator").await.0.as_u16(), 410);
    assert_eq!(house.get(&format!("/v1/events?after={begin}"), "operator").await.0.as_u16(), 200);
    assert_eq!(house.get("/v1/dossiers/D1/timeline", "operator").await.1["events"].as_array().unwrap().len(), 2);
    let last = house.get("/v1/partners", "auditor").await.1["retention"]["last"].clone();
    assert_eq!((last["who"].as_str(), last["ended"].as_str()), (Some("operator"), Some(day.as_str())), "{last}");
    let metrics = house.ask(Method::GET, "/metrics", "metrics", Value::Null).await;
    let text = String::from_utf8(metrics.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    for line in ["retention_running 0", "retention_due_dossiers{class=\"bodies\"} 0"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_problems_with_ids_and_counts() {
    let house = House::new().await;
    let request = Request::get("/v1/nothing").header("x-request-id", "r-1").body(Body::empty()).unwrap();
    let response = house.door.public().oneshot(request).await.unwrap();
    assert_eq!(response.headers()["x-request-id"], "r-1");
    assert!(response.headers().contains_key("traceparent"));
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(read(response).await["code"], "not-found");
    let wrong = house.ask(Method::DELETE, "/v1/events", "operator", Value::Null).await;
    assert_eq!((wrong.status().as_u16(), wrong.headers()["allow"].to_str().unwrap()), (405, "GET,HEAD"));
    let metrics = house.ask(Method::GET, "/metrics", "metrics", Value::Null).await;
    let text = String::from_utf8(metrics.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
    assert!(text.contains("http_refusals_total{route=\"unmatched\",code=\"not-found\"} 1"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_serves_until_told_and_then_drains() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let house = House::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let serving = tokio::spawn(serve(listener, house.door.public(), None, house.door.wire(), stopped));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"), "{answer}");
    stop.send(true).unwrap();
    serving.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

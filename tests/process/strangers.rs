//! Other people's software understands us: zeep pushes a status against the WSDL we serve, standardwebhooks verifies our signature.
//! Both stand in the venv that `scripts/test` makes beside the target folder; without it these tests fail.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{MINISTRY, SECRETS, Setup, World, until};

/// Runs one of our scripts with the venv's Python; its one JSON object.
fn python(script: &str, arguments: &[&str], input: &str) -> Value {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("venv/bin/python");
    assert!(venv.exists(), "{} is not here: ./scripts/test makes it", venv.display());
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/process").join(script);
    let mut child = Command::new(venv)
        .arg(&script)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {err}", script.display());
    serde_json::from_str(&out).unwrap_or_else(|e| panic!("{}: {e}: {out}", script.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zeep_pushes_a_status_and_a_result_against_the_wsdl_we_serve() {
    let world = World::start(Setup { ministry: vec!["--script", "silent"], ..Setup::default() }).await;
    let token = world.token().await;
    let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &exam(1)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let path = format!("/_dossier/{}", code(1));
    until(Duration::from_secs(30), "the dossier at the Ministry", async || {
        (world.shown(&world.ministry, &path).await["code"] == code(1).as_str()).then_some(())
    })
    .await;
    let wsdl = format!("{}/moet/?wsdl", world.public);
    let dossier = code(1);
    let said = tokio::task::spawn_blocking(move || python("zeep_push.py", &[&wsdl, MINISTRY.0, MINISTRY.1, &dossier], ""))
        .await
        .unwrap();
    assert_eq!(said["said"], "0", "{said}");
    assert!(["0", "2"].contains(&said["again"].as_str().unwrap()), "a repeat gets the first answer: {said}");
    assert_eq!(said["unknown"], "1", "{said}");
    assert_eq!(said["result"], "0", "{said}");
    assert_eq!(said["fault"], json!([500, true]), "what cannot be read gets a SOAP fault: {said}");
    // A move with words goes out as progress, a bare one as a status: either tells it.
    until(Duration::from_secs(20), "status 8 at the portal", async || {
        let filed = world.shown(&world.portal, &path).await;
        let told = |list: &str| filed[list].as_array().is_some_and(|l| l.iter().any(|t| t["status"] == 8));
        (told("statuses") || told("progress")).then_some(())
    })
    .await;
}

/// A callback as it came.
type Caught = Arc<Mutex<Option<(HeaderMap, String)>>>;

/// A portal that only remembers the first callback that tells a move: progress or status.
async fn catcher() -> (String, Caught) {
    let caught = Caught::default();
    let seen = Arc::clone(&caught);
    let token = || async { axum::Json(json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 60 })) };
    let status = move |headers: HeaderMap, body: String| {
        seen.lock().unwrap().get_or_insert((headers, body));
        async { axum::Json(json!({ "code": 200 })) }
    };
    let router = axum::Router::new()
        .route("/token", axum::routing::post(token))
        .route("/trang-thai", axum::routing::post(status.clone()))
        .route("/tien-trinh", axum::routing::post(status))
        .fallback(|| async { axum::Json(json!({ "code": 200 })) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (base, caught)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn standardwebhooks_verifies_our_callback_and_refuses_a_changed_one() {
    let (base, caught) = catcher().await;
    let mut world = World::without_gateway(Setup { ministry: vec!["--script", "normal"], ..Setup::default() }).await;
    let config = std::fs::read_to_string(world.path().join("gateway.toml")).unwrap();
    std::fs::write(world.path().join("gateway.toml"), config.replace(&world.portal.url, &base)).unwrap();
    world.start_gateway(&[], &[]).await;
    let token = world.token().await;
    let answer = world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &exam(1)).await.expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (headers, body) = until(Duration::from_secs(30), "a status callback", async || caught.lock().unwrap().clone()).await;
    let of = |name: &str| headers.get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap().to_owned();
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), of(n).into())).collect();
    let secret = SECRETS.iter().find(|(name, _)| *name == "hanoi/webhook").unwrap().1;
    let given = json!({ "secret": secret, "headers": headers, "body": body }).to_string();
    let found = tokio::task::spawn_blocking(move || python("verify_webhook.py", &[], &given)).await.unwrap();
    assert_eq!(found, json!({ "verified": true, "tampered": false, "other_key": false }), "{body}");
}

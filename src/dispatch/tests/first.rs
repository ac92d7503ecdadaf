//! A partner that wants a session inside the body and is asked first whether it has the dossier: what leaves, in which order, with what
//! in it, whatever becomes of the calls. In simulated time, with the real dispatcher and journal.

use super::clocked::{NOON, Rig, Script, Seen, most_in_a_second, ok, said};
use super::*;

const SESSION: &str = r#"
[credentials]
account = { username = "u", password = "secret:office/password" }

[sign-in.session]
kind  = "post"
post  = "/login"
body  = { name = "$account.username", word = "$account.password" }
judge = "login"
token = "/session"

[judge.login]
rules = [{ http = "200", at = "/error", in = [0, "00"], then = "done" }]

[judge.found]
rules = [
  { http = "200", at = "/known", in = [true], then = "done", find = { exists = true } },
  { http = "200", at = "/known", in = [false], then = "done", find = { exists = false } },
  { http = "401", then = "sign-in" },
  { http = "503", then = "retry" },
]

[limits]
out = { rate = "10/s", at_once = 4 }
"#;

/// The invented partners, the office with sessions, asked before each submission.
fn office() -> Files {
    let (files, _) = catalogue();
    let toml = files.text("adapters/office/partner.toml").unwrap();
    let (head, routes) = toml.split_once("[out.submit]").unwrap();
    let (submit, rest) = routes.split_once("[out.supplement]").unwrap();
    let submit = submit.replacen(
        "repeat = \"ask\"\nask = \"inquiry\"",
        "repeat = \"safe\"\nfirst = \"inquiry\"\nsign-in = \"session\"",
        1,
    );
    let (rest, inquiry) = rest.split_once("[out.inquiry]").unwrap();
    let inquiry = inquiry.replacen("judge = \"plain\"", "judge = \"found\"\nsign-in = \"session\"", 1);
    let head = head.replace("{ http = \"429,503\"", "{ http = \"401\", then = \"sign-in\" },\n  { http = \"429,503\"");
    let toml = format!("{head}{SESSION}[out.submit]{submit}[out.supplement]{rest}[out.inquiry]{inquiry}");
    let map = |name: &str, more: &str| format!("{}{more}", files.text(&format!("adapters/office/{name}.map")).unwrap());
    let submit = map("submit", "session = $session\nupdates = $asked.exists : flag(True,False)\n");
    let inquiry = map("inquiry", "session = $session\n");
    files
        .with("adapters/office/partner.toml", toml)
        .with("adapters/office/submit.map", submit)
        .with("adapters/office/inquiry.map", inquiry)
}

fn known(known: bool) -> Result<Reply, SendError> {
    said(&json!({ "ok": true, "known": known }).to_string())
}

fn http(status: u16) -> Result<Reply, SendError> {
    Ok(Reply { status, advice: Advice::default(), body: "{}".into() })
}

/// What the office was told, in order: operation, session, and whether the dossier was sent as one they have.
fn told(seen: &[Seen]) -> Vec<String> {
    let one = |s: &Seen| {
        let word = |name: &str| s.body[name].as_str().unwrap_or("-").to_owned();
        match s.operation.as_str() {
            "submit" => format!("submit {} {}", word("session"), word("updates")),
            other => format!("{other} {}", word("session")),
        }
    };
    // The portal is called by the same hands.
    seen.iter().filter(|s| matches!(s.operation.as_str(), "login" | "inquiry" | "submit")).map(one).collect()
}

/// Hands in one dossier and lets ten minutes pass.
async fn one(script: Script) -> Vec<String> {
    let mut rig = Rig::of(NOON, office(), script);
    rig.register(1, "citizen", "a", None).await;
    let dispatcher = rig.start();
    tokio::time::sleep(Duration::from_secs(600)).await;
    dispatcher.stop().await;
    assert_eq!(rig.left().await, 0, "{:?}", told(&rig.seen()));
    told(&rig.seen())
}

/// Answers by how many calls of the same operation came before; each sign-in gives the next session.
fn answers(of: impl Fn(&str, usize) -> Option<Result<Reply, SendError>> + Send + Sync + 'static) -> Script {
    let counts: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Box::new(move |operation, _, _| {
        let n = {
            let mut counts = counts.lock().unwrap();
            let count = counts.entry(operation.to_owned()).or_default();
            *count += 1;
            *count - 1
        };
        let fine = || match operation {
            "login" => said(&json!({ "error": "00", "session": format!("s{}", n + 1) }).to_string()),
            "inquiry" => known(false),
            _ => ok(),
        };
        (5, of(operation, n).unwrap_or_else(fine))
    })
}

#[tokio::test(start_paused = true)]
async fn what_is_found_by_asking_first_stands_in_the_message_and_so_does_the_session() {
    let fine = one(answers(|_, _| None)).await;
    assert_eq!(fine, ["login -", "inquiry s1", "submit s1 False"]);
    let has_it = one(answers(|o, _| (o == "inquiry").then(|| known(true)))).await;
    assert_eq!(has_it, ["login -", "inquiry s1", "submit s1 True"]);
}

#[tokio::test(start_paused = true)]
async fn a_question_without_an_answer_sends_nothing_and_is_asked_again() {
    for (name, first) in [
        ("cut", Err(SendError::Lost("cut"))),
        ("not reached", Err(SendError::NotSent("not-connected"))),
        ("busy", http(503)),
        ("an answer nobody can read", said("<html>")),
        ("an answer that finds nothing", said(r#"{"ok":true}"#)),
    ] {
        let script = answers(move |o, n| (o == "inquiry" && n == 0).then(|| first.clone()));
        assert_eq!(one(script).await, ["login -", "inquiry s1", "inquiry s1", "submit s1 False"], "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_outcome_is_open_is_asked_after_before_it_goes_again() {
    let script = answers(|o, n| match (o, n) {
        ("submit", 0) => Some(Err(SendError::Lost("cut"))),
        ("inquiry", 1) => Some(known(true)),
        _ => None,
    });
    let seen = one(script).await;
    assert_eq!(seen, ["login -", "inquiry s1", "submit s1 False", "inquiry s1", "submit s1 True"], "now it updates");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_over_is_asked_for_anew_wherever_it_is_refused() {
    let at_question = one(answers(|o, n| (o == "inquiry" && n == 0).then(|| http(401)))).await;
    assert_eq!(at_question, ["login -", "inquiry s1", "login -", "inquiry s2", "submit s2 False"]);
    let at_message = one(answers(|o, n| (o == "submit" && n == 0).then(|| http(401)))).await;
    assert_eq!(at_message, ["login -", "inquiry s1", "submit s1 False", "login -", "inquiry s2", "submit s2 False"]);
    let no_session = one(answers(|o, n| (o == "login" && n == 0).then(|| said(r#"{"error":7,"session":"s0"}"#)))).await;
    assert_eq!(
        no_session,
        ["login -", "login -", "inquiry s2", "submit s2 False"],
        "what its judge does not call done is no session"
    );
}

#[tokio::test(start_paused = true)]
async fn both_calls_count_towards_the_partners_rate() {
    let mut rig = Rig::of(NOON, office(), answers(|_, _| None));
    rig.register(40, "citizen", "a", None).await;
    let (dispatcher, start) = (rig.start(), rig.clock.now());
    let end = rig.drained(60).await;
    dispatcher.stop().await;
    let mut seen = rig.seen();
    seen.retain(|s| matches!(s.operation.as_str(), "login" | "inquiry" | "submit"));
    assert!(most_in_a_second(&seen) <= 10, "the sign-in counts too: {} in a second", most_in_a_second(&seen));
    seen.retain(|s| s.operation != "login");
    assert_eq!((seen.len(), most_in_a_second(&seen) <= 10), (80, true), "{} in a second", most_in_a_second(&seen));
    assert!((7_900..9_500).contains(&end.ms_since(start)), "80 calls at 10 a second: {} ms", end.ms_since(start));
    assert_eq!(seen.iter().filter(|s| s.body["session"] == "s1").count(), 80, "one session for all");
}

//! Partners read from invented folders: what holds, and every fault with its line and column.

use super::*;
use crate::clock::Time;
use crate::config::{FixedSecrets, PartnerSettings, Placeholders, Rate, RetrySettings};
use crate::delivery::{Facts, Then};
use crate::model::Kind;
use std::time::Duration;

const GOOD: &str = r#"
name  = "one"
role  = "ministry"
title = "Một"

[values]
key = "giá trị"

[transport]
base    = "https://one.vidu.example/"
timeout = "9s"

[credentials]
account = { username = "a", password = "secret:one/password" }
key     = "secret:one/key"

[sign-in.basic]
kind = "basic"
with = "account"

[sign-in.session]
kind  = "post"
post  = "/login"
body  = { user = "$account.username", word = "$account.password", plain = "x" }
judge = "plain"
token = "/session"

[limits]
in  = [{ rate = "50/s" }, { rate = "600/min", burst = 60 }]
out = { rate = "5/s", at_once = 2 }

[out.submit]
message = "dossier.withdraw"
map     = "withdraw"
post    = "/w"
sign-in = "basic"
judge   = "plain"
repeat  = "ask"
ask     = "inquiry"
retry   = { attempts = 3 }

[out.inquiry]
message = "dossier.query"
map     = "query"
post    = "/q"
judge   = "open"
repeat  = "safe"

[in.status]
post   = "/status"
map    = "status"
auth   = "seal"
seal   = ["body"]
dedupe = ["code", "status"]
wait   = "15s"
reply  = { accepted = "ack", refused = "ack", broken = "soap-fault", waited = "ack" }

[seal.body]
kind = "hmac"
over = ["b", "$key", "a"]
between = "|"
digest = "sha1"
encoding = "base64"
key = "key"

[seal.all]
like = "body"
over = ["*"]

[judge.plain]
why   = "/e"
rules = [
  { http = "200", at = "/e", in = [0, "0", true], then = "done", find = { exists = true, n = 1 } },
  { http = "200", at = "/e", in = ["9"], then = "retry" },
  { fault = "Client", then = "reject" },
  { http = "429,503", then = "retry" },
]

[judge.open]
rules = [{ http = "200-299", then = "done" }, { http = "500,502,503,504", then = "retry" }]
"#;

/// The shipped schemas with one invented partner.
fn folder(text: &str) -> Files {
    let shipped = Files::embedded();
    let mut files = Files::default().with("adapters/one/partner.toml", text);
    for (path, text) in shipped.under("schemas/") {
        files = files.with(format!("schemas/{path}"), text);
    }
    for (map, message) in
        [("withdraw", "dossier.withdraw"), ("query", "dossier.query"), ("status", "status.change"), ("ack", "receipt")]
    {
        let body = match message {
            "receipt" => "without: at, dossier, note, note_en, reason, reference, transaction, url\n\noutcome = outcome\n",
            "dossier.withdraw" => "\ncode = code\nreason = reason\n",
            "dossier.query" => "without: message\n\ncode = code\n",
            _ => {
                "without: documents, due_at, fee_due, id, missing, note, officer, sequence\n\ncode = code\nstatus = status\nat = at : time(yyyyMMddHHmmss)\na = 'x'\nb = 'y'\nsum = $seal\n"
            }
        };
        files = files.with(format!("adapters/one/{map}.map"), format!("message: {message}\nformat: json\n{body}"));
    }
    files
}

fn load(text: &str) -> Result<Catalogue, String> {
    Catalogue::load(&folder(text), &Settings::new(), &Placeholders).map_err(|faults| faults.to_string())
}

/// The good one with one piece replaced; the faults, without those of mappings.
fn faults(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let told = load(&GOOD.replacen(from, to, 1)).err().unwrap_or_default();
    told.lines().filter(|l| l.contains("partner.toml")).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_partner_is_read_whole() {
    let catalogue = load(GOOD).unwrap_or_else(|faults| panic!("{faults}"));
    let one = &catalogue.partners["one"];
    assert_eq!((one.role, one.base.as_str(), one.timeout.as_secs()), (Role::Ministry, "https://one.vidu.example", 9));
    assert_eq!(one.values["key"], "giá trị");
    assert_eq!((one.limits.out.whole.rate.unwrap().calls, one.limits.out.whole.at_once), (5, Some(2)));
    assert_eq!(one.limits.ins.iter().map(|q| (q.calls, q.burst)).collect::<Vec<_>>(), [(50, 50), (600, 60)]);
    let submit = &one.outs["submit"];
    assert_eq!((submit.message, submit.repeat, submit.ask.as_deref()), (Kind::DossierWithdraw, Repeat::Ask, Some("inquiry")));
    assert_eq!((submit.quiet.as_secs(), submit.ask_schedule.len(), one.retry_of(submit).attempts), (120, 3, 3));
    let door = &one.ins["status"];
    assert_eq!((door.message, door.auth, door.wait), (Some(Kind::StatusChange), Some(Auth::Seal), Some(Duration::from_secs(15))));
    assert_eq!(door.replies.broken.as_deref(), Some(SOAP_FAULT));
    assert!(matches!(&one.seals["all"], Seal::Hmac { over, between, .. } if *over == [Over::All] && between == "|"));
    assert!(
        matches!(&one.sign_in["session"], SignIn::Post { body, .. } if body.iter().any(|(n, v)| n == "user" && v.expose() == "a"))
    );
    let found = one.judges["plain"].decide(&Facts {
        http: 200,
        values: vec![("/e".into(), Some(crate::delivery::Fact::Number("0".into())))],
        ..Facts::default()
    });
    assert_eq!(found.word(), "done");
    assert_eq!(one.judges["plain"].rules[1].then, Then::Retry);
    assert!(one.out_for(Kind::DossierWithdraw, None).is_some() && one.out_for(Kind::FeePaid, None).is_none());
    assert!(!format!("{one:?}").contains("cGxhY2Vob2xkZXI"));
}

#[test]
fn an_operators_settings_lie_over_the_partner() {
    let own = PartnerSettings {
        base: Some("http://127.0.0.1:9".into()),
        rate: Some(Rate { calls: 7, interval: Duration::from_secs(60) }),
        quiet: Some(Duration::from_secs(1)),
        ask_schedule: Some(vec![Duration::from_millis(10)]),
        retry: RetrySettings { attempts: Some(2), ..RetrySettings::default() },
        paused: true,
        values: [("key".to_owned(), "khác".to_owned())].into(),
        ..PartnerSettings::default()
    };
    let catalogue = Catalogue::load(&folder(GOOD), &[("one".to_owned(), own)].into(), &Placeholders).unwrap();
    let one = &catalogue.partners["one"];
    assert_eq!(
        (one.base.as_str(), one.limits.out.whole.rate.unwrap().calls, one.limits.out.whole.at_once),
        ("http://127.0.0.1:9", 7, Some(2))
    );
    let submit = &one.outs["submit"];
    assert_eq!(
        (submit.quiet.as_secs(), submit.ask_schedule.len(), one.retry_of(submit).attempts, one.retry.attempts),
        (1, 1, 2, 2)
    );
    assert!(one.paused && one.values["key"] == "khác");
    let stranger = Catalogue::load(&folder(GOOD), &[("two".to_owned(), PartnerSettings::default())].into(), &Placeholders);
    assert!(stranger.unwrap_err().to_string().contains("there is no such partner"));
}

#[test]
fn limits_classes_and_maintenance_are_data_and_the_operators_word_counts() {
    let text = GOOD
        .replace("rate = \"5/s\"", "rate = \"5/s\", daily = 900, retries = \"10%\"")
        .replace("[values]", "maintenance = [\"daily 01:00-02:00\"]\n[classes]\nbulk = 1\n[values]")
        .replace(
            "retry   = { attempts = 3 }",
            "retry   = { attempts = 3 }\nlimits = { rate = \"2/min\", at_once = 1, daily = 50 }",
        );
    let night = Time::parse("2026-06-21T01:30:00+07:00").unwrap();
    let terms = |settings: PartnerSettings| {
        let all = Catalogue::load(&folder(&text), &[("one".to_owned(), settings)].into(), &Placeholders);
        all.unwrap_or_else(|e| panic!("{e}")).partners["one"].limits.out.clone()
    };
    let own = terms(PartnerSettings::default());
    assert_eq!((own.whole.daily, own.retry_percent, own.shares.of("bulk"), own.shares.of("payment")), (Some(900), 10, 1, 40));
    assert!(own.maintenance.until(night).is_some());
    let route = own.routes.values().next().unwrap();
    assert_eq!((route.rate.unwrap().calls, route.at_once, route.daily, own.routes.len()), (2, Some(1), Some(50), 1));
    let settings = PartnerSettings { daily: Some(7), maintenance: Some(Vec::new()), ..PartnerSettings::default() };
    let operators = terms(settings);
    assert_eq!((operators.whole.daily, operators.maintenance.until(night)), (Some(7), None));
    let wrong = PartnerSettings { maintenance: Some(vec!["Sunday".into()]), ..PartnerSettings::default() };
    let told = Catalogue::load(&folder(&text), &[("one".to_owned(), wrong)].into(), &Placeholders).unwrap_err().to_string();
    assert!(told.contains("gateway.toml, `maintenance` of this partner: `Sunday`"), "{told}");
}

#[test]
fn each_rule_of_a_partner_has_its_fault() {
    for (from, to, want) in [
        ("rate = \"50/s\" }", "rate = \"50/s\", burst = 51 }", "`burst` is 51, and its rate has 50 calls"),
        ("rate = \"5/s\", at_once", "rate = \"5/s\", burst = 6, at_once", "`burst` is 6, and its rate has 5 calls"),
        (
            "retry   = {",
            "limits = { rate = \"2/min\", burst = 3 }\nretry   = {",
            "at most `burst = 2`, or a rate of a longer interval",
        ),
        ("role  = \"ministry\"", "role  = \"boss\"", "partner.toml:3:9: `role` must be portal, ministry or payment"),
        ("name  = \"one\"", "name  = \"two\"", "partner.toml:2:9: `name` must be the folder's name, `one`"),
        ("title =", "titel =", "unknown key `titel` (did you mean `title`?)"),
        ("https://one", "http://one", "`base` must be an https URL"),
        ("\"secret:one/key\"", "\"mo-cua\"", "`key` must be a reference to a secret"),
        ("with = \"account\"", "with = \"key\"", "names no credential that is a name and a secret"),
        ("$account.password", "$acount.password", "names no part of a credential (there is: account, key)"),
        ("dedupe = [\"code\", \"status\"]", "", "a door for messages needs `dedupe`"),
        ("\"code\", \"status\"", "\"codde\"", "the message has no field `codde`"),
        ("auth   = \"seal\"", "", "`auth` is missing"),
        ("seal   = [\"body\"]", "", "needs the seal"),
        ("seal   = [\"body\"]", "seal   = [\"bdy\"]", "there is no seal `bdy` (there is: all, body)"),
        (", waited = \"ack\"", "", "a door that waits needs `reply.waited`"),
        ("accepted = \"ack\", ", "", "`reply.accepted` is missing"),
        ("accepted = \"ack\"", "accepted = \"akc\"", "there is no file `akc.map`"),
        ("map     = \"withdraw\"", "map     = \"query\"", "`query.map` carries dossier.query, not dossier.withdraw"),
        ("ask     = \"inquiry\"", "", "needs the route that asks"),
        ("ask     = \"inquiry\"", "ask     = \"inqury\"", "there is no route `out.inqury`"),
        ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nbatch = 2", "`withdraw.map` carries one message, not rows of them"),
        ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nbatch = 900", "a call carries at most 200 messages"),
        (
            "ask     = \"inquiry\"",
            "ask     = \"inquiry\"\nitems = { map = \"ack\", by = \"order\" }",
            "is the answer to a batch, and this route sends none",
        ),
        (
            "ask     = \"inquiry\"",
            "ask     = \"inquiry\"\nbatch = 2\nitems = { map = \"query\", by = \"colour\" }",
            "`by` must be order, dossier or reference",
        ),
        (
            "ask     = \"inquiry\"",
            "ask     = \"inquiry\"\nbatch = 2\nitems = { map = \"query\", by = \"order\" }",
            "`query.map` must carry receipt",
        ),
        ("ask     = \"inquiry\"", "ask     = \"submit\"", "must be `repeat = \"safe\"`"),
        (
            "map     = \"withdraw\"",
            "map     = \"withdraw.map\"",
            "there is no file `withdraw.map.map` (without its ending: `map = \"withdraw\"`)",
        ),
        ("map     = \"withdraw\"", "map     = \"withdrawal\"", "there is no file `withdrawal.map` (did you mean `withdraw`?)"),
        (
            "\"dossier.withdraw\"",
            "\"dossier.withdrew\"",
            "`message` must be a canonical message (did you mean `dossier.withdraw`?)",
        ),
        ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nfirst = \"inqury\"", "there is no route `out.inqury`"),
        (
            "ask     = \"inquiry\"",
            "ask     = \"inquiry\"\nfirst = \"submit\"",
            "`out.submit` carries dossier.withdraw: before a message",
        ),
        ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nfirst = \"inquiry\"", "judge `open` of `out.inquiry` finds nothing"),
        ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nfirst = \"inquiry\"\nbatch = 2", "several messages asks nothing first"),
        ("judge   = \"plain\"\nrepeat", "judge   = \"open\"\nrepeat", "rule 2 of judge `open` decides on HTTP 500, 502 or 504"),
        ("{ http = \"429,503\", then", "{ http = \"502\", then", "decides on HTTP 500, 502 or 504"),
        ("{ http = \"429,503\", then", "{ fault = \"Server\", then", "decides on a Server fault"),
        (
            "{ http = \"429,503\", then",
            "{ http = \"408,429\", then",
            "retries an answer that is not known to come before processing",
        ),
        ("{ http = \"429,503\", then", "{ then", "decides on HTTP 500, 502 or 504"),
        ("{ http = \"429,503\", then", "{ htpt = \"429\", then", "unknown key `htpt` (did you mean `http`?)"),
        ("sign-in = \"basic\"", "sign-in = \"basci\"", "no sign-in of this name (there is: basic, session)"),
        ("judge   = \"open\"", "judge   = \"opne\"", "no judge of this name (there is: open, plain)"),
        (
            "retry   = { attempts = 3 }",
            "procedures = [\"1.005142\", \"9.999999\"]",
            "no mapping of its form: form/1.005142@2019.map",
        ),
        ("retry   = { attempts = 3 }", "procedures = [\"9.999999\"]", "procedure 9.999999 is not in the catalogue"),
        ("like = \"body\"", "like = \"all\"", "`like` must name a seal that is written out"),
        ("digest = \"sha1\"", "digest = \"md5\"", "`digest` must be sha256 or sha1"),
        ("rate = \"5/s\"", "rate = \"5/week\"", "`rate` must be a rate"),
        ("rate = \"5/s\"", "retries = \"120%\", rate = \"5/s\"", "`retries` must be a part of the calls"),
        ("[values]", "maintenance = [\"Sunday night\"]\n[values]", "must be a list of windows such as"),
        ("[transport]", "[classes]\nbulk = 0\n[transport]", "`bulk` must be"),
        ("retry   = { attempts = 3 }", "limits = { rate = \"2/s\", daly = 9 }", "unknown key `daly` (did you mean `daily`?)"),
        (
            "message = \"dossier.query\"\nmap     = \"query\"",
            "message = \"dossier.withdraw\"\nmap     = \"withdraw\"",
            "takes this message already",
        ),
    ] {
        let told = faults(from, to);
        assert!(told.contains(want), "{from} → {to}\nwant {want}\ntold {told}");
    }
}

#[test]
fn all_faults_of_a_partner_are_told_together_and_shown_in_their_lines() {
    let text = GOOD
        .replace("role  = \"ministry\"", "role  = \"boss\"")
        .replace("\"sha1\"", "\"md5\"")
        .replace("judge   = \"open\"", "judge   = \"shut\"");
    let faults = Catalogue::load(&folder(&text), &Settings::new(), &Placeholders).unwrap_err();
    let told: Vec<(usize, usize)> = faults.iter().map(|(_, f)| (f.line, f.column)).collect();
    assert_eq!(told, [(3, 9), (46, 11), (62, 10)], "{faults}");
    let shown = faults.render(false);
    assert!(shown.contains("adapters/one/partner.toml:46:11") && shown.contains("judge   = \"shut\""), "{shown}");
}

#[test]
fn one_mistake_is_told_once() {
    for (from, to) in [
        ("dedupe = [\"code\", \"status\"]", "dedupe = \"code\""),
        ("password = \"secret:one/password\"", "password = \"mat-khau\""),
        ("\"dossier.withdraw\"", "\"dossier.withdrew\""),
    ] {
        let told = faults(from, to);
        assert_eq!(told.lines().count(), 1, "{to}: {told}");
    }
}

#[test]
fn a_missing_secret_is_named_and_a_present_one_is_not_shown() {
    let secrets = FixedSecrets::of([("one/password", "rat-bi-mat")]);
    let told = Catalogue::load(&folder(GOOD), &Settings::new(), &secrets).unwrap_err().to_string();
    assert!(told.contains("there is no secret `one/key`") && !told.contains("rat-bi-mat"), "{told}");
}

/// The good one, its submissions asked about first, with more lines in their mapping; its faults.
fn asking(toml: &[(&str, &str)], lines: &str) -> String {
    let text = toml.iter().fold(GOOD.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    });
    let files = folder(&text);
    let map = format!("{}{lines}", files.text("adapters/one/withdraw.map").unwrap());
    let files = files.with("adapters/one/withdraw.map", map);
    Catalogue::load(&files, &Settings::new(), &Placeholders).err().map_or_else(String::new, |faults| faults.to_string())
}

#[test]
fn a_mapping_uses_a_session_and_findings_only_where_its_route_has_them() {
    let first = ("ask     = \"inquiry\"", "ask     = \"inquiry\"\nfirst   = \"inquiry\"");
    let finds = (
        "rules = [{ http = \"200-299\", then = \"done\" }",
        "rules = [{ http = \"200-299\", then = \"done\", find = { exists = true } }",
    );
    let session = ("sign-in = \"basic\"", "sign-in = \"session\"");
    for (toml, lines, want) in [
        (&[first, finds][..], "new = $asked.exists : flag(n,y)\n", ""),
        (&[session], "session = $session\n", ""),
        (&[], "session = $session\n", "this route signs in for none"),
        (&[], "new = $asked.exists : flag(n,y)\n", "this route asks nothing first"),
        (&[first, finds], "new = $asked.exist : flag(n,y)\n", "uses `$asked.exist`, which not every answer finds"),
    ] {
        let told = asking(toml, lines);
        assert!(if want.is_empty() { told.is_empty() } else { told.contains(want) }, "{lines}: {told}");
    }
}

#[test]
fn a_mapping_uses_from_around_the_message_only_what_is_there_when_its_route_uses_it() {
    let ack = |line: &str| {
        let files = folder(GOOD);
        let map = format!("{}{line}", files.text("adapters/one/ack.map").unwrap());
        let files = files.with("adapters/one/ack.map", map);
        Catalogue::load(&files, &Settings::new(), &Placeholders).err().map_or_else(String::new, |faults| faults.to_string())
    };
    let status = |line: &str| {
        let files = folder(GOOD);
        let map = format!("{}{line}", files.text("adapters/one/status.map").unwrap());
        let files = files.with("adapters/one/status.map", map);
        Catalogue::load(&files, &Settings::new(), &Placeholders).err().map_or_else(String::new, |faults| faults.to_string())
    };
    let call = |line: &str| asking(&[], line);
    for (told, want) in [
        // Of a call.
        (call("a = $message.id\nb = $message.time\nc = $dossier.procedure ?\nd = $dossier.edition ?\n"), ""),
        (call("a = $to.code\n"), "partner.toml:34:11: `withdraw.map` uses `$to.code`, which is not there when a call is written"),
        (
            call("a = $from.name ?\n"),
            "there are: $message.id, $message.time, $dossier.procedure, $dossier.edition, $seal, $partner.…",
        ),
        (call("a = $partner.nobody\n"), "`withdraw.map` uses `$partner.nobody`, which is not among [values]"),
        // What nothing ever gives is no name at all: told at its own line.
        (call("a = $letter.number\n"), "withdraw.map:6:5: `$letter.number` is not known"),
        (call("a = $dossier.code\n"), "withdraw.map:6:5: `$dossier.code` is not known"),
        // Of an answer at a door.
        (ack("to = $to.code\nname = $to.name\n"), ""),
        (ack("id = $message.id\n"), "`ack.map` uses `$message.id`, which is not there when an answer is written"),
        (ack("id = $asked.x\n"), "there are: $to.code, $to.name, $partner.…"),
        (ack("id = $session\n"), "`ack.map` uses `$session`, which is not there when an answer is written"),
        // What is read is found on the wire; a value of ours is compared with it.
        (status("id = $message.id\nfrom = $from.code\n"), ""),
        (status("id = $partner.nobody\n"), "`status.map` uses `$partner.nobody`, which is not among [values]"),
    ] {
        assert!(if want.is_empty() { told.is_empty() } else { told.contains(want) }, "want {want}, told {told}");
    }
}

#[test]
fn an_answer_needs_only_what_the_gateway_always_puts_there_in_the_case_it_tells() {
    let told = |without: &str, lines: &str, reply: &str| {
        let text = GOOD.replacen("accepted = \"ack\", refused = \"ack\"", reply, 1);
        let ack = format!("message: receipt\nformat: json\n{without}\n{lines}");
        let files = folder(&text).with("adapters/one/ack.map", ack);
        let list = if lines.contains("took") { "[took]\naccepted = 0\n" } else { "" };
        let files = files.with("adapters/one/codes.toml", list);
        Catalogue::load(&files, &Settings::new(), &Placeholders).err().map_or_else(String::new, |faults| faults.to_string())
    };
    let all = "accepted = \"ack\", refused = \"ack\"";
    let taken = "accepted = \"ack\", refused = \"no\"";
    let rest = "without: dossier, note_en, reason, reference, transaction, url\n";
    let refused = "outcome = outcome\nwhen outcome = accepted\n    at = at\nwhen outcome = refused\n    note = note\n";
    assert_eq!(told(rest, refused, all), "", "each line stands only where it is there");
    let at = told("without: dossier, note, note_en, reason, reference, transaction, url\n", "outcome = outcome\nat = at\n", all);
    assert!(
        at.contains(
            "adapters/one/ack.map:6:6: `at` is needed here, and a receipt of the gateway's own making does not always have it"
        ),
        "{at}"
    );
    assert!(
        at.contains("where outcome is refused: outcome, reason, note, note_en") && at.matches("`at` is needed").count() == 1,
        "{at}"
    );
    let rest = "without: at, dossier, note, note_en, reason, reference, transaction, url\n";
    let words = told(rest, "outcome = outcome : code(took)\n", all);
    assert!(words.contains("ack.map:5:11: `outcome` of a receipt of the gateway's own making may be refused, for which the list has no wire value"), "{words}");
    // Only what is taken is told by it: the list has all that is said. (The other mapping is not there, and nothing else is wrong.)
    let words = told(rest, "outcome = outcome : code(took)\n", taken);
    assert!(words.contains("there is no file `no.map`") && !words.contains("wire value"), "{words}");
    let other = told(rest, "outcome = outcome\n", "accepted = \"query\", refused = \"ack\"");
    assert!(other.contains("`query.map` carries dossier.query, which is not told here (a mapping of receipt)"), "{other}");
}

#[test]
fn a_partner_that_is_off_is_proven_like_any_other_and_needs_no_secret() {
    let none = FixedSecrets::default();
    let off = GOOD.replacen("[values]", "enabled = false\n[values]", 1);
    let catalogue = Catalogue::load(&folder(&off), &Settings::new(), &none).unwrap_or_else(|faults| panic!("{faults}"));
    assert!(catalogue.partners.is_empty() && catalogue.any_partner("one").is_some());
    let on = PartnerSettings { enabled: Some(true), ..PartnerSettings::default() };
    let told = Catalogue::load(&folder(&off), &[("one".to_owned(), on)].into(), &none).unwrap_err().to_string();
    assert!(told.contains("there is no secret `one/key`"), "{told}");
    let wrong = off.replacen("judge   = \"open\"", "judge   = \"opne\"", 1);
    let told = Catalogue::load(&folder(&wrong), &Settings::new(), &none).unwrap_err().to_string();
    assert!(told.contains("no judge of this name"), "{told}");
}

#[test]
fn faults_of_several_folders_are_told_at_once() {
    let files = Files::embedded()
        .with("adapters/x/partner.toml", "name = 'x'\nrolle = 'portal'\n")
        .with("schemas/catalogue/services.toml", "[[era]]\nname = 1\n")
        .with("schemas/canonical/receipt.json", "{");
    let faults = Catalogue::load(&files, &Settings::new(), &Placeholders).unwrap_err();
    let text = faults.render(false);
    for want in ["adapters/x/partner.toml:2:1", "unknown key `rolle`", "services.toml:2:8", "receipt.json"] {
        assert!(text.contains(want), "{want}: {text}");
    }
    assert!(faults.count() > 3);
}

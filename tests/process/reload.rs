//! Other adapters while the gateway runs, by SIGHUP and by the API: a sound set is in force as a whole, a wrong one changes nothing and
//! tells every fault, and nothing is lost or repeated meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::{code, exam};
use super::world::{Answer, OPERATOR, PROGRAM, Setup, World, sent, until};

/// A world whose gateway reads its adapters from a folder of its own.
pub(super) async fn world() -> (World, PathBuf) {
    world_with(|_| ()).await
}

/// The same, with something done to the folder before the start.
async fn world_with(prepare: impl FnOnce(&Path)) -> (World, PathBuf) {
    let moet = "rate = \"200/s\"\nat_once = 20\nquiet = \"500ms\"\nask_schedule = [\"100ms\", \"300ms\"]\n\
                retry = { first = \"100ms\", factor = 2, max = \"400ms\", attempts = 4 }";
    let world = World::without_gateway(Setup { ministry: vec!["--script", "silent"], moet, ..Setup::default() }).await;
    let set = world.path().join("set");
    for name in ["adapters", "schemas"] {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(name), &set.join(name));
    }
    prepare(&set);
    let config = world.path().join("gateway.toml");
    fs::write(&config, format!("adapters = \"set\"\n{}", fs::read_to_string(&config).unwrap())).unwrap();
    (world.with_gateway().await, set)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts one text for another into a file, where it must stand.
pub(super) fn change(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{} holds {from}", file.display());
    fs::write(file, text.replace(from, to)).unwrap();
}

pub(super) fn command(world: &World, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).args(["--admin", &world.admin, "--token", OPERATOR]).output().unwrap()
}

pub(super) fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

pub(super) fn hang_up(world: &World) {
    let id = world.gateway.as_ref().unwrap().id().to_string();
    assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
}

pub(super) async fn submit(world: &World, token: &str, number: u32, path: &str) -> Answer {
    world.post(&format!("{}{path}", world.public), Some(token), &exam(number)).await.expect("an answer")
}

async fn moet(world: &World) -> Option<Value> {
    let all = world.operator("/v1/partners").await;
    all["partners"].as_array().unwrap().iter().find(|p| p["partner"] == "moet").cloned()
}

async fn drained(world: &World) {
    until(Duration::from_secs(40), "everything at the Ministry", async || {
        let queue = moet(world).await?;
        assert_eq!(queue["parked"], 0, "{queue}");
        ["waiting", "claimed", "unknown"].iter().all(|k| queue[k] == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sound_set_is_in_force_as_a_whole_and_a_wrong_one_changes_nothing_under_load() {
    let (world, set) = world().await;
    let token = world.token().await;
    let receipt = set.join("adapters/hanoi/accepted.map");
    // Another receipt was agreed: the samples of the old one go with it, else the proof would refuse the set.
    fs::remove_dir_all(set.join("adapters/hanoi/samples/accepted")).unwrap();

    // Forty submissions a second all the while; each must be taken.
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(1000)));
    let load = tokio::spawn({
        let (stop, next, http, token) = (stop.clone(), next.clone(), world.http.clone(), token.clone());
        let url = format!("{}/hanoi/ho-so", world.public);
        async move {
            let mut all = tokio::task::JoinSet::new();
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let request = http.post(&url).bearer_auth(&token).header("content-type", "application/json");
                all.spawn(sent(request.body(exam(number).to_string())));
                tokio::time::sleep(Duration::from_millis(25)).await;
            }
            all.join_all().await
        }
    });

    assert!(submit(&world, &token, 1, "/hanoi/ho-so").await.json().get("MaTiepNhan").is_some());
    let first = world.operator("/v1/adapters").await["adapters"].clone();

    change(&set.join("schemas/hanoi/cong-dich-vu.json"), "MaTiepNhan", "SoTiepNhan");
    change(&receipt, "MaTiepNhan", "SoTiepNhan");
    let done = command(&world, &["reload", "--json"]);
    assert!(done.status.success(), "{}", said(&done));
    let told: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&told["changed"], &told["before"]), (&json!(true), &first), "{told}");
    assert!(submit(&world, &token, 2, "/hanoi/ho-so").await.json().get("SoTiepNhan").is_some());

    // What left by the set of before is explained by it, line by line, and compared beside it.
    until(Duration::from_secs(20), "the first dossier at the Ministry", async || {
        (world.operator("/v1/deliveries/1").await["state"] == "done").then_some(())
    })
    .await;
    let explained = command(&world, &["explain", "--delivery", "1"]);
    let text = said(&explained);
    assert!(explained.status.success() && text.contains(&format!("by adapter set {}", first.as_str().unwrap())), "{text}");
    assert!(text.contains("adapters/moet/submit.map:") && text.contains("/code"), "{text}");
    let folder = set.display().to_string();
    let same = command(&world, &["diff", &folder, "--deliveries"]);
    assert!(same.status.success() && said(&same).contains(", 0 would be written otherwise"), "{}", said(&same));
    let until_now = ["diff", &folder, "--deliveries", "--until", "2020-01-01T00:00:00+07:00"];
    assert!(said(&command(&world, &until_now)).contains("0 deliveries compared"));
    let (head, schema) = (set.join("adapters/moet/head.map"), set.join("schemas/moet/lien-thong.xsd"));
    [&head, &schema].into_iter().for_each(|file| change(file, "HoTenInHoa", "HoTenChuHoa"));
    let other = command(&world, &["diff", &folder, "--deliveries"]);
    assert_eq!(other.status.code(), Some(1), "{}", said(&other));
    assert!(said(&other).contains("HoTenChuHoa") && !said(&other).to_lowercase().contains("quỳnh"), "{}", said(&other));
    [&head, &schema].into_iter().for_each(|file| change(file, "HoTenChuHoa", "HoTenInHoa"));

    // Two faults in two files: both are told, with their places, and the set before stays.
    change(&receipt, "= dossier", "= dosier");
    change(&set.join("adapters/moet/withdraw.map"), "= reason", "= raeson");
    let refused = command(&world, &["reload"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    for part in ["adapters/hanoi/accepted.map:8:", "did you mean `dossier`?", "adapters/moet/withdraw.map:12:", "^^^^^^"] {
        assert!(said(&refused).contains(part), "{part} in\n{}", said(&refused));
    }
    let problem = world.post(&format!("{}/v1/adapters/reload", world.admin), Some(OPERATOR), &json!({})).await.unwrap();
    assert_eq!((problem.status, &problem.json()["code"]), (422, &json!("adapters-wrong")), "{}", problem.text);
    assert_eq!(problem.json()["errors"].as_array().unwrap().len(), 2, "two names, each told once: {}", problem.text);
    hang_up(&world);
    until(Duration::from_secs(10), "the signal's refusal in the log", async || {
        world.gateway_said().contains("the new adapters have faults; those in force stay").then_some(())
    })
    .await;
    assert!(submit(&world, &token, 3, "/hanoi/ho-so").await.json().get("SoTiepNhan").is_some());
    assert_eq!(world.operator("/v1/adapters").await["adapters"], told["adapters"]);

    // Mended, and another door: by the signal.
    change(&receipt, "= dosier", "= dossier");
    change(&set.join("adapters/moet/withdraw.map"), "= raeson", "= reason");
    change(&set.join("adapters/hanoi/partner.toml"), "post     = \"/rut-ho-so\"", "post     = \"/xin-rut\"");
    hang_up(&world);
    let withdraw = async |path: &str| {
        let body = json!({ "MaHoSo": "H26.15-20250421-9999999", "LyDo": "Tôi nộp nhầm thủ tục" });
        world.post(&format!("{}{path}", world.public), Some(&token), &body).await.unwrap()
    };
    until(Duration::from_secs(10), "the new door", async || {
        withdraw("/hanoi/xin-rut").await.text.contains("dossier-unknown").then_some(())
    })
    .await;
    let closed = withdraw("/hanoi/rut-ho-so").await;
    assert!(closed.status == 404 && closed.text.contains("not-found"), "{}", closed.text);

    stop.store(true, Ordering::Relaxed);
    let answers = load.await.unwrap();
    assert!(answers.len() > 20, "{} submissions under load", answers.len());
    for answer in &answers {
        let answer = answer.as_ref().expect("each submission is answered");
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    drained(&world).await;
    let book = world.shown(&world.ministry, "/_book").await;
    assert_eq!((&book["summary"]["violations"], &book["summary"]["repeats"]), (&json!(0), &json!(0)));
    let took = |number: u32| {
        let calls = book["calls"].as_array().unwrap().iter();
        calls.filter(|c| c["dossier"] == code(number).as_str() && c["processed"] == true && c["counted"] == true).count()
    };
    for number in [1, 2, 3].into_iter().chain(1000..next.load(Ordering::Relaxed)) {
        assert_eq!(took(number), 1, "dossier {number} is at the Ministry once");
    }

    // A set that was lost: what it sent is explained by the one in force, and that is said.
    let (mut world, first) = (world, first.as_str().unwrap().to_owned());
    world.kill_gateway();
    fs::remove_file(world.path().join(format!("data/adapters/{first}.json"))).unwrap();
    let world = world.with_gateway().await;
    let explained = said(&command(&world, &["explain", "--delivery", "1"]));
    assert!(
        explained.contains("note: the set it was sent by is not to be had any more") && !explained.contains(&first),
        "{explained}"
    );
    assert!(explained.contains("adapters/moet/submit.map:"), "{explained}");
    let compared = said(&command(&world, &["diff", &folder, "--deliveries"]));
    assert!(compared.contains("beside the set in force"), "{compared}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_goes_only_when_nothing_waits_for_it_and_is_called_again_when_it_comes_back() {
    let (world, set) = world().await;
    let token = world.token().await;
    world.hand(&world.ministry, "/_weather", &json!({ "down": "refused" })).await;
    assert_eq!(submit(&world, &token, 1, "/hanoi/ho-so").await.status, 200);
    // Before a reload: what waits, and this set could not write.
    let here = set.display().to_string();
    let fine = command(&world, &["check", &here, "--queued"]);
    assert!(fine.status.success() && said(&fine).contains("1 waiting deliveries could be written"), "{}", said(&fine));
    change(&set.join("adapters/moet/partner.toml"), "[out.submit]", "[out.hand-in]");
    let stuck = command(&world, &["check", &here, "--queued"]);
    assert_eq!(stuck.status.code(), Some(1), "{}", said(&stuck));
    assert!(said(&stuck).contains("delivery 1 to moet: there is no route `submit` any more"), "{}", said(&stuck));
    change(&set.join("adapters/moet/partner.toml"), "[out.hand-in]", "[out.submit]");
    let (here, away) = (set.join("adapters/moet"), world.path().join("away"));
    fs::rename(&here, &away).unwrap();
    let config = world.path().join("gateway.toml");
    let with = fs::read_to_string(&config).unwrap();
    let (before, after) = (with.find("[partners.moet]").unwrap(), with.find("[partners.keypay]").unwrap());
    // A partner that is configured and not there would keep the next start from starting.
    let stranger = command(&world, &["reload"]);
    let told = said(&stranger);
    assert!(!stranger.status.success() && told.contains("partners.moet: there is no such partner"), "{told}");
    fs::write(&config, format!("{}{}", &with[..before], &with[after..])).unwrap();
    let refused = command(&world, &["reload"]);
    assert!(!refused.status.success() && said(&refused).contains("no partner `moet`"), "{}", said(&refused));
    assert!(moet(&world).await.is_some());

    world.hand(&world.ministry, "/_weather", &json!({ "down": null })).await;
    drained(&world).await;
    let gone = command(&world, &["reload"]);
    assert!(gone.status.success() && said(&gone).contains("partners gone: moet"), "{}", said(&gone));
    assert!(moet(&world).await.is_none());
    let homeless = submit(&world, &token, 2, "/hanoi/ho-so").await;
    assert!(homeless.status == 422 && homeless.text.contains("no-route"), "{} {}", homeless.status, homeless.text);

    fs::rename(&away, &here).unwrap();
    fs::write(&config, with).unwrap();
    let back = command(&world, &["reload"]);
    assert!(back.status.success() && said(&back).contains("new partners: moet"), "{}", said(&back));
    assert_eq!(submit(&world, &token, 3, "/hanoi/ho-so").await.status, 200);
    drained(&world).await;
    let book = world.shown(&world.ministry, "/_book").await;
    let took = |number: u32| {
        book["calls"].as_array().unwrap().iter().any(|c| c["dossier"] == code(number).as_str() && c["processed"] == true)
    };
    assert_eq!([1, 2, 3].map(took), [true, false, true]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_leave_against_the_partners_schema_waits_for_a_person_and_is_not_sent() {
    let narrowed = "<xs:element name=\"HoTenInHoa\"><xs:simpleType><xs:restriction base=\"xs:string\"><xs:pattern value=\"[0-9]+\"/>\
                    </xs:restriction></xs:simpleType></xs:element>";
    let (world, _) = world_with(|set| {
        change(&set.join("adapters/moet/partner.toml"), "[out.submit]\n", "[out.submit]\nvalidate = \"xsd\"\n");
        change(&set.join("schemas/moet/lien-thong.xsd"), "<xs:element name=\"HoTenInHoa\" type=\"Ten\"/>", narrowed);
    })
    .await;
    let token = world.token().await;
    assert_eq!(submit(&world, &token, 1, "/hanoi/ho-so").await.status, 200);
    let parked = until(Duration::from_secs(20), "the delivery waits for a person", async || {
        let delivery = world.operator("/v1/deliveries/1").await;
        (delivery["state"] == "parked").then(|| delivery.to_string())
    })
    .await;
    assert!(parked.contains("not-valid-by-xsd at NopHoSo/") && parked.contains("HoTenInHoa"), "{parked}");
    assert!(!parked.to_lowercase().contains("quỳnh"), "{parked}");
    let book = world.shown(&world.ministry, "/_book").await;
    assert!(book["calls"].as_array().unwrap().iter().all(|c| c["dossier"] != code(1).as_str()), "{book}");
    let listed = Command::new(PROGRAM)
        .args(["deliveries", "list", "--parked"])
        .envs([("LIENTHONG_ADMIN", world.admin.as_str()), ("LIENTHONG_TOKEN", OPERATOR)])
        .output()
        .unwrap();
    assert!(listed.status.success() && said(&listed).contains("not-valid-by-xsd"), "{}", said(&listed));
}

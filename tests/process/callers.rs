//! Who may call, while the gateway runs: another callers.toml is in force by SIGHUP, whole or not at all; whoever is no longer in it is out
//! at once, and nobody's limits begin afresh.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::dossiers::exam;
use super::reload::{change, command, hang_up, said, submit, world};
use super::world::{OPERATOR, PORTAL, World, until};
use lienthong::seal::sha256_hex;

/// Reads everything anew by the command, which must succeed; what it told.
fn renewed(world: &World) -> Value {
    let done = command(world, &["reload", "--json"]);
    assert!(done.status.success(), "{}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

fn file(world: &World) -> PathBuf {
    world.path().join("callers.toml")
}

async fn operator(world: &World, token: &str) -> u16 {
    world.get(&format!("{}/v1/partners", world.admin), Some(token)).await.expect("an answer").status
}

/// Signs the portal in with a secret; the token, or none.
async fn sign_in(world: &World, secret: &str) -> Option<String> {
    let form = format!("grant_type=client_credentials&client_id={}&client_secret={secret}", PORTAL.0);
    let request = world.http.post(format!("{}/hanoi/token", world.public));
    let answer = request.header("content-type", "application/x-www-form-urlencoded").body(form).send().await.unwrap();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    body["access_token"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_callers_are_in_force_by_the_signal_and_a_wrong_file_changes_nothing() {
    let (mut world, _set) = world().await;
    let token = world.token().await;
    assert_eq!(submit(&world, &token, 1, "/hanoi/ho-so").await.status, 200);
    let before = fs::read_to_string(file(&world)).unwrap();

    // A misspelt key: told with its place, by the command and in the log; those in force stay.
    fs::write(file(&world), before.replacen("roles", "rolls", 1)).unwrap();
    let refused = command(&world, &["reload"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("callers.toml:") && said(&refused).contains("rolls"), "{}", said(&refused));
    hang_up(&world);
    until(Duration::from_secs(10), "the signal's refusal in the log", async || {
        world.gateway_said().contains("adapters and callers in force stay").then_some(())
    })
    .await;
    assert_eq!(submit(&world, &token, 2, "/hanoi/ho-so").await.status, 200);

    // One more caller: by the signal. Gone again: out at once.
    let second =
        format!("[[caller]]\nname = \"second\"\nroles = [\"operator\"]\ntoken_sha256 = \"{}\"\n", sha256_hex(b"nguoi-thu-hai"));
    assert_eq!(operator(&world, "nguoi-thu-hai").await, 401);
    fs::write(file(&world), format!("{before}\n{second}")).unwrap();
    hang_up(&world);
    until(Duration::from_secs(10), "the new caller is let in", async || {
        (operator(&world, "nguoi-thu-hai").await == 200).then_some(())
    })
    .await;
    fs::write(file(&world), &before).unwrap();
    assert_eq!(renewed(&world)["callers"], json!(["second"]));
    assert_eq!(operator(&world, "nguoi-thu-hai").await, 401);
    assert_eq!(operator(&world, OPERATOR).await, 200);

    // Another secret of the portal: its tokens are void at once, the old secret opens nothing, the new one does.
    change(&file(&world), &sha256_hex(PORTAL.1.as_bytes()), &sha256_hex(b"mat-khau-moi"));
    assert_eq!(submit(&world, &token, 3, "/hanoi/ho-so").await.status, 200, "until it is read");
    let told = renewed(&world);
    assert_eq!((&told["changed"], told["callers"].as_array().unwrap().len()), (&json!(false), 1), "{told}");
    assert_eq!(submit(&world, &token, 4, "/hanoi/ho-so").await.status, 401);
    assert_eq!(sign_in(&world, PORTAL.1).await, None);
    let token = sign_in(&world, "mat-khau-moi").await.expect("signed in");
    assert_eq!(submit(&world, &token, 4, "/hanoi/ho-so").await.status, 200);
    // It stands in the audit, by name, and nowhere with a secret.
    let said = world.gateway_said();
    world.kill_gateway();
    let books = rusqlite::Connection::open(world.path().join("data/journal.db")).unwrap();
    let mut read = books.prepare("SELECT data FROM audit WHERE what = 'adapters.reload' ORDER BY seq").unwrap();
    let rows: Vec<String> = read.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let callers: Vec<Value> = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()["callers"].clone()).collect();
    assert_eq!(callers, [json!(["second"]), json!(["second"]), json!(["cong-thanh-pho"])], "came, went, another secret");
    for told in rows.iter().chain([&said]) {
        assert!(!told.contains(&sha256_hex(b"mat-khau-moi")) && !told.contains("mat-khau-moi"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_read_anew_gives_a_fresh_burst() {
    let (world, set) = world().await;
    let token = world.token().await;
    let limits = set.join("adapters/hanoi/partner.toml");
    let text = fs::read_to_string(&limits).unwrap();
    let old = text.lines().find(|l| l.starts_with("in  = ")).expect("the portal's limits").to_owned();
    // Three an hour, all of them at once: nothing comes back while this test runs.
    change(&limits, &old, "in  = [{ rate = \"3/h\" }]");
    renewed(&world);
    let mut next = 1..;
    let mut tried = async || {
        let body = exam(next.next().unwrap());
        world.post(&format!("{}/hanoi/ho-so", world.public), Some(&token), &body).await.unwrap().status
    };
    let mut taken = 0;
    while tried().await == 200 {
        taken += 1;
        assert!(taken <= 3, "the burst is three");
    }
    assert_eq!((taken, tried().await), (3, 429));

    // The caller is another one now (its class), by its name the same: what it has used stays used.
    let callers = fs::read_to_string(file(&world)).unwrap();
    let head = format!("client = {{ id = \"{}\"", PORTAL.0);
    assert!(callers.contains(&head), "{callers}");
    fs::write(file(&world), callers.replace(&head, &format!("class = \"bulk\"\n{head}"))).unwrap();
    assert_eq!(renewed(&world)["callers"].as_array().unwrap().len(), 1);
    assert_eq!(tried().await, 429, "another caller's entry gives nothing back");
    // Gone and back again: the same.
    let without: String = callers.split("[[caller]]").filter(|c| !c.contains(&head)).collect::<Vec<_>>().join("[[caller]]");
    fs::write(file(&world), without).unwrap();
    renewed(&world);
    assert_eq!(tried().await, 401, "it is nobody");
    fs::write(file(&world), &callers).unwrap();
    renewed(&world);
    assert_eq!(tried().await, 429);
    // Another limit begins as used up as the old one was; only time gives something back.
    change(&limits, "3/h", "5/h");
    renewed(&world);
    assert_eq!(tried().await, 429);
}

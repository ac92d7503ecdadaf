//! A small world for one test: the three partners and the gateway, each the real program as a process of its own, in one folder of the
//! disk that goes away with the test. Nothing here knows what a message means.
//!
//! Always: only processes started here are ended, by their id; every wait has an end; what a process said stands in a file of the folder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The program under test.
pub(super) const PROGRAM: &str = env!("CARGO_BIN_EXE_lienthong");
/// What the portal shows the gateway.
pub(super) const PORTAL: (&str, &str) = ("cong-dvc-thu-nghiem", "vi-du-cong");
/// What the Ministry shows the gateway.
pub(super) const MINISTRY: (&str, &str) = ("bo-gddt-thu-nghiem", "vi-du-bo");
/// The operator's token.
pub(super) const OPERATOR: &str = "vi-du-van-hanh";
/// Secrets of the gateway by name; invented.
pub(super) const SECRETS: [(&str, &str); 5] = [
    ("hanoi/client", "bi-mat-cua-lien-thong-tai-cong"),
    ("hanoi/webhook", "whsec_a2hvYS13ZWJob29rLXRodS1uZ2hpZW0tMzItYnl0ZQ=="),
    ("keypay/hash_key_1", "khoa-mot-thu-nghiem"),
    ("keypay/hash_key_2", "khoa-hai-thu-nghiem"),
    ("moet/password", "mat-khau-tai-bo-thu-nghiem"),
];

/// A process that ends with this value.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// What it prints.
    pub(super) out: PathBuf,
    /// What it logs.
    pub(super) err: PathBuf,
}

/// A simulator: its process, the address of its contract and that of the test's hand.
#[derive(Debug)]
pub(super) struct Simulator {
    /// Held: it ends with this.
    _process: Process,
    /// Where the gateway calls it.
    pub(super) url: String,
    /// `/_book`, `/_weather`, …
    pub(super) control: String,
}

/// How a world differs from the usual one.
#[derive(Debug, Default)]
pub(super) struct Setup {
    /// More arguments of the Ministry's simulator.
    pub(super) ministry: Vec<&'static str>,
    /// More arguments of the portal's.
    pub(super) portal: Vec<&'static str>,
    /// More arguments of the platform's.
    pub(super) payment: Vec<&'static str>,
    /// Lines after `[partners.moet] base = …`.
    pub(super) moet: &'static str,
    /// Lines after `[partners.hanoi] base = …`.
    pub(super) hanoi: &'static str,
    /// Lines after `[partners.keypay] base = …`.
    pub(super) keypay: &'static str,
    /// The `[log]` table's lines; none: human, info.
    pub(super) log: &'static str,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct World {
    folder: tempfile::TempDir,
    /// The city's portal.
    pub(super) portal: Simulator,
    /// The Ministry.
    pub(super) ministry: Simulator,
    /// The payment platform.
    pub(super) payment: Simulator,
    /// The gateway, while it runs.
    pub(super) gateway: Option<Process>,
    /// Its public address.
    pub(super) public: String,
    /// Its operators' address.
    pub(super) admin: String,
    /// For the test's own calls.
    pub(super) http: reqwest::Client,
    starts: u32,
}

/// An answer, read.
#[derive(Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// The body.
    pub(super) text: String,
}

// === impl Process ===

impl Process {
    /// Starts a program; its output goes to `<name>.out` and `<name>.err` in `folder`, appended.
    pub(super) fn start(folder: &Path, name: &str, program: &str, arguments: &[String]) -> Self {
        let (out, err) = (folder.join(format!("{name}.out")), folder.join(format!("{name}.err")));
        let append = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(append(&out))
            .stderr(append(&err))
            .env_remove("RUST_BACKTRACE")
            .spawn()
            .unwrap_or_else(|e| panic!("{program} cannot be started: {e}"));
        Self { child, out, err }
    }

    /// Its id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL; the process is gone when this is dropped.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its own end; the exit code.
    pub(super) async fn ended(&mut self, most: Duration) -> Option<i32> {
        let mut code = None;
        let end = Instant::now() + most;
        while code.is_none() && Instant::now() < end {
            code = self.child.try_wait().unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        code.and_then(|c| c.code())
    }

    /// What it said, both streams.
    pub(super) fn said(&self) -> String {
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        format!("{}{}", text(&self.out), text(&self.err))
    }

    fn end(&mut self) {
        // A program run by way of strace outlives it: what it started is ended first, by its id.
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", self.child.id())).unwrap_or_default();
        for id in children.split_whitespace() {
            let _ = Command::new("kill").args(["-9", id]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

// === impl Simulator ===

impl Simulator {
    /// Starts `lienthong simulate <role>` and reads its addresses.
    pub(super) async fn start(folder: &Path, role: &str, more: &[String]) -> Self {
        let arguments = [&["simulate".to_owned(), role.to_owned()], more].concat();
        let process = Process::start(folder, role, PROGRAM, &arguments);
        let line = until(Duration::from_secs(30), &format!("the {role} simulator's addresses"), async || {
            fs::read_to_string(&process.out).ok()?.lines().find(|l| l.contains(" control ")).map(str::to_owned)
        })
        .await;
        let words: Vec<&str> = line.split_whitespace().collect();
        Self { url: words[1].to_owned(), control: words[3].to_owned(), _process: process }
    }
}

// === impl World ===

impl World {
    /// Starts the partners and the gateway.
    pub(super) async fn start(setup: Setup) -> Self {
        let world = Self::without_gateway(setup).await;
        world.with_gateway().await
    }

    /// Starts the partners and lays the gateway's files.
    pub(super) async fn without_gateway(setup: Setup) -> Self {
        let folder = tempfile::Builder::new().prefix("lienthong-").tempdir().unwrap();
        let at = folder.path();
        let (public, admin) = (free_port(), free_port());
        let gateway = format!("http://127.0.0.1:{public}");
        let secret = |name: &str| SECRETS.iter().find(|(n, _)| *n == name).unwrap().1;
        let simulator = async |role: &str, own: &[(&str, &str)], more: &[&str]| {
            let mut all = vec!["--gateway".to_owned(), gateway.clone()];
            own.iter().for_each(|(name, value)| all.extend([format!("--{name}"), (*value).to_owned()]));
            all.extend(more.iter().map(|m| (*m).to_owned()));
            Simulator::start(at, role, &all).await
        };
        let portal = [
            ("username", "lien-thong-thu-nghiem"),
            ("password", secret("hanoi/client")),
            ("gateway-username", PORTAL.0),
            ("gateway-password", PORTAL.1),
            ("webhook", secret("hanoi/webhook")),
        ];
        let ministry = [
            ("username", "so-gddt-hn-thu-nghiem"),
            ("password", secret("moet/password")),
            ("gateway-username", MINISTRY.0),
            ("gateway-password", MINISTRY.1),
        ];
        let payment = [("key-1", secret("keypay/hash_key_1")), ("key-2", secret("keypay/hash_key_2"))];
        let portal = simulator("portal", &portal, &setup.portal).await;
        let ministry = simulator("ministry", &ministry, &setup.ministry).await;
        let payment = simulator("payment", &payment, &setup.payment).await;
        for (name, value) in SECRETS {
            let path = at.join("secrets").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, value).unwrap();
        }
        let log = if setup.log.is_empty() { "format = \"human\"\nlevel = \"info\"" } else { setup.log };
        let config = format!(
            "listen = \"127.0.0.1:{public}\"\nadmin = \"127.0.0.1:{admin}\"\npublic_url = \"{gateway}\"\ndata = \"data\"\n\
             secrets = \"secrets\"\ncallers = \"callers.toml\"\nreturn_urls = [\"https://cong.vidu.example/thanh-toan\"]\n\
             [log]\n{log}\n[limits]\n\
             [partners.hanoi]\nbase = \"{}\"\n{}\n[partners.moet]\nbase = \"{}\"\n{}\n[partners.keypay]\nbase = \"{}\"\n{}\n",
            portal.url, setup.hanoi, ministry.url, setup.moet, payment.url, setup.keypay
        );
        fs::write(at.join("gateway.toml"), config).unwrap();
        fs::write(at.join("callers.toml"), callers()).unwrap();
        Self {
            public: gateway,
            admin: format!("http://127.0.0.1:{admin}"),
            http: client(),
            portal,
            ministry,
            payment,
            gateway: None,
            folder,
            starts: 0,
        }
    }

    /// Starts the gateway and waits until it answers.
    pub(super) async fn with_gateway(mut self) -> Self {
        self.start_gateway(&[], &[]).await;
        self
    }

    /// Starts the gateway, by way of another program when `before` names one, and waits until it answers.
    pub(super) async fn start_gateway(&mut self, before: &[String], more: &[&str]) {
        self.starts += 1;
        let mut all: Vec<String> = before.to_vec();
        all.extend([PROGRAM, "serve", "--config", "gateway.toml"].map(str::to_owned));
        all.extend(more.iter().map(|m| (*m).to_owned()));
        let program = all.remove(0);
        let mut process = Process::start(self.path(), "gateway", &program, &all);
        let end = Instant::now() + Duration::from_secs(60);
        while self.get(&format!("{}/healthz", self.public), None).await.is_none_or(|a| a.status != 200) {
            let gone = process.child.try_wait().unwrap();
            assert!(gone.is_none() && Instant::now() < end, "the gateway did not start ({gone:?}):\n{}", process.said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.gateway = Some(process);
    }

    /// The folder of this world.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `kill -9` of the gateway. Drop what comes back before it is started again.
    pub(super) fn kill_gateway(&mut self) -> Process {
        let mut gateway = self.gateway.take().unwrap();
        gateway.kill();
        gateway
    }

    /// A token of the portal at the gateway.
    pub(super) async fn token(&self) -> String {
        let form = format!("grant_type=client_credentials&client_id={}&client_secret={}", PORTAL.0, PORTAL.1);
        let request = self.http.post(format!("{}/hanoi/token", self.public));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = sent(request).await.expect("the token route answers");
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// GET with a bearer token; none: no answer.
    pub(super) async fn get(&self, url: &str, bearer: Option<&str>) -> Option<Answer> {
        let request = self.http.get(url);
        sent(if let Some(token) = bearer { request.bearer_auth(token) } else { request }).await
    }

    /// GET of the operators' API, which must succeed.
    pub(super) async fn operator(&self, path: &str) -> Value {
        let answer = self.get(&format!("{}{path}", self.admin), Some(OPERATOR)).await.expect("the operators' door answers");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// POST of a JSON body.
    pub(super) async fn post(&self, url: &str, bearer: Option<&str>, body: &Value) -> Option<Answer> {
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        sent(if let Some(token) = bearer { request.bearer_auth(token) } else { request }).await
    }

    /// A control route of a simulator, which must succeed.
    pub(super) async fn hand(&self, simulator: &Simulator, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", simulator.control);
        let answer = self.post(&url, None, body).await.unwrap_or_else(|| panic!("{path}: no answer"));
        assert!((200..300).contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    /// What a simulator shows of itself (`/_book`, `/_dossier/…`); null: it has nothing of that name.
    pub(super) async fn shown(&self, simulator: &Simulator, path: &str) -> Value {
        let answer = self.get(&format!("{}{path}", simulator.control), None).await.unwrap_or_else(|| panic!("{path}: no answer"));
        serde_json::from_str(&answer.text).unwrap_or(Value::Null)
    }

    /// Files a dossier at the portal, with files and all; its code.
    pub(super) async fn apply(&self, number: u64, service: &str) -> String {
        let body = serde_json::json!({ "number": number, "service": service, "edition": "2025" });
        let filed = self.hand(&self.portal, "/_apply", &body).await;
        filed["code"].as_str().unwrap_or_else(|| panic!("no code in {filed}")).to_owned()
    }

    /// Everything the gateway has said, over all its starts.
    pub(super) fn gateway_said(&self) -> String {
        let text = |name: &str| String::from_utf8_lossy(&fs::read(self.path().join(name)).unwrap_or_default()).into_owned();
        format!("{}{}", text("gateway.out"), text("gateway.err"))
    }
}

impl Drop for World {
    /// A test that fails shows what the gateway said last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let said = self.gateway_said();
            let lines: Vec<&str> = said.lines().collect();
            let from = lines.len().saturating_sub(60);
            eprintln!("---- the gateway said ({} lines):\n{}", lines.len(), lines[from..].join("\n"));
        }
    }
}

// === impl Answer ===

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("not JSON ({e}): {}", self.text))
    }
}

// === functions ===

/// Who may call: the words of the constants above.
fn callers() -> String {
    let digest = |word: &str| lienthong::seal::sha256_hex(word.as_bytes());
    format!(
        "[[caller]]\nname = \"cong-thanh-pho\"\npartner = \"hanoi\"\nroles = [\"portal\"]\nagencies = [\"H26\"]\n\
         client = {{ id = \"{}\", secret_sha256 = \"{}\" }}\n\
         [[caller]]\nname = \"phan-mem-bo\"\npartner = \"moet\"\nroles = [\"ministry\"]\n\
         basic = {{ user = \"{}\", password_sha256 = \"{}\" }}\n\
         [[caller]]\nname = \"nen-tang\"\npartner = \"keypay\"\nroles = [\"payment\"]\nseal = \"notice\"\n\
         [[caller]]\nname = \"tra-cuu\"\npartner = \"keypay\"\nroles = [\"payment\"]\nnetworks = [\"127.0.0.0/8\"]\n\
         [[caller]]\nname = \"van-hanh\"\nroles = [\"operator\", \"auditor\", \"metrics\"]\ntoken_sha256 = \"{}\"\n",
        PORTAL.0,
        digest(PORTAL.1),
        MINISTRY.0,
        digest(MINISTRY.1),
        digest(OPERATOR)
    )
}

/// A port nobody listens on and nobody is given by chance: below those the system hands out to outgoing calls and to port 0.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let place = (std::process::id().wrapping_mul(97)).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        let port = 20_000 + u16::try_from(place).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A client of the test's own.
pub(super) fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}

/// Sends; none: the connection failed.
pub(super) async fn sent(request: reqwest::RequestBuilder) -> Option<Answer> {
    let answer = request.send().await.ok()?;
    let status = answer.status().as_u16();
    Some(Answer { status, text: answer.text().await.ok()? })
}

/// Asks again and again until there is something; fails the test when there never is.
pub(super) async fn until<T>(most: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + most;
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain for {what}", most.as_secs());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

//! The stage: gateway and partners as processes of their own, started from this same program, in one folder.
//!
//! Always: only processes started here are ended, by their id; none outlives this one (they hold our pipe as a leash, and end when it
//! does); the gateway keeps its two addresses and its data folder over all its lives.

use super::super::invented::{Folder, Names, Words};
use super::super::remote::Remote;
use super::super::{Failed, check};
use super::plan::Place;
use crate::app::Rehearsal;
use crate::catalogue::{Catalogue, Files};
use crate::clock::{Clock as _, Wall};
use crate::config::Secrets;
use crate::seal::{Secret, sha256_hex};
use crate::simulator::{Climate, Credentials, Options, Portal, Running};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long "not known" does not count under torture.
pub(super) const QUIET: Duration = Duration::from_millis(2_500);

/// Where the citizen comes back to after paying.
pub(super) const RETURN_URL: &str = "https://cong.vidu.example/thanh-toan/xong";

/// What a process may take to tell its addresses or to answer.
const START: Duration = Duration::from_secs(20);

/// Everything that runs.
pub(super) struct Stage {
    pub(super) folder: Folder,
    pub(super) partners: BTreeMap<Place, Partner>,
    /// The load's hand: a portal that is a client only; nobody calls it.
    pub(super) hand: Running<Portal>,
    /// The gateway's public address.
    pub(super) public: String,
    admin: String,
    /// The gateway's own API, as an operator.
    pub(super) operator: Remote,
    names: Names,
    http: reqwest::Client,
    program: PathBuf,
    plant: Option<String>,
}

/// A simulated partner.
pub(super) struct Partner {
    _process: Process,
    url: String,
    control: String,
    /// The file its book is kept in.
    pub(super) book: PathBuf,
}

/// A process that ends with this value.
pub(super) struct Process {
    child: Child,
}

/// Which secrets the adapters ask for.
struct Asked<'w> {
    words: &'w Words,
    names: Mutex<Vec<String>>,
}

// === impl Process ===

impl Process {
    fn start(program: &Path, folder: &Path, name: &str, arguments: &[String]) -> Result<Self, Failed> {
        let cannot = |e: std::io::Error| Failed::because(format!("{name} cannot be started: {e}"));
        let append = |end: &str| std::fs::File::options().create(true).append(true).open(folder.join(format!("{name}.{end}")));
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(append("out").map_err(cannot)?)
            .stderr(append("err").map_err(cannot)?)
            .spawn()
            .map_err(cannot)?;
        Ok(Self { child })
    }

    /// Its id, as long as it is here.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until it is gone.
    pub(super) fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// It has ended by itself; a gateway under torture never should.
    pub(super) fn is_gone(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl Stage ===

impl Stage {
    /// Starts the partners and lays the gateway's files; the gateway itself is not started.
    pub(super) async fn build(seed: u64, keep: bool, plant: Option<String>) -> Result<Self, Failed> {
        let files = Files::embedded();
        let catalogue = check::compile(&files).map_err(|f| Failed::because(format!("the adapters have faults:\n{f}")))?;
        let (names, words) = (Names::of(&catalogue)?, Words::invent());
        let folder = Folder::make("torture", keep)?;
        let program = std::env::current_exe().map_err(|e| Failed::because(format!("this program does not find itself: {e}")))?;
        let (public, admin) = (free_port(0)?, free_port(1)?);
        let gateway = format!("http://127.0.0.1:{public}");
        let mut partners = BTreeMap::new();
        for place in Place::ALL {
            let (name, credentials) = match place {
                Place::Portal => (&names.portal, words.portal()),
                Place::Ministry => (&names.ministry, words.ministry()),
                Place::Payment => (&names.payment, words.payment()),
            };
            partners.insert(place, Partner::start(&program, folder.path(), place, (&gateway, name), seed, &credentials).await?);
        }
        let options = Options {
            gateway: gateway.clone(),
            partner: Some(names.portal.clone()),
            seed,
            credentials: words.portal(),
            ..Options::default()
        };
        let hand = Portal::start(options).await.map_err(|e| Failed::because(e.to_string()))?;
        let admin = format!("http://127.0.0.1:{admin}");
        let stage = Self {
            operator: Remote::at(admin.clone(), words.operator.clone())?,
            admin,
            public: gateway,
            http: client()?,
            folder,
            partners,
            hand,
            names,
            program,
            plant,
        };
        stage.lay(&files, &words).map_err(|e| Failed::because(format!("the gateway's files cannot be laid: {e}")))?;
        Ok(stage)
    }

    /// Starts the gateway; it may take a while until it answers.
    pub(super) fn start_gateway(&self, rehearsal: &Rehearsal) -> Result<Process, Failed> {
        let mut all: Vec<String> = ["serve", "--config", "gateway.toml", "--leash"].map(str::to_owned).into();
        all.extend(["--rehearse".to_owned(), rehearsal.to_string()]);
        all.extend(self.plant.iter().flat_map(|fault| ["--fault".to_owned(), fault.clone()]));
        Process::start(&self.program, self.folder.path(), "gateway", &all)
    }

    /// Whether the gateway answers now.
    pub(super) async fn answers(&self) -> bool {
        let request = self.http.get(format!("{}/healthz", self.public)).timeout(Duration::from_millis(500));
        request.send().await.is_ok_and(|a| a.status().is_success())
    }

    /// Waits until the gateway answers; how long it took, or none within the bound or because it is gone.
    pub(super) async fn answered(&self, gateway: &mut Process) -> Option<Duration> {
        let clock = Wall::new();
        while clock.since_start() < START && !gateway.is_gone() {
            if self.answers().await {
                return Some(clock.since_start());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        None
    }

    /// What a partner shows at its control address, of a path; none: nothing of that name.
    pub(super) async fn shown(&self, place: Place, path: &str) -> Option<serde_json::Value> {
        let url = format!("{}{path}", self.partners.get(&place)?.control);
        let answer = self.http.get(url).send().await.ok().filter(|a| a.status().is_success())?;
        serde_json::from_str(&answer.text().await.ok()?).ok()
    }

    /// Tells a partner's control address something; its answer, null when that is no JSON.
    pub(super) async fn tell(&self, place: Place, path: &str, body: &serde_json::Value) -> Option<serde_json::Value> {
        let url = format!("{}{path}", self.partners.get(&place)?.control);
        let request = self.http.post(url).header("content-type", "application/json").body(body.to_string());
        let answer = request.send().await.ok().filter(|a| a.status().is_success())?;
        Some(serde_json::from_str(&answer.text().await.ok()?).unwrap_or_default())
    }

    /// Changes a partner's weather.
    pub(super) async fn weather(&self, place: Place, climate: &Climate) {
        let body = serde_json::to_value(climate).unwrap_or_default();
        let _ = self.tell(place, "/_weather", &body).await;
    }

    fn lay(&self, files: &Files, words: &Words) -> std::io::Result<()> {
        let at = self.folder.path();
        let asked = Asked { words, names: Mutex::default() };
        // Its faults were told when the adapters were compiled; here it only says which secrets it wants.
        let _ = Catalogue::load(files, &BTreeMap::new(), &asked);
        for name in asked.names.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let path = at.join("secrets").join(&name);
            if let (Some(folder), Some(secret)) = (path.parent(), words.get(&name)) {
                std::fs::create_dir_all(folder)?;
                std::fs::write(path, secret.expose())?;
            }
        }
        std::fs::write(at.join("callers.toml"), callers(&self.names, words))?;
        std::fs::write(at.join("gateway.toml"), self.config())
    }

    fn config(&self) -> String {
        let names = [&self.names.portal, &self.names.ministry, &self.names.payment];
        let partner = |(place, name): (Place, &String)| {
            let url = self.partners.get(&place).map_or("", |p| p.url.as_str());
            format!(
                "[partners.{name}]\nbase = \"{url}\"\nrate = \"{}/s\"\nat_once = 12\ntimeout = \"2s\"\nquiet = \"{}ms\"\n\
                 ask_schedule = [\"100ms\", \"300ms\", \"1s\"]\nretry = {{ first = \"200ms\", max = \"1500ms\", attempts = 40 }}\n",
                place.limit(),
                QUIET.as_millis()
            )
        };
        let partners: String = Place::ALL.into_iter().zip(names).map(partner).collect();
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        format!(
            "listen = \"{}\"\nadmin = \"{}\"\npublic_url = \"{}\"\ndata = \"data\"\nsecrets = \"secrets\"\ncallers = \"callers.toml\"\n\
             return_urls = [\"{RETURN_URL}\"]\n[log]\nformat = \"human\"\nlevel = \"info\"\n{partners}",
            host(&self.public),
            host(&self.admin),
            self.public
        )
    }
}

/// Who may call, as callers.toml says it.
fn callers(names: &Names, words: &Words) -> String {
    let digest = |word: &str| sha256_hex(word.as_bytes());
    format!(
        "[[caller]]\nname = \"{0}\"\npartner = \"{1}\"\nroles = [\"portal\"]\nclient = {{ id = \"{0}\", secret_sha256 = \"{2}\" }}\n\
         [[caller]]\nname = \"{3}\"\npartner = \"{4}\"\nroles = [\"ministry\"]\nbasic = {{ user = \"{3}\", password_sha256 = \"{5}\" }}\n\
         [[caller]]\nname = \"notices\"\npartner = \"{6}\"\nroles = [\"payment\"]\nseal = \"{7}\"\n\
         [[caller]]\nname = \"bills\"\npartner = \"{6}\"\nroles = [\"payment\"]\nnetworks = [\"127.0.0.0/8\"]\n\
         [[caller]]\nname = \"operator\"\nroles = [\"operator\", \"auditor\", \"metrics\"]\ntoken_sha256 = \"{8}\"\n",
        Words::PORTAL,
        names.portal,
        digest(&words.portal),
        Words::MINISTRY,
        names.ministry,
        digest(&words.ministry),
        names.payment,
        names.notice,
        digest(&words.operator)
    )
}

/// A port nobody listens on and nobody is given by chance: below those the system hands out by itself.
fn free_port(turn: u32) -> Result<u16, Failed> {
    let first = std::process::id().wrapping_mul(97).wrapping_add(turn * 6_007);
    (0..200_u32)
        .filter_map(|n| u16::try_from(20_000 + first.wrapping_add(n * 31) % 12_000).ok())
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .ok_or_else(|| Failed::because("no free port was found on loopback"))
}

fn client() -> Result<reqwest::Client, Failed> {
    let build = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120));
    build.build().map_err(|e| Failed::because(format!("no HTTP client can be made: {e}")))
}

// === impl Partner ===

impl Partner {
    async fn start(
        program: &Path,
        folder: &Path,
        place: Place,
        (gateway, name): (&str, &str),
        seed: u64,
        credentials: &Credentials,
    ) -> Result<Self, Failed> {
        let book = folder.join(format!("{}.jsonl", place.word()));
        let mut all: Vec<String> =
            ["simulate", place.word(), "--leash", "--gateway", gateway, "--partner", name].map(str::to_owned).into();
        all.extend(["--seed".to_owned(), seed.to_string(), "--book".to_owned(), book.display().to_string()]);
        let words = [
            ("--username", &credentials.username),
            ("--password", &credentials.password),
            ("--gateway-username", &credentials.gateway_username),
            ("--gateway-password", &credentials.gateway_password),
            ("--key-1", &credentials.key_1),
            ("--key-2", &credentials.key_2),
            ("--webhook", &credentials.webhook),
        ];
        for (option, word) in words {
            all.extend(word.iter().map(|word| format!("{option}={word}")));
        }
        let process = Process::start(program, folder, place.word(), &all)?;
        let out = folder.join(format!("{}.out", place.word()));
        let clock = Wall::new();
        while clock.since_start() < START {
            let said = std::fs::read_to_string(&out).unwrap_or_default();
            let words: Vec<&str> = said.lines().next().unwrap_or_default().split_whitespace().collect();
            if let [_, url, "control", control] = words[..] {
                return Ok(Self { _process: process, url: url.to_owned(), control: control.to_owned(), book });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(Failed::because(format!("the {} simulator did not start", place.word())))
    }
}

// === impl Asked ===

impl Secrets for Asked<'_> {
    fn get(&self, name: &str) -> Option<Secret> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).push(name.to_owned());
        self.words.get(name)
    }
}

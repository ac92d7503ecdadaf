//! gateway.toml: where we listen, where data and secrets are, limits, and what an operator overrides of a partner.
//!
//! Plain HTTP stands only on loopback unless the host is allowed by name (`plain_http`), at our doors and towards partners.

use super::allow::host_of;
use super::env::Env;
use super::reader::{Doc, Fault, Faults, Table, duration};
use super::retention::{Retention, retention};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The gateway's own settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Gateway {
    /// Where partners and `/v1` are served.
    pub listen: SocketAddr,
    /// Where operators' routes, `/readyz` and `/metrics` are served.
    pub admin: SocketAddr,
    /// How the outside reaches us, without a slash at the end: links, `soap:address`.
    pub public_url: String,
    /// Certificate and key of the public door; none: plain HTTP.
    pub tls: Option<Tls>,
    /// Hosts at which, and towards which, plain HTTP is allowed beyond loopback, by name.
    pub plain_http: Vec<String>,
    /// Journal and files.
    pub data: PathBuf,
    /// A folder that holds `adapters/` and `schemas/`; none: those inside the program.
    pub adapters: Option<PathBuf>,
    /// A folder with a file for each secret; none: only the environment.
    pub secrets: Option<PathBuf>,
    /// Certificate authorities (PEM files) trusted towards partners, besides the system's.
    pub authorities: Vec<PathBuf>,
    /// The callers file.
    pub callers: PathBuf,
    /// Logs.
    pub log: Log,
    /// Our own strength.
    pub limits: Limits,
    /// How long what is kept is kept.
    pub retention: Retention,
    /// Overrides by partner name.
    pub partners: BTreeMap<String, PartnerSettings>,
    /// Where a citizen may come back to after paying: prefixes of URLs, up to a `/`, `?` or the end.
    pub return_urls: Vec<String>,
    /// Hosts (`name` or `name:port`) that partners may be called at; empty: those of the partners' own `base`.
    pub callback_hosts: Vec<String>,
}

/// Certificate chain and key, PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain.
    pub cert: PathBuf,
    /// The key.
    pub key: PathBuf,
}

/// How logs look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// For people or programs.
    pub format: Format,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: String,
}

/// The two forms of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One readable line.
    Human,
    /// One JSON object a line.
    Json,
}

/// Our own strength; what exceeds it is refused before acceptance.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// The largest body of a message, bytes, unless its route says otherwise.
    pub max_body: u64,
    /// The largest uploaded file, bytes.
    pub max_file: u64,
    /// Requests of all callers together, before sign-in.
    pub rate: Rate,
    /// How long a dossier may wait for us before the next ones are told to come again (503); what the Ministry tells twice, payments
    /// four times as long.
    pub patience: Duration,
    /// Bytes of the data folder's disk kept free: below them nothing new is taken in, below a quarter no call is begun. 0: none.
    pub disk_reserve: u64,
    /// The longest a stop may take: requests under way, then calls under way. What is cut then is asked after at the next start.
    pub stop_within: Duration,
    /// Requests that may wait for the journal at once; more: 503.
    pub queue: u32,
    /// Connections at once.
    pub connections: u32,
    /// Connections at once from one address (IPv6: one /64); more are closed at once.
    pub connections_per_address: u32,
    /// The longest `Prefer: wait`.
    pub longest_wait: Duration,
    /// A request must be read within this time.
    pub read_timeout: Duration,
}

/// Calls per interval, with those that may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Calls per interval, at least 1.
    pub calls: u32,
    /// The interval.
    pub interval: Duration,
}

/// What an operator overrides of a partner.toml.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartnerSettings {
    /// Whether it is in force, instead of what its file says.
    pub enabled: Option<bool>,
    /// Its address.
    pub base: Option<String>,
    /// Calls to it.
    pub rate: Option<Rate>,
    /// Calls to it at once.
    pub at_once: Option<u32>,
    /// Calls to it a day.
    pub daily: Option<u32>,
    /// When it must not be called, instead of what its file says; the catalogue reads the windows.
    pub maintenance: Option<Vec<String>>,
    /// One call's time.
    pub timeout: Option<Duration>,
    /// How long a "not known" does not count, all routes.
    pub quiet: Option<Duration>,
    /// The pauses between inquiries, all routes.
    pub ask_schedule: Option<Vec<Duration>>,
    /// Retry schedule, all routes.
    pub retry: RetrySettings,
    /// Paused from the start.
    pub paused: bool,
    /// Values of `[values]` that differ here.
    pub values: BTreeMap<String, String>,
}

/// What is overridden of a retry schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RetrySettings {
    /// The first wait.
    pub first: Option<Duration>,
    /// The factor.
    pub factor: Option<f64>,
    /// The longest wait.
    pub max: Option<Duration>,
    /// Attempts.
    pub attempts: Option<u32>,
}

// === impl Default ===

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            admin: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8081),
            public_url: "http://127.0.0.1:8080".to_owned(),
            tls: None,
            plain_http: Vec::new(),
            data: PathBuf::from("data"),
            adapters: None,
            secrets: None,
            authorities: Vec::new(),
            callers: PathBuf::from("callers.toml"),
            log: Log::default(),
            limits: Limits::default(),
            retention: Retention::default(),
            partners: BTreeMap::new(),
            return_urls: Vec::new(),
            callback_hosts: Vec::new(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { format: Format::Human, level: "info".to_owned() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: 1 << 20,
            max_file: 20 << 20,
            rate: Rate { calls: 5000, interval: Duration::from_secs(1) },
            queue: 2000,
            connections: 4096,
            connections_per_address: 1024,
            longest_wait: Duration::from_secs(30),
            read_timeout: Duration::from_secs(30),
            patience: Duration::from_secs(1),
            disk_reserve: 512 << 20,
            stop_within: Duration::from_secs(120),
        }
    }
}

// === impl Rate ===

impl Rate {
    /// Reads `5/s`, `20000/min`, `100/h`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (calls, unit) = text.split_once('/')?;
        let interval = match unit {
            "s" => Duration::from_secs(1),
            "min" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "day" => Duration::from_secs(86_400),
            _ => return None,
        };
        let calls = calls.parse().ok().filter(|n| *n > 0)?;
        Some(Self { calls, interval })
    }
}

// === impl Gateway ===

const KEYS: [&str; 16] = [
    "listen",
    "admin",
    "public_url",
    "tls",
    "plain_http",
    "data",
    "adapters",
    "secrets",
    "authorities",
    "callers",
    "log",
    "limits",
    "retention",
    "partners",
    "return_urls",
    "callback_hosts",
];

impl Gateway {
    /// Reads gateway.toml; all faults at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let faults = Faults::new(file, text);
        let doc = Doc::parse(text, &faults);
        let root = doc.table(&faults);
        root.only(&KEYS);
        let fresh = Self::default();
        let address = |key: &str, default| {
            root.parsed(key, "an address and port such as \"127.0.0.1:8080\"", |t| t.parse().ok()).unwrap_or(default)
        };
        let path = |key: &str| root.text(key).map(PathBuf::from);
        let listen: SocketAddr = address("listen", fresh.listen);
        let gateway = Self {
            listen,
            admin: address("admin", fresh.admin),
            public_url: root.parsed("public_url", "an http or https URL", url).unwrap_or_else(|| format!("http://{listen}")),
            tls: root.table("tls").map(|t| tls(&t)),
            plain_http: root.texts("plain_http"),
            data: path("data").unwrap_or(fresh.data),
            adapters: path("adapters"),
            secrets: path("secrets"),
            authorities: root.texts("authorities").into_iter().map(PathBuf::from).collect(),
            callers: path("callers").unwrap_or(fresh.callers),
            log: root.table("log").map_or(fresh.log, |t| log(&t)),
            limits: root.table("limits").map_or(fresh.limits, |t| limits(&t)),
            retention: root.table("retention").map_or(fresh.retention, |t| retention(&t)),
            partners: root.named("partners").into_iter().map(|(name, t)| (name.to_owned(), partner(&t))).collect(),
            return_urls: root
                .get("return_urls")
                .map(|i| i.list())
                .unwrap_or_default()
                .iter()
                .filter_map(|i| i.parsed("a list of http or https URLs", url))
                .collect(),
            callback_hosts: root.texts("callback_hosts"),
        };
        gateway.check(&root);
        if faults.is_empty() { Ok(gateway) } else { Err(faults.finish()) }
    }

    fn check(&self, root: &Table<'_>) {
        let hint = || Some("give [tls] cert and key, listen on loopback, or name the host in plain_http".to_owned());
        if self.tls.is_none() && !self.plain_allowed(&self.listen.ip().to_string()) {
            root.fault_at("listen", format!("plain HTTP on {}, which is not loopback", self.listen), hint());
        }
        if !self.plain_allowed(&self.admin.ip().to_string()) {
            root.fault_at("admin", format!("the operators' door has no TLS and {} is not loopback", self.admin), hint());
        }
        if self.listen == self.admin && self.listen.port() != 0 {
            root.fault_at("admin", "`admin` must be another address than `listen`", None);
        }
        for (name, settings) in &self.partners {
            if let Some(base) = settings.base.as_deref().filter(|b| !self.base_allowed(b)) {
                let text = format!("partner `{name}`: plain HTTP to {base}, which is not loopback");
                root.fault_at("partners", text, Some("use https, or name the host in plain_http".to_owned()));
            }
        }
    }

    /// Lays the environment over the file.
    pub(super) fn overlay(&mut self, env: &dyn Env) -> Vec<Fault> {
        if let Some(data) = env.get("LIENTHONG_DATA") {
            self.data = PathBuf::from(data);
        }
        let Some(listen) = env.get("LIENTHONG_LISTEN") else { return Vec::new() };
        let told = |text: String| {
            vec![Fault { file: "LIENTHONG_LISTEN".into(), start: 0, len: 0, line: 1, column: 1, text, hint: None, tag: "" }]
        };
        match listen.parse::<SocketAddr>() {
            Ok(at) if self.tls.is_none() && !self.plain_allowed(&at.ip().to_string()) => {
                told(format!("plain HTTP on {at}, which is not loopback"))
            }
            Ok(at) => {
                if self.public_url == format!("http://{}", self.listen) {
                    self.public_url = format!("http://{at}");
                }
                self.listen = at;
                Vec::new()
            }
            Err(_) => told("must be an address and port such as 127.0.0.1:8080".into()),
        }
    }

    /// Makes relative paths count from `folder`.
    pub(super) fn anchor(&mut self, folder: &Path) {
        let optional = [self.adapters.as_mut(), self.secrets.as_mut()];
        let tls = self.tls.as_mut().map(|t| [&mut t.cert, &mut t.key]);
        let all = [&mut self.data, &mut self.callers]
            .into_iter()
            .chain(optional.into_iter().flatten())
            .chain(&mut self.authorities)
            .chain(tls.into_iter().flatten());
        for path in all {
            *path = folder.join(&*path);
        }
    }
}

fn tls(t: &Table<'_>) -> Tls {
    t.only(&["cert", "key"]);
    Tls { cert: t.need_text("cert").into(), key: t.need_text("key").into() }
}

fn log(t: &Table<'_>) -> Log {
    t.only(&["format", "level"]);
    let fresh = Log::default();
    let format = t.parsed("format", "\"human\" or \"json\"", |w| match w {
        "human" => Some(Format::Human),
        "json" => Some(Format::Json),
        _ => None,
    });
    let levels = ["error", "warn", "info", "debug", "trace"];
    let level = t.parsed("level", "error, warn, info, debug or trace", |w| levels.contains(&w).then(|| w.to_owned()));
    Log { format: format.unwrap_or(fresh.format), level: level.unwrap_or(fresh.level) }
}

fn limits(t: &Table<'_>) -> Limits {
    t.only(&[
        "max_body",
        "max_file",
        "rate",
        "queue",
        "connections",
        "connections_per_address",
        "longest_wait",
        "read_timeout",
        "patience",
        "disk_reserve",
        "stop_within",
    ]);
    let fresh = Limits::default();
    Limits {
        max_body: t.size("max_body", fresh.max_body),
        max_file: t.size("max_file", fresh.max_file),
        rate: rate(t, "rate").unwrap_or(fresh.rate),
        queue: count(t, "queue").unwrap_or(fresh.queue),
        connections: count(t, "connections").unwrap_or(fresh.connections),
        connections_per_address: count(t, "connections_per_address").unwrap_or(fresh.connections_per_address),
        longest_wait: t.duration("longest_wait", fresh.longest_wait),
        read_timeout: t.duration("read_timeout", fresh.read_timeout),
        patience: t.duration("patience", fresh.patience),
        disk_reserve: t.size("disk_reserve", fresh.disk_reserve),
        stop_within: t.duration("stop_within", fresh.stop_within),
    }
}

fn partner(t: &Table<'_>) -> PartnerSettings {
    t.only(&[
        "enabled",
        "base",
        "rate",
        "at_once",
        "daily",
        "maintenance",
        "timeout",
        "quiet",
        "ask_schedule",
        "retry",
        "paused",
        "values",
    ]);
    let time = |key: &str| t.get(key).map(|_| t.duration(key, Duration::ZERO));
    let what = "a list of lengths of time such as [\"5s\", \"30s\"]";
    PartnerSettings {
        enabled: t.get("enabled").map(|_| t.flag("enabled", true)),
        base: t.parsed("base", "an http or https URL", url),
        rate: rate(t, "rate"),
        at_once: count(t, "at_once"),
        daily: count(t, "daily"),
        maintenance: t.get("maintenance").map(|i| i.texts()),
        timeout: time("timeout"),
        quiet: time("quiet"),
        ask_schedule: t.get("ask_schedule").map(|i| i.list().iter().filter_map(|i| i.parsed(what, duration)).collect()),
        retry: t.table("retry").map(|r| retry(&r)).unwrap_or_default(),
        paused: t.flag("paused", false),
        values: t
            .table("values")
            .map(|v| v.items().filter_map(|i| Some((i.name().to_owned(), i.text()?.to_owned()))).collect())
            .unwrap_or_default(),
    }
}

fn retry(t: &Table<'_>) -> RetrySettings {
    t.only(&["first", "factor", "max", "attempts"]);
    let time = |key: &str| t.get(key).map(|_| t.duration(key, Duration::ZERO));
    let factor = t.get("factor").and_then(|i| i.number());
    if factor.is_some_and(|f| f < 1.0) {
        t.fault_at("factor", "`factor` must be at least 1", None);
    }
    RetrySettings { first: time("first"), factor, max: time("max"), attempts: count(t, "attempts") }
}

fn rate(t: &Table<'_>, key: &str) -> Option<Rate> {
    t.parsed(key, "a rate such as \"5/s\", \"300/min\", \"1000/h\"", Rate::parse)
}

fn count(t: &Table<'_>, key: &str) -> Option<u32> {
    t.whole(key, 1).map(|n| u32::try_from(n).unwrap_or(u32::MAX))
}

fn url(text: &str) -> Option<String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = host_of(rest);
    let plain = !host.is_empty() && !text.contains(['@', ' ', '\\']) && !text.contains(|c: char| c.is_control());
    plain.then(|| text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        Gateway::parse("gateway.toml", text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_empty_file_is_the_default() {
        assert_eq!(Gateway::parse("gateway.toml", "").unwrap(), Gateway::default());
    }

    #[test]
    fn unknown_keys_are_refused_all_at_once() {
        let told = faults(
            "lisen = '127.0.0.1:1'\n[limits]\nmax_bdy = '1MB'\nrate = 'fast'\n[partners.one]\nbase = 'ftp://x'\nextra = 1\n",
        );
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].starts_with("gateway.toml:1:1: unknown key `lisen` (did you mean `listen`?)"), "{told:#?}");
        assert!(told[1].starts_with("gateway.toml:3:1: unknown key `max_bdy`"), "{told:#?}");
    }

    #[test]
    fn plain_http_stands_only_on_loopback_unless_named() {
        assert!(faults("listen = '0.0.0.0:80'")[0].contains("not loopback"));
        assert!(faults("[partners.one]\nbase = 'http://one.vidu.example'")[0].contains("plain HTTP"));
        assert!(Gateway::parse("g", "listen = '0.0.0.0:80'\nplain_http = ['0.0.0.0']").is_ok());
        assert!(Gateway::parse("g", "listen = '0.0.0.0:443'\n[tls]\ncert = 'a'\nkey = 'b'").is_ok());
        assert!(Gateway::parse("g", "[partners.one]\nbase = 'http://[::1]:9'").is_ok());
    }
}

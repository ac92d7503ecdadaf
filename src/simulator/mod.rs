//! The partners as strangers: the city's portal, the Ministry's software, the payment platform and the national portal, real HTTP servers
//! on loopback that hold their side of the wire contracts and refuse what breaks it.
//!
//! They share no mapping code with the gateway: this room imports only the clock, computes its own signatures and reads
//! its own JSON and XML. Partners' wire names may stand here and nowhere else in `src/`. Each keeps a [`Book`] of every
//! call and has [`Weather`]; both are reached by method in one process and over HTTP (`/_book`, `/_weather`) in another.
//! Not for production: certificates, durability beyond the book file and speed are not its concern.

mod book;
mod load;
mod ministry;
mod national;
mod paper;
mod payment;
mod portal;
mod seal;
mod server;
mod weather;

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

pub use crate::seal::Chance;
pub use book::{Book, Call, Ident, Open, Stall, Summary};
pub use load::{LoadOptions, load};
pub use ministry::{Document, Dossier, Fee, Ministry, Missing, Push, Pushed, Script};
pub use national::National;
pub use payment::{Payment, Plant, Transaction, Wrong};
pub use portal::{
    AGENCY, Application, Edition, FeeState, Fetched, Filed, Link, Paper, Portal, Reply, Service, Step, Stored, Told,
};
pub use weather::{Climate, Down, Effect, Fate, Plan, Unclear, Weather};

/// Which partner is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The city's public service portal.
    Portal,
    /// The Ministry's software.
    Ministry,
    /// The national payment platform.
    Payment,
    /// The national public service portal, which keeps a copy of every dossier.
    National,
}

/// How a simulator is started. What is not given has an invented default of its role.
#[derive(Clone, Debug, clap::Args, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Address the partner's routes are served on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Address of the control routes (`/_book`, `/_weather`, …), open even while the partner is down.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub control: SocketAddr,
    /// The gateway's base URL.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub gateway: String,
    /// The partner's name at the gateway: the first part of the path of its routes there.
    #[arg(long)]
    pub partner: Option<String>,
    /// Weather, for example `busy=0.05,cut-after=0.02,latency=5-50,rate=5,duplicate=0.1`.
    #[arg(long, default_value = "")]
    pub weather: String,
    /// Seed of weather and of invented people.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// File the book is appended to, one JSON line a call.
    #[arg(long)]
    pub book: Option<PathBuf>,
    /// What the gateway shows us and what we show the gateway.
    #[command(flatten)]
    pub credentials: Credentials,
    /// Ministry: what becomes of a dossier, `auto`, `normal`, `fee:150000`, `supplement`, `refuse`, `withdraw` or `silent`.
    #[arg(long, default_value = "auto")]
    pub script: String,
    /// Ministry: the script of single dossiers, `CODE=script`; may be repeated.
    #[arg(long = "script-of", value_name = "CODE=SCRIPT")]
    pub scripts: Vec<String>,
    /// Ministry: milliseconds between two pushes about one dossier. Payment: between two attempts of one notice.
    #[arg(long, default_value_t = 50)]
    pub pace: u64,
}

/// Invented credentials; which are used depends on the role.
#[derive(Clone, Debug, Default, clap::Args, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Credentials {
    /// What the gateway shows us: user name (ministry), client id (portal's callbacks, payment's merchant).
    #[arg(long)]
    pub username: Option<String>,
    /// The password or client secret beside it.
    #[arg(long)]
    pub password: Option<String>,
    /// What we show the gateway: user name (ministry), client id (portal).
    #[arg(long)]
    pub gateway_username: Option<String>,
    /// The password or client secret beside it.
    #[arg(long)]
    pub gateway_password: Option<String>,
    /// Payment: the key of what the gateway sends.
    #[arg(long)]
    pub key_1: Option<String>,
    /// Payment: the key of what the platform sends.
    #[arg(long)]
    pub key_2: Option<String>,
    /// Portal: the webhooks' key, `whsec_…`.
    #[arg(long)]
    pub webhook: Option<String>,
}

/// A running simulator. It stops when this is dropped.
pub struct Running<R> {
    /// Where the partner's routes are served.
    pub addr: SocketAddr,
    /// Where the control routes are served.
    pub control: SocketAddr,
    /// The book.
    pub book: Arc<Book>,
    /// The weather.
    pub weather: Arc<Weather>,
    role: Arc<R>,
    stop: watch::Sender<bool>,
}

/// Why a simulator could not be started or run.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The address is taken or not ours.
    #[error("cannot listen on {addr}: {source}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The book's file cannot be read or appended to.
    #[error("cannot open the book file {path}: {source}")]
    Book {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The weather's text is not understood.
    #[error(transparent)]
    Weather(#[from] Unclear),
    /// The role's options are not understood, or its schemas do not load.
    #[error("{0}")]
    Role(String),
    /// No HTTP client could be built, or a call to the gateway failed.
    #[error("call to the gateway failed: {0}")]
    Call(#[from] reqwest::Error),
    /// The gateway's answer was not the one asked for.
    #[error("the gateway answered {status}: {body}")]
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body's text.
        body: String,
    },
    /// The signal to stop could not be waited for, or stdout is gone.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

// === impl Options ===

impl Default for Options {
    fn default() -> Self {
        let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: loopback,
            control: loopback,
            gateway: "http://127.0.0.1:8080".to_owned(),
            partner: None,
            weather: String::new(),
            seed: 1,
            book: None,
            credentials: Credentials::default(),
            script: "auto".to_owned(),
            scripts: Vec::new(),
            pace: 50,
        }
    }
}

impl Options {
    /// The base URL of our routes at the gateway, without a slash at the end.
    fn gateway_base(&self, partner: &str) -> String {
        format!("{}/{}", self.gateway.trim_end_matches('/'), self.partner.as_deref().unwrap_or(partner))
    }
}

// === impl Running ===

impl<R> Running<R> {
    /// The partner's base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base URL of the control routes.
    #[must_use]
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control)
    }

    /// Stops taking connections and ends those that are open.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl<R> std::ops::Deref for Running<R> {
    type Target = Arc<R>;

    fn deref(&self) -> &Arc<R> {
        &self.role
    }
}

impl<R> Drop for Running<R> {
    fn drop(&mut self) {
        self.stop();
    }
}

impl<R> std::fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("addr", &self.addr).field("control", &self.control).finish_non_exhaustive()
    }
}

// === functions ===

/// Runs one simulator as a process of its own: prints one line with its addresses, then serves until ctrl-c or SIGTERM.
pub async fn run(role: Role, options: Options) -> Result<(), Failure> {
    match role {
        Role::Payment => until_told(Payment::start(options).await?, "payment").await,
        Role::Ministry => until_told(Ministry::start(options).await?, "ministry").await,
        Role::Portal => until_told(Portal::start(options).await?, "portal").await,
        Role::National => until_told(National::start(options).await?, "national").await,
    }
}

async fn until_told<R>(running: Running<R>, role: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{role} {} control {}", running.url(), running.control_url())?;
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        told = tokio::signal::ctrl_c() => told?,
        _ = term.recv() => {}
    }
    Ok(())
}

/// What every role needs before it can be built.
struct Ground {
    listener: TcpListener,
    control: TcpListener,
    addr: SocketAddr,
    control_addr: SocketAddr,
    book: Arc<Book>,
    weather: Arc<Weather>,
    client: reqwest::Client,
    stop: watch::Sender<bool>,
}

// === impl Ground ===

impl Ground {
    async fn lay(options: &Options) -> Result<Self, Failure> {
        let (listener, addr) = listen(options.listen).await?;
        let (control, control_addr) = listen(options.control).await?;
        let book = Book::open(options.book.as_deref())
            .map_err(|source| Failure::Book { path: options.book.clone().unwrap_or_default(), source })?;
        let weather = Weather::new(Climate::parse(&options.weather)?, options.seed);
        Ok(Self {
            listener,
            control,
            addr,
            control_addr,
            book: Arc::new(book),
            weather: Arc::new(weather),
            client: client()?,
            stop: watch::Sender::new(false),
        })
    }

    fn serve<R>(
        self,
        role: Arc<R>,
        name: &'static str,
        identify: server::Identify,
        router: axum::Router,
        state: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
    ) -> Running<R> {
        let (book, weather) = (Arc::clone(&self.book), Arc::clone(&self.weather));
        // The desk has bounded the body already; a dossier with its files is longer than what axum takes by itself.
        let router = router.layer(axum::extract::DefaultBodyLimit::disable());
        let desk = server::Desk { role: name, book, weather, identify, router, state };
        server::spawn(Arc::new(desk), self.listener, self.control, &self.stop.subscribe());
        Running { addr: self.addr, control: self.control_addr, book: self.book, weather: self.weather, role, stop: self.stop }
    }
}

async fn listen(addr: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let failed = |source| Failure::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

/// The client for calls to the gateway: plain HTTP on loopback, no redirects.
fn client() -> Result<reqwest::Client, Failure> {
    // The client wants a TLS provider even when it speaks plain HTTP; a process that has one already keeps it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let build =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(Duration::from_secs(30)).no_proxy();
    Ok(build.build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        role: Role,
        #[command(flatten)]
        options: Options,
    }

    #[test]
    fn the_command_line_and_the_default_agree_and_every_option_is_taken() {
        use clap::Parser as _;
        let bare = Line::try_parse_from(["simulate", "ministry"]).unwrap();
        assert_eq!(bare.role, Role::Ministry);
        assert_eq!(format!("{:?}", bare.options), format!("{:?}", Options::default()));
        let line = "simulate payment --listen 127.0.0.1:7 --weather busy=0.5 --key-1 a --key-2 b --username M --script-of X=silent --book b.jsonl";
        let full = Line::try_parse_from(line.split(' ')).unwrap();
        assert_eq!((full.options.listen.port(), full.options.credentials.key_2.as_deref()), (7, Some("b")));
        assert_eq!(full.options.scripts, ["X=silent"]);
    }

    #[tokio::test]
    async fn what_cannot_start_says_why() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listen = taken.local_addr().unwrap();
        assert!(matches!(Payment::start(Options { listen, ..Options::default() }).await, Err(Failure::Listen { .. })));
        let weather = Options { weather: "storm".to_owned(), ..Options::default() };
        assert!(matches!(Portal::start(weather).await, Err(Failure::Weather(_))));
        let script = Options { script: "fee:0".to_owned(), ..Options::default() };
        assert!(matches!(Ministry::start(script).await, Err(Failure::Role(_))));
    }
}

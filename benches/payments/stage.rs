//! What the evening needs: gateway and partners in this process, dossiers that owe a fee, a backlog, a paused Ministry.

use lienthong::app::{self, App, Listeners, Settings};
use lienthong::catalogue::Files;
use lienthong::clock::{Clock as _, Wall};
use lienthong::config::{Callers, Config, FixedSecrets, Gateway, PartnerSettings};
use lienthong::journal::{Acceptance, Accepted, Act, DeliveryFilter, DeliveryState, Effects, Journal, NewDelivery, NewMessage};
use lienthong::model::{Dossier, FeeState, Kind, Status};
use lienthong::seal::sha256_hex;
use lienthong::simulator::{Application, Credentials, Edition, Ministry, Options, Payment, Portal, Running, Service};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) const RETURN_URL: &str = "https://cong.vidu.example/thanh-toan/xong";
const SECRET: &str = "bi-mat-de-do";
const WEBHOOK: &str = "whsec_YmktbWF0LWRlLWRvLWdvaS1sYWktY2hvLWNvbmc=";

/// Everything that runs.
pub(crate) struct Stage {
    gateway: app::Running,
    pub(crate) portal: Running<Portal>,
    _ministry: Running<Ministry>,
    pub(crate) payment: Running<Payment>,
    /// Codes of the dossiers that owe a fee.
    pub(crate) owing: Vec<String>,
    platform: reqwest::Client,
    _folder: tempfile::TempDir,
}

// === impl Stage ===

impl Stage {
    pub(crate) async fn build(latency: u64, clicks: u64, waiting: u64) -> Arc<Self> {
        let any = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
        let listeners = Listeners::bind(any, any).await.unwrap();
        let url = format!("http://{}", listeners.main.local_addr().unwrap());
        // The names that the gateway shows are those of the shipped adapters: the simulators' own defaults.
        let options = |credentials: Credentials| Options { gateway: url.clone(), credentials, ..Options::default() };
        let own = || Some(SECRET.to_owned());
        let pair = |name: &str| Credentials {
            password: own(),
            gateway_username: Some(name.to_owned()),
            gateway_password: own(),
            webhook: Some(WEBHOOK.to_owned()),
            ..Credentials::default()
        };
        let portal = Portal::start(options(pair("cong"))).await.unwrap();
        let ministry = Ministry::start(options(pair("bo"))).await.unwrap();
        let keys = Credentials { key_1: own(), key_2: own(), ..Credentials::default() };
        let payment = Payment::start(options(keys)).await.unwrap();
        payment.weather.change(|c| c.latency = (latency, latency));
        let folder = tempfile::tempdir().unwrap();
        let fast = |base: String| PartnerSettings { base: Some(base), ..PartnerSettings::default() };
        let partners = [("hanoi", portal.url()), ("moet", ministry.url()), ("keypay", payment.url())];
        let config = Config {
            gateway: Gateway {
                public_url: url,
                data: folder.path().join("data"),
                partners: partners.into_iter().map(|(name, base)| (name.to_owned(), fast(base))).collect::<BTreeMap<_, _>>(),
                return_urls: vec![RETURN_URL.to_owned()],
                ..Gateway::default()
            },
            callers: callers(),
        };
        let names = ["hanoi/client", "hanoi/webhook", "moet/password", "keypay/hash_key_1", "keypay/hash_key_2"];
        let secrets = Arc::new(FixedSecrets::of(names.map(|n| (n, if n == "hanoi/webhook" { WEBHOOK } else { SECRET }))));
        let settings =
            Settings { files: Files::embedded(), secrets, listeners: Some(listeners), ..Settings::of(config).unwrap() };
        let gateway = App::start(settings).await.unwrap();
        let platform = reqwest::Client::new();
        let mut stage = Self { gateway, portal, _ministry: ministry, payment, owing: Vec::new(), platform, _folder: folder };
        stage.owe(clicks).await;
        stage.pause().await;
        stage.fill(waiting).await;
        Arc::new(stage)
    }

    pub(crate) async fn end(self: Arc<Self>) {
        if let Ok(stage) = Arc::try_unwrap(self).map_err(|_| ()) {
            stage.gateway.stop().await;
        }
    }

    fn journal(&self) -> &Arc<dyn Journal> {
        &self.gateway.journal
    }

    /// Dossiers on their whole way to a fee that is owed.
    async fn owe(&mut self, clicks: u64) {
        for number in 0..clicks {
            self.owing.push(self.portal.apply(number, Service::Admission, Edition::Of2025).await.unwrap());
        }
        let until = Instant::now() + Duration::from_secs(300);
        for code in &self.owing {
            while !self.fee(code).await.is_some_and(|f| f == FeeState::Owed) {
                assert!(Instant::now() < until, "{code} owes no fee yet");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }

    async fn fee(&self, code: &str) -> Option<FeeState> {
        self.journal().snapshot(code).await.unwrap().dossier?.fee.map(|f| f.state)
    }

    async fn pause(&self) {
        let act = Act::Pause { partner: "moet".to_owned(), reason: "the evening".to_owned() };
        self.journal().act(act, "bench", Wall::new().now()).await.unwrap();
    }

    /// Submissions that wait for the Ministry, as the door writes them: message, dossier, delivery.
    async fn fill(&self, waiting: u64) {
        let Some(like) = self.owing.first() else { return };
        let of = DeliveryFilter {
            dossier: Some(like.clone()),
            state: Some(DeliveryState::Done),
            limit: 10,
            ..DeliveryFilter::default()
        };
        let done = self.journal().deliveries(of).await.unwrap();
        let submit = done.into_iter().find(|d| d.kind == Kind::DossierSubmit.name()).unwrap();
        let body = self.journal().delivery(submit.delivery).await.unwrap().unwrap().body;
        let dossier = self.journal().snapshot(like).await.unwrap().dossier.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..waiting {
            let acceptance = submission(n, &body, &dossier, &submit.route);
            let journal = self.journal().clone();
            tasks.spawn(async move { assert!(matches!(journal.accept(acceptance).await, Ok(Accepted::New { .. }))) });
            if tasks.len() > 500 {
                tasks.join_next().await.unwrap().unwrap();
            }
        }
        tasks.join_all().await;
    }

    /// One submission without files; whether it was accepted.
    pub(crate) async fn submit_plain(&self, n: u32) -> bool {
        let now = Wall::new().now().0;
        let application = Application::invent(7, n.into(), Service::Review, Edition::Of2025, now);
        let Ok(code) = self.portal.next_code().await else { return false };
        let none: Vec<Vec<_>> = application.papers.iter().map(|_| Vec::new()).collect();
        self.portal.submit(&code, &application, &none).await.is_ok_and(|r| r.ok())
    }

    /// How long the platform takes to answer by itself: a call that it refuses, after the same latency.
    pub(crate) async fn ask_platform(&self) -> Duration {
        let begun = Instant::now();
        let asked = self.platform.post(format!("{}/tra-cuu", self.payment.url())).body("{}").send().await;
        asked.unwrap().bytes().await.unwrap();
        begun.elapsed()
    }

    /// Fees that our books know as paid.
    pub(crate) async fn paid(&self) -> usize {
        let mut paid = 0;
        for code in &self.owing {
            paid += usize::from(self.fee(code).await == Some(FeeState::Paid));
        }
        paid
    }

    /// Waits until the portal was told of every paid fee; of how many it was.
    pub(crate) async fn until_told(&self, most: Duration) -> usize {
        let until = Instant::now() + most;
        loop {
            let told = |code: &String| self.portal.dossier(code).is_some_and(|d| d.fee.is_some_and(|f| f.paid));
            let count = self.owing.iter().filter(|c| told(c)).count();
            if count == self.owing.len() || Instant::now() > until {
                return count;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

// === functions ===

fn submission(n: u64, body: &lienthong::body::Value, like: &Dossier, route: &str) -> Acceptance {
    let now = Wall::new().now();
    let code = format!("H26.15-20260609-{:07}", 1_000_000 + n);
    let mut body = body.clone();
    if let Some(map) = body.as_object_mut() {
        map.insert("code", code.clone().into());
    }
    let bytes = body.to_string().into_bytes();
    let dossier =
        Dossier { code: code.clone(), status: Status::New, since: None, fee: None, told: 0, version: 1, ..like.clone() };
    let id = format!("bench-{n}");
    let delivery = NewDelivery {
        partner: "moet".to_owned(),
        route: route.to_owned(),
        lane: code.clone(),
        dossier: Some(code.clone()),
        class: "citizen".to_owned(),
        caller: like.caller.clone(),
        deadline: None,
        not_before: None,
        id: id.clone(),
        at: now,
        kind: Kind::DossierSubmit,
        body: None,
        trace: None,
    };
    let message = NewMessage {
        id,
        partner: "hanoi".to_owned(),
        route: "submit".to_owned(),
        kind: Kind::DossierSubmit,
        dossier: Some(code),
        caller: like.caller.clone(),
        received_at: now,
        adapters: "bench".to_owned(),
        raw: bytes.clone().into(),
        body: bytes,
    };
    let effects = Effects { dossier: Some(dossier), deliveries: vec![delivery], ..Effects::default() };
    Acceptance { idempotency: None, message, effects, receipt: lienthong::body::json!({ "outcome": "accepted" }) }
}

fn callers() -> Callers {
    let digest = sha256_hex(SECRET.as_bytes());
    let text = format!(
        "[[caller]]\nname='cong'\npartner='hanoi'\nroles=['portal']\nclient={{id='cong',secret_sha256='{digest}'}}\n\
         [[caller]]\nname='bo'\npartner='moet'\nroles=['ministry']\nbasic={{user='bo',password_sha256='{digest}'}}\n\
         [[caller]]\nname='nen-tang'\npartner='keypay'\nroles=['payment']\nseal='notice'\n"
    );
    Callers::parse("callers.toml", &text).unwrap()
}

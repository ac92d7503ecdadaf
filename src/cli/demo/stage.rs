//! The stage: the gateway with its configuration in code, and the three partners, all in this process.
//!
//! Partners are found by their role, never by a name.

use super::super::invented::{Folder, Names, Words};
use super::Failed;
use crate::app::{self, App, Listeners, Settings};
use crate::catalogue::{Files, Role};
use crate::config::{Caller, Callers, Config, Credential, Gateway, Network, PartnerSettings, Rate, RetrySettings, Role as May};
use crate::seal::sha256_hex;
use crate::simulator::{Credentials, Ministry, Options, Payment, Portal, Running};
use std::sync::Arc;
use std::time::Duration;

/// Where the citizen comes back to after paying.
pub(super) const RETURN_URL: &str = "https://cong.vidu.example/thanh-toan/xong";

/// Everything that runs.
pub(super) struct Stage {
    pub(super) gateway: app::Running,
    pub(super) portal: Running<Portal>,
    pub(super) ministry: Running<Ministry>,
    pub(super) payment: Running<Payment>,
    pub(super) folder: Folder,
    token: String,
}

// === impl Stage ===

impl Stage {
    /// Starts everything on free ports of loopback.
    pub(super) async fn build(seed: u64, keep: bool) -> Result<Self, Failed> {
        let files = Files::embedded();
        let catalogue =
            super::super::check::compile(&files).map_err(|f| Failed::because(format!("the adapters have faults:\n{f}")))?;
        let names = Names::of(&catalogue)?;
        let words = Words::invent();
        let folder = Folder::make("demo", keep)?;
        let any = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, 0));
        let listeners = Listeners::bind(any, any).await.map_err(|e| Failed::because(e.to_string()))?;
        let address = listeners.main.local_addr().map_err(|e| Failed::because(e.to_string()))?;
        let url = format!("http://{address}");
        let failed = |e: crate::simulator::Failure| Failed::because(format!("a simulated partner cannot be started: {e}"));
        let options = |partner: &str, credentials: Credentials| Options {
            gateway: url.clone(),
            partner: Some(partner.to_owned()),
            seed,
            credentials,
            ..Options::default()
        };
        let portal = Portal::start(options(&names.portal, words.portal())).await.map_err(failed)?;
        let ministry = Ministry::start(options(&names.ministry, words.ministry())).await.map_err(failed)?;
        let payment = Payment::start(options(&names.payment, words.payment())).await.map_err(failed)?;
        let bases = [(&names.portal, portal.url()), (&names.ministry, ministry.url()), (&names.payment, payment.url())];
        let config = Config {
            gateway: Gateway {
                public_url: url,
                data: folder.path().join("data"),
                partners: bases.into_iter().map(|(name, base)| (name.clone(), quick(base))).collect(),
                return_urls: vec![RETURN_URL.to_owned()],
                ..Gateway::default()
            },
            callers: callers(&names, &words),
        };
        let failed = |e: app::StartFault| Failed::because(e.to_string());
        let settings = Settings::of(config).map_err(failed)?;
        let settings = Settings { files, secrets: Arc::new(words.clone()), listeners: Some(listeners), ..settings };
        let gateway = App::start(settings).await.map_err(failed)?;
        Ok(Self { gateway, portal, ministry, payment, folder, token: words.operator })
    }

    /// Stops everything; the folder goes with it.
    pub(super) async fn end(self) {
        self.gateway.stop().await;
        if self.folder.is_kept() {
            super::screen::note(format!("the journal is kept in {}", self.folder.path().display()));
        }
    }

    /// What can be looked at while everything still runs.
    pub(super) fn look_around(&self, code: Option<&str>) -> String {
        let (admin, code) = (self.gateway.admin_addr, code.unwrap_or("CODE"));
        let known = self.gateway.current.now();
        let description = known.catalogue.partner_of_role(Role::Ministry).map_or("", |p| p.name.as_str());
        // `cargo run` puts the program on nobody's path.
        let program = std::env::current_exe().ok().and_then(|p| Some(p.parent()?.display().to_string()));
        let path = program.map(|folder| format!("  export PATH=\"{folder}:$PATH\"\n")).unwrap_or_default();
        format!(
            "Everything still runs until Ctrl-C. In another terminal:

{path}  export LIENTHONG_ADMIN=http://{admin} LIENTHONG_TOKEN={token}
  lienthong status                        queues, pace, parked messages
  lienthong dossier {code}                how one dossier went
  lienthong deliveries list --state done  what was delivered
  curl -H \"authorization: Bearer $LIENTHONG_TOKEN\" $LIENTHONG_ADMIN/v1/events
  curl -H \"authorization: Bearer $LIENTHONG_TOKEN\" $LIENTHONG_ADMIN/metrics
  curl 'http://{main}/{description}/?wsdl'    what the Ministry's software may call
  curl {portal}/_book    curl {ministry}/_book    curl {payment}/_book    the partners' own books
",
            token = self.token,
            main = self.gateway.addr,
            portal = self.portal.control_url(),
            ministry = self.ministry.control_url(),
            payment = self.payment.control_url(),
        )
    }
}

/// A partner on loopback: fast, and quickly tried again.
fn quick(base: String) -> PartnerSettings {
    let rate = Rate { calls: 100, interval: Duration::from_secs(1) };
    PartnerSettings {
        base: Some(base),
        rate: Some(rate),
        at_once: Some(8),
        timeout: Some(Duration::from_secs(10)),
        quiet: Some(Duration::from_secs(2)),
        ask_schedule: Some(vec![Duration::from_millis(200), Duration::from_secs(1)]),
        retry: RetrySettings {
            first: Some(Duration::from_millis(200)),
            max: Some(Duration::from_secs(2)),
            ..RetrySettings::default()
        },
        ..PartnerSettings::default()
    }
}

fn callers(names: &Names, words: &Words) -> Callers {
    let caller = |name: &str, partner: Option<&str>, roles: &[May], credential| {
        Arc::new(Caller {
            name: name.to_owned(),
            partner: partner.map(str::to_owned),
            roles: roles.iter().copied().collect(),
            agencies: Vec::new(),
            class: None,
            credential,
        })
    };
    let digest = |word: &str| sha256_hex(word.as_bytes());
    let client = Credential::Client { id: Words::PORTAL.to_owned(), secret_sha256: digest(&words.portal) };
    let basic = Credential::Basic { user: Words::MINISTRY.to_owned(), password_sha256: digest(&words.ministry) };
    let loopback = Network { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };
    Callers {
        list: vec![
            caller(Words::PORTAL, Some(&names.portal), &[May::Portal], client),
            caller(Words::MINISTRY, Some(&names.ministry), &[May::Ministry], basic),
            caller("notices", Some(&names.payment), &[May::Payment], Credential::Seal { seal: names.notice.clone() }),
            caller("bills", Some(&names.payment), &[May::Payment], Credential::Networks(vec![loopback])),
            caller("operator", None, &[May::Operator, May::Auditor], Credential::Token { sha256: digest(&words.operator) }),
        ],
    }
}

//! The stage: the gateway with its configuration in code, and the three partners, all in this process.
//!
//! Partners are found by their role, never by a name. Credentials are invented here, anew for each run where both sides take them from
//! us. The folder is removed at the end, however it ends short of a kill.

use super::Failed;
use crate::app::{self, App, Listeners, Settings};
use crate::catalogue::{Auth, Catalogue, Files, Role};
use crate::clock::{Clock as _, Wall};
use crate::config::{
    Caller, Callers, Config, Credential, Gateway, Network, PartnerSettings, Rate, RetrySettings, Role as May, Secrets,
};
use crate::model::Mint;
use crate::seal::{Secret, SystemRandom, sha256_hex};
use crate::simulator::{Credentials, Ministry, Options, Payment, Portal, Running};
use base64::Engine as _;
use std::path::{Path, PathBuf};
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

/// A folder of ours, removed when dropped unless it is kept.
pub(super) struct Folder {
    path: PathBuf,
    keep: bool,
}

/// Invented words, one a credential.
#[derive(Clone)]
struct Words {
    portal: String,
    callback: String,
    webhook: String,
    ministry: String,
    service: String,
    key_1: String,
    key_2: String,
    operator: String,
}

/// The partners' names by role, and the seal of the payment platform's notices.
struct Names {
    portal: String,
    ministry: String,
    payment: String,
    notice: String,
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
        let folder = Folder::make(keep)?;
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
                data: folder.path.join("data"),
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
        if self.folder.keep {
            super::screen::note(format!("the journal is kept in {}", self.folder.path.display()));
        }
    }

    /// What can be looked at while everything still runs.
    pub(super) fn look_around(&self, code: Option<&str>) -> String {
        let (admin, code) = (self.gateway.admin_addr, code.unwrap_or("CODE"));
        let known = self.gateway.current.now();
        let description = known.catalogue.partner_of_role(Role::Ministry).map_or("", |p| p.name.as_str());
        format!(
            "Everything still runs until Ctrl-C. In another terminal:

  export LIENTHONG_ADMIN=http://{admin} LIENTHONG_TOKEN={token}
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
    let caller = |name: &str, partner: Option<&str>, roles: &[May], credential| Caller {
        name: name.to_owned(),
        partner: partner.map(str::to_owned),
        roles: roles.iter().copied().collect(),
        agencies: Vec::new(),
        credential,
    };
    let digest = |word: &str| sha256_hex(word.as_bytes());
    let client = Credential::Client { id: "demo-portal".to_owned(), secret_sha256: digest(&words.portal) };
    let basic = Credential::Basic { user: "demo-ministry".to_owned(), password_sha256: digest(&words.ministry) };
    let loopback = Network { address: std::net::IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 };
    Callers {
        list: vec![
            caller("demo-portal", Some(&names.portal), &[May::Portal], client),
            caller("demo-ministry", Some(&names.ministry), &[May::Ministry], basic),
            caller("demo-notices", Some(&names.payment), &[May::Payment], Credential::Seal { seal: names.notice.clone() }),
            caller("demo-bills", Some(&names.payment), &[May::Payment], Credential::Networks(vec![loopback])),
            caller("demo-operator", None, &[May::Operator, May::Auditor], Credential::Token { sha256: digest(&words.operator) }),
        ],
    }
}

// === impl Names ===

impl Names {
    fn of(catalogue: &Catalogue) -> Result<Self, Failed> {
        let find = |role: Role| {
            let none = || Failed::because(format!("no adapter plays the role {}", role.word()));
            catalogue.partner_of_role(role).ok_or_else(none)
        };
        let payment = find(Role::Payment)?;
        let sealed = payment.ins.values().find(|r| r.auth == Some(Auth::Seal));
        Ok(Self {
            portal: find(Role::Portal)?.name.clone(),
            ministry: find(Role::Ministry)?.name.clone(),
            payment: payment.name.clone(),
            notice: sealed.and_then(|r| r.seals.first()).cloned().unwrap_or_default(),
        })
    }
}

// === impl Words ===

impl Words {
    fn invent() -> Self {
        let mint = Mint::new(&SystemRandom, Wall::new().now());
        let word = || mint.opaque();
        let webhook = format!("whsec_{}", base64::engine::general_purpose::STANDARD.encode(word()));
        Self {
            portal: word(),
            callback: word(),
            webhook,
            ministry: word(),
            service: word(),
            key_1: word(),
            key_2: word(),
            operator: word(),
        }
    }

    fn portal(&self) -> Credentials {
        Credentials {
            password: Some(self.callback.clone()),
            gateway_username: Some("demo-portal".to_owned()),
            gateway_password: Some(self.portal.clone()),
            webhook: Some(self.webhook.clone()),
            ..Credentials::default()
        }
    }

    fn ministry(&self) -> Credentials {
        Credentials {
            password: Some(self.service.clone()),
            gateway_username: Some("demo-ministry".to_owned()),
            gateway_password: Some(self.ministry.clone()),
            ..Credentials::default()
        }
    }

    fn payment(&self) -> Credentials {
        Credentials { key_1: Some(self.key_1.clone()), key_2: Some(self.key_2.clone()), ..Credentials::default() }
    }
}

impl Secrets for Words {
    /// By the last word of the reference: the folder before it is a partner's name.
    fn get(&self, name: &str) -> Option<Secret> {
        let word = match name.rsplit('/').next().unwrap_or(name) {
            "client" => &self.callback,
            "webhook" => &self.webhook,
            "password" => &self.service,
            key if key.ends_with('1') => &self.key_1,
            key if key.ends_with('2') => &self.key_2,
            _ => return None,
        };
        Some(Secret::new(word.clone()))
    }
}

// === impl Folder ===

impl Folder {
    fn make(keep: bool) -> Result<Self, Failed> {
        let id = Mint::new(&SystemRandom, Wall::new().now()).opaque();
        let path = std::env::temp_dir().join(format!("lienthong-demo-{id}"));
        std::fs::create_dir(&path).map_err(|e| Failed::because(format!("cannot make {}: {e}", path.display())))?;
        Ok(Self { path, keep })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the system's temporary folder.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

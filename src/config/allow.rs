//! Where the gateway may listen in the clear, whom it may call, where a citizen may be sent back to: the allow-lists of gateway.toml.
//!
//! Always: a host is compared whole, a return address by whole prefix; nothing on a list means nothing allowed, except `callback_hosts`,
//! which left out means the partners' own addresses.

use super::gateway::Gateway;
use std::net::IpAddr;

// === impl Gateway ===

impl Gateway {
    /// Whether plain HTTP is allowed at or towards a host.
    #[must_use]
    pub fn plain_allowed(&self, host: &str) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        loopback || self.plain_http.iter().any(|h| h == bare)
    }

    /// Whether a partner may be called at this base address: https, or plain HTTP where that is allowed.
    #[must_use]
    pub fn base_allowed(&self, base: &str) -> bool {
        match base.strip_prefix("http://") {
            Some(rest) => self.plain_allowed(host_of(rest)),
            None => base.starts_with("https://"),
        }
    }

    /// Whether a partner may be called at this base address at all: the way is allowed, and the host is on the allow-list where there
    /// is one. The error is a sentence for the operator.
    pub fn call_allowed(&self, base: &str) -> Result<(), String> {
        if !self.base_allowed(base) {
            return Err(format!("{base}: plain HTTP beyond loopback; use https, or name the host in plain_http"));
        }
        let authority = base.split_once("://").map_or(base, |(_, rest)| rest).split('/').next().unwrap_or_default();
        let listed = self.callback_hosts.iter().any(|h| h == authority || h == host_of(authority));
        if self.callback_hosts.is_empty() || listed { Ok(()) } else { Err(format!("{base}: this host is not in callback_hosts")) }
    }

    /// Whether a citizen may be sent back to this address after paying.
    #[must_use]
    pub fn return_allowed(&self, target: &str) -> bool {
        let ends = |rest: &str, prefix: &str| rest.is_empty() || prefix.ends_with('/') || rest.starts_with(['/', '?', '#']);
        self.return_urls.iter().any(|prefix| target.strip_prefix(prefix.as_str()).is_some_and(|rest| ends(rest, prefix)))
    }
}

/// The host of `host:port/path`, an IPv6 one in its brackets.
pub(super) fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partner_is_called_only_where_that_is_allowed() {
        let g = Gateway { callback_hosts: vec!["one.vidu.example".into(), "two.vidu.example:8443".into()], ..Gateway::default() };
        for (base, good) in [
            ("https://one.vidu.example/a", true),
            ("https://one.vidu.example:444", true),
            ("https://two.vidu.example:8443/x", true),
            ("https://two.vidu.example/x", false),
            ("https://three.vidu.example", false),
            ("http://one.vidu.example", false),
        ] {
            assert_eq!(g.call_allowed(base).is_ok(), good, "{base}");
        }
        assert!(Gateway::default().call_allowed("https://any.vidu.example").is_ok());
        assert!(Gateway::default().call_allowed("http://127.0.0.1:1").is_ok());
    }

    #[test]
    fn a_return_address_is_allowed_by_whole_prefix_only() {
        let g = Gateway { return_urls: vec!["https://cong.vidu.example/xong".into()], ..Gateway::default() };
        for (target, good) in [
            ("https://cong.vidu.example/xong", true),
            ("https://cong.vidu.example/xong?ma=1", true),
            ("https://cong.vidu.example/xong/1", true),
            ("https://cong.vidu.example/xongx", false),
            ("https://cong.vidu.example.evil.example/xong", false),
            ("http://cong.vidu.example/xong", false),
        ] {
            assert_eq!(g.return_allowed(target), good, "{target}");
        }
    }
}

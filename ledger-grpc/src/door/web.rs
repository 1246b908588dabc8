//! Web: pages in a browser may ask only if they are of a host that is allowed, and ask by a name that is.
//!
//! A browser sends what any page says to any address it reaches, also behind a name that is somebody else's. It tells
//! whose page it is (`Origin`) and by which name it asks (`Host`). Callers that are no browsers tell no origin.

use hyper::header::{CONTENT_TYPE, HOST, HeaderName, ORIGIN};
use hyper::http::uri::Authority;
use hyper::{Request, Version};
use std::sync::Arc;

/// How a message of gRPC-Web begins to say what it is.
const GRPC_WEB: &[u8] = b"application/grpc-web";
/// Who may always ask: pages of this machine.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The hosts whose pages may ask, and the names by which they may.
#[derive(Clone, Debug)]
pub struct Hosts(Arc<[String]>);

/// A page that may not ask: whose it is, or by which name it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stranger(pub(crate) String);

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts::with(&[])
    }
}

impl Hosts {
    /// Those of this machine, and these.
    pub fn with(hosts: &[String]) -> Hosts {
        let more = hosts.iter().map(|host| host.to_ascii_lowercase());
        Hosts(LOOPBACK.iter().map(|host| (*host).to_owned()).chain(more).collect())
    }

    /// Whether a request is a page's that may not ask.
    pub(crate) fn stranger<B>(&self, request: &Request<B>) -> Option<Stranger> {
        let header = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or("?"));
        let origin = header(ORIGIN);
        if let Some(origin) = origin
            && !origin.split_once("://").is_some_and(|(_, authority)| self.has(authority))
        {
            return Some(Stranger(origin.to_owned()));
        }
        let content = request.headers().get(CONTENT_TYPE).map(|value| value.as_bytes()).unwrap_or_default();
        let is_web = origin.is_some() || content.starts_with(GRPC_WEB) || request.version() < Version::HTTP_2;
        let asked = request.uri().authority().map(Authority::as_str).or_else(|| header(HOST)).unwrap_or_default();
        (is_web && !self.has(asked)).then(|| Stranger(asked.to_owned()))
    }

    /// Whether the host of an authority is one of these, at whatever port.
    fn has(&self, authority: &str) -> bool {
        let Ok(authority) = authority.parse::<Authority>() else { return false };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        !authority.as_str().contains('@') && self.0.iter().any(|one| one.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(version: Version, headers: &[(&str, &str)]) -> Option<String> {
        let hosts = Hosts::with(&["Points.example".to_owned()]);
        let mut request = Request::builder().version(version).uri("/ledger.v1.EventService/Submit");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        hosts.stranger(&request.body(()).expect("a request")).map(|Stranger(host)| host)
    }

    #[test]
    fn a_page_of_another_host_or_by_another_name_is_a_stranger() {
        let web = ("content-type", "application/grpc-web+proto");
        let may = |headers: &[(&str, &str)]| assert_eq!(asked(Version::HTTP_11, headers), None, "{headers:?}");
        may(&[web, ("host", "127.0.0.1:50051")]);
        may(&[web, ("host", "[::1]:50051"), ("origin", "http://localhost:8080")]);
        may(&[web, ("host", "POINTS.example"), ("origin", "https://points.example")]);
        let may_not = |host: &str, headers: &[(&str, &str)]| {
            assert_eq!(asked(Version::HTTP_11, headers).as_deref(), Some(host), "{headers:?}");
        };
        may_not("evil.example", &[web, ("host", "evil.example")]);
        may_not("127.0.0.1.evil.example:1", &[web, ("host", "127.0.0.1.evil.example:1")]);
        may_not("localhost@evil.example", &[web, ("host", "localhost@evil.example")]);
        may_not("evil.example@localhost", &[web, ("host", "evil.example@localhost")]);
        may_not("", &[web]);
        may_not("http://evil.example", &[web, ("host", "localhost"), ("origin", "http://evil.example")]);
        may_not("null", &[web, ("host", "localhost"), ("origin", "null")]);
        // Whoever is no browser tells no origin, and is no stranger by whatever name.
        let grpc = ("content-type", "application/grpc");
        assert_eq!(asked(Version::HTTP_2, &[grpc]), None);
        assert_eq!(
            asked(Version::HTTP_2, &[grpc, ("origin", "http://evil.example")]).as_deref(),
            Some("http://evil.example")
        );
        assert_eq!(asked(Version::HTTP_2, &[web, ("host", "evil.example")]).as_deref(), Some("evil.example"));
    }
}

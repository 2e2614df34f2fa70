//! One HTTP probe: a GET over a fresh or a kept connection.
//!
//! Written on httparse and a bare socket rather than on a client library: a probe has one small
//! request at a time, reads at most 10 KiB, and its cost is what limits how many targets one
//! prober can watch. HTTP/1.1 as in RFC 9112.

use std::{borrow::Cow, net::IpAddr};

use model::tenant::TenantId;

use crate::{
    connect::connect,
    guard::Guard,
    outcome::{Class, Failed, Phases},
    prober::Address,
    spec::HttpGet,
};

mod body;
mod exchange;
mod redirect;

pub(crate) use exchange::Wire;

/// Redirects followed within the same host, as the kubelet does.
const REDIRECTS_MAX: u32 = 10;

/// What is known of a probe so far; what a timeout leaves.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) phases: Phases,
    pub(crate) address: Option<IpAddr>,
    pub(crate) status: Option<u16>,
    pub(crate) body_bytes: usize,
    pub(crate) redirects: u32,
    pub(crate) fresh: bool,
    /// What is being waited for.
    pub(crate) stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    #[default]
    Connecting,
    Answering,
    Transferring,
}

/// Who asks whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) guard: &'a dyn Guard,
    pub(crate) tenant: &'a TenantId,
    pub(crate) address: &'a Address,
    pub(crate) get: &'a HttpGet,
    /// The request as it is sent, from [`request`].
    pub(crate) request: &'a [u8],
    pub(crate) user_agent: &'a str,
    /// Connections may be kept.
    pub(crate) keep: bool,
}

/// Asks and judges the answer. A connection that can be used again is left in `wire`.
pub(crate) async fn probe(
    call: Call<'_>,
    wire: &mut Option<Wire>,
    progress: &mut Progress,
) -> Result<(), Failed> {
    let mut path: Cow<'_, str> = Cow::Borrowed(&call.get.path);
    let mut answer = ask(call, call.request, wire, progress).await?;
    // A redirect is followed unless it is the very answer that is wanted. One to another host is
    // an answer like any other: probing stays with its target.
    while *call.get.status.start() < 300 {
        let Some(next) = redirect::same_host(&answer, call.get, &path) else {
            break;
        };
        if progress.redirects == REDIRECTS_MAX {
            let message = format!("more than {REDIRECTS_MAX} redirects");
            return Err(Failed::new(Class::Protocol, message));
        }
        progress.redirects += 1;
        let request = request(call.get, &next, call.address, call.user_agent, call.keep);
        answer = ask(call, &request, wire, progress).await?;
        path = Cow::Owned(next);
    }
    let status = answer.status;
    if !call.get.status.contains(&status) {
        let (low, high) = (call.get.status.start(), call.get.status.end());
        let wanted = if low == high { low.to_string() } else { format!("{low} to {high}") };
        return Err(Failed::new(Class::Status, format!("status {status}, not {wanted}")));
    }
    if let Some(needle) = &call.get.body_contains
        && !contains(answer.body.bytes.as_deref().unwrap_or_default(), needle.as_bytes())
    {
        let message = format!("the first {} bytes of the body lack {needle:?}", answer.body.len());
        return Err(Failed::new(Class::Body, message));
    }
    Ok(())
}

/// One request and its answer. A kept connection that turns out to be closed is replaced by a
/// fresh one: no target is judged by an old socket.
async fn ask(
    call: Call<'_>,
    request: &[u8],
    wire: &mut Option<Wire>,
    progress: &mut Progress,
) -> Result<exchange::Answer, Failed> {
    let keep_body = call.get.body_contains.is_some();
    if let Some(mut kept) = wire.take() {
        progress.stage = Stage::Answering;
        progress.fresh = false;
        match kept.exchange(request, keep_body, progress).await {
            Ok(answer) => {
                *wire = (call.keep && answer.reusable).then_some(kept);
                return Ok(answer);
            }
            Err(failed) if kept.heard() => return Err(failed),
            Err(_) => {}
        }
    }
    progress.fresh = true;
    progress.stage = Stage::Connecting;
    let Call { guard, tenant, address, get, .. } = call;
    let stream =
        connect(guard, tenant, address, get.port, &mut progress.phases, &mut progress.address)
            .await?;
    progress.stage = Stage::Answering;
    let mut made = Wire::new(stream);
    let answer = made.exchange(request, keep_body, progress).await?;
    *wire = (call.keep && answer.reusable).then_some(made);
    Ok(answer)
}

/// The bytes of a request for `path`.
pub(crate) fn request(
    get: &HttpGet,
    path: &str,
    address: &Address,
    user_agent: &str,
    keep: bool,
) -> Vec<u8> {
    let authority = get.host.clone().unwrap_or_else(|| authority(address, get.port));
    let mut text = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n");
    let given = |name: &str| get.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
    let mut put = |name: &str, value: &str| {
        text.push_str(name);
        text.push_str(": ");
        text.push_str(value);
        text.push_str("\r\n");
    };
    if !given("user-agent") && !user_agent.is_empty() {
        put("User-Agent", user_agent);
    }
    if !given("accept") {
        put("Accept", "*/*");
    }
    put("Connection", if keep { "keep-alive" } else { "close" });
    for (name, value) in get.headers.iter().filter(|(_, value)| !value.is_empty()) {
        put(name, value);
    }
    text.push_str("\r\n");
    text.into_bytes()
}

fn authority(address: &Address, port: u16) -> String {
    let host = match address {
        Address::Ip(IpAddr::V6(ip)) => format!("[{ip}]"),
        Address::Ip(IpAddr::V4(ip)) => ip.to_string(),
        Address::Name(name) => name.clone(),
    };
    if port == 80 { host } else { format!("{host}:{port}") }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty() || haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests;

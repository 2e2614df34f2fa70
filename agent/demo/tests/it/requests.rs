//! Proxy and traffic, in front of real instances.

use std::{collections::BTreeMap, time::Duration};

use demo::{
    fault::{Fault, inject},
    proxy::{Failure, ProxyStats},
    traffic::{Traffic, TrafficConfig},
};
use supervisor::spec::CgroupChoice;

use crate::support::{Rig, get, healthy, request, until};

#[tokio::test]
async fn requests_reach_instances_in_turn_and_are_reported() {
    let rig = Rig::new(CgroupChoice::Off).await;
    let (first, _) = tokio::join!(rig.start("storefront-0"), rig.start("storefront-1"));
    let (proxy, entries) = rig.proxy().await;
    let address = proxy.address();
    assert_eq!(get(address, "/acme/storefront/items/5?x=1").await.unwrap().0, 200);
    let entry = entries.nth(1).await;
    assert_eq!(*entry.target, first.target);
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("GET", "/items/5"));
    assert_eq!((entry.route.as_str(), entry.code, entry.failure), ("/items/{id}", 200, None));
    let (code, body) = get(address, "/acme/storefront").await.unwrap();
    let entry = entries.nth(2).await;
    assert_eq!((entry.target.instance.as_str(), entry.path.as_str()), ("storefront-1", "/"));
    assert_eq!((code, entry.bytes_out), (200, body.len() as u64));
    let head = "POST /items HTTP/1.1\r\nHost: storefront.acme.example";
    assert_eq!(request(address, head, "12345").await.unwrap().0, 201);
    assert_eq!((entries.nth(3).await.bytes_in, entries.nth(3).await.code), (5, 201));
    assert_eq!(get(address, "/acme/nothing/").await.unwrap().0, 404);
    assert_eq!(proxy.stats(), ProxyStats { reported: 3, unrouted: 1 });
    let head = "HEAD /acme/storefront/ HTTP/1.1\r\nHost: localhost";
    assert_eq!(request(address, head, "").await.unwrap(), (200, String::new()));
    let entry = entries.nth(4).await;
    assert_eq!((entry.bytes_out, entry.failure), (0, None));
    proxy.stop().await;
    assert!(get(address, "/acme/storefront/").await.is_none());
}

#[tokio::test]
async fn what_instances_do_not_answer_the_proxy_does() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    let member = rig.start("portal-0").await;
    let (proxy, entries) = rig.proxy().await;
    let address = proxy.address();
    assert!(proxy.set_up(&member.target, false));
    assert_eq!(get(address, "/initech/portal/").await.unwrap().0, 503);
    let entry = entries.nth(1).await;
    assert_eq!((entry.code, entry.failure), (503, Some(Failure::NoInstance)));
    assert_eq!((entry.target.app.as_str(), entry.target.instance.as_str()), ("portal", ""));
    assert!(proxy.set_up(&member.target, true));
    assert_eq!(get(address, "/initech/portal/").await.unwrap().0, 200);
    inject(&member, Fault::Hang).await.unwrap();
    assert_eq!(get(address, "/initech/portal/").await.unwrap().0, 504);
    let entry = entries.nth(3).await;
    assert_eq!((entry.code, entry.failure), (504, Some(Failure::Timeout)));
    assert!(entry.duration >= Duration::from_millis(400));
    assert_eq!(entry.target.instance, "portal-0");
    rig.supervisor.restart(&member.target, 1, Duration::ZERO).await.unwrap();
    healthy(&member).await;
    assert_eq!(get(address, "/initech/portal/").await.unwrap().0, 200, "over a new connection");
    inject(&member, Fault::Crash).await.unwrap();
    rig.exit().await;
    assert_eq!(get(address, "/initech/portal/").await.unwrap().0, 502);
    let entry = entries.nth(5).await;
    assert_eq!((entry.code, entry.failure), (502, Some(Failure::Connect)));
}

#[tokio::test]
async fn a_client_that_goes_away_is_reported() {
    let rig = Rig::new(CgroupChoice::Off).await;
    rig.start("portal-0").await;
    let (proxy, entries) = rig.proxy().await;
    let waiting = get(proxy.address(), "/initech/portal/work?ms=5000");
    assert!(tokio::time::timeout(Duration::from_millis(100), waiting).await.is_err());
    let entry = entries.nth(1).await;
    assert_eq!((entry.code, entry.failure), (499, Some(Failure::ClientGone)));
}

#[tokio::test]
async fn proxy_and_users_agree() {
    let mut rig = Rig::new(CgroupChoice::Off).await;
    for name in ["storefront-0", "storefront-1", "checkout-0", "catalog-0", "catalog-1"] {
        rig.start(name).await;
    }
    // The third tenant's apps do not run at all.
    let (proxy, entries) = rig.proxy().await;
    let mut apps = rig.fleet.profiles();
    apps.iter_mut().for_each(|app| app.rate *= 6.0);
    let traffic = Traffic::start(TrafficConfig { proxy: proxy.address(), apps, seed: 7 });
    until("traffic", || entries.0.lock().unwrap().len() >= 200).await;
    inject(&rig.member("catalog-0"), Fault::Errors).await.unwrap();
    inject(&rig.member("storefront-0"), Fault::Crash).await.unwrap();
    rig.exit().await;
    until("more traffic", || entries.0.lock().unwrap().len() >= 500).await;

    let seen = traffic.stop().await;
    let answered: u64 = seen.iter().map(|(_, _, app)| app.answered()).sum();
    until("the last reports", || proxy.stats().reported >= answered).await;
    let mut reported: BTreeMap<(String, String), (BTreeMap<u16, u64>, u64)> = BTreeMap::new();
    for entry in entries.0.lock().unwrap().iter() {
        let app = (entry.target.tenant.to_string(), entry.target.app.clone());
        let (codes, bytes) = reported.entry(app).or_default();
        *codes.entry(entry.code).or_default() += 1;
        *bytes += entry.bytes_out;
    }
    for (tenant, app, counts) in seen {
        assert_eq!(counts.broken, 0, "{app}");
        let (codes, bytes) =
            reported.remove(&(tenant.to_string(), app.clone())).unwrap_or_default();
        assert_eq!(codes, counts.codes, "{app}");
        assert_eq!(bytes, counts.bytes, "{app}");
    }
    assert!(reported.is_empty(), "{reported:?}");
    let all: Vec<u16> = entries.0.lock().unwrap().iter().map(|entry| entry.code).collect();
    for code in [200, 201, 404, 500, 502] {
        assert!(all.contains(&code), "{code} did not happen");
    }
}

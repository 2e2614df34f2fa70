//! Lookups, at a name server of the test's own.

use hickory_resolver::{
    Resolver,
    config::{ConnectionConfig, NameServerConfig, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
};
use scrape::config::values::Span;
use tokio::{net::UdpSocket, sync::mpsc};

use super::*;

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// Answers each question of the type with the records, and any other with none.
async fn name_server(kind: u16, records: Vec<Vec<u8>>) -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("binds");
    let port = socket.local_addr().expect("has an address").port();
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut question).await {
            let answer = answer(&question[..length], kind, &records);
            drop(socket.send_to(&answer, peer).await);
        }
    });
    port
}

/// RFC 1035, 4.1: header, question, answers whose name points at the question's.
fn answer(question: &[u8], kind: u16, records: &[Vec<u8>]) -> Vec<u8> {
    let name_end = 12 + question[12..].iter().position(|byte| *byte == 0).expect("ends") + 1;
    let asked = u16::from_be_bytes([question[name_end], question[name_end + 1]]);
    let records = if asked == kind { records } else { &[] };
    let mut answer = question[..2].to_vec();
    answer.extend([0x81, 0x80, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    answer.extend(&question[12..name_end + 4]);
    for record in records {
        answer.extend([0xc0, 12]);
        answer.extend(kind.to_be_bytes());
        answer.extend([0, 1, 0, 0, 0, 1]);
        answer.extend((record.len() as u16).to_be_bytes());
        answer.extend(record);
    }
    answer
}

async fn found(kind: RecordKind, number: u16, records: Vec<Vec<u8>>) -> Vec<Vec<(String, String)>> {
    let port = name_server(number, records).await;
    let mut connection = ConnectionConfig::udp();
    connection.port = port;
    let mut server = NameServerConfig::udp([127, 0, 0, 1].into());
    server.connections = vec![connection];
    let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .build()
        .expect("builds");
    let settings = DnsSettings {
        names: vec!["apps.test.".to_owned()],
        refresh_interval: Span::seconds(1),
        kind,
        port: 9100,
    };
    let (updates, _found) = mpsc::channel(1);
    let outlet = Outlet { job: 0, source: "s".to_owned(), updates };
    let mut lookups = Lookups::new(resolver, &settings, "apps.test.", Reach::new(&[]), outlet);
    let groups = lookups.ask().await.expect("is answered");
    let targets = groups.into_iter().flat_map(|group| group.targets);
    targets
        .map(|target| {
            target.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
        .collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn addresses_take_the_port_of_the_configuration() {
    let records = vec![vec![10, 0, 0, 2], vec![10, 0, 0, 1]];
    assert_eq!(
        found(RecordKind::A, A, records).await,
        [
            pairs(&[(ADDRESS, "10.0.0.1:9100"), (NAME, "apps.test.")]),
            pairs(&[(ADDRESS, "10.0.0.2:9100"), (NAME, "apps.test.")]),
        ]
    );
    let mut six = vec![0; 16];
    (six[0], six[15]) = (0xfd, 1);
    assert_eq!(
        found(RecordKind::Aaaa, AAAA, vec![six]).await,
        [pairs(&[(ADDRESS, "[fd00::1]:9100"), (NAME, "apps.test.")])]
    );
}

#[tokio::test]
async fn a_name_does_not_stand_for_this_machine() {
    let records = vec![vec![127, 0, 0, 1], vec![10, 0, 0, 1], vec![169, 254, 169, 254]];
    let found_a = found(RecordKind::A, A, records).await;
    assert_eq!(found_a, [pairs(&[(ADDRESS, "10.0.0.1:9100"), (NAME, "apps.test.")])]);
    for host in [&b"\x09localhost\0"[..], b"\x03127\x010\x010\x011\0"] {
        let record = [&[0, 1, 0, 2, 0x1f, 0x90][..], host].concat();
        assert_eq!(found(RecordKind::Srv, SRV, vec![record]).await, Vec::<Vec<_>>::new());
    }
}

#[tokio::test]
async fn services_say_their_port_themselves() {
    let record = [&[0, 1, 0, 2, 0x1f, 0x90][..], b"\x03app\x04test\0"].concat();
    assert_eq!(
        found(RecordKind::Srv, SRV, vec![record]).await,
        [pairs(&[
            (ADDRESS, "app.test:8080"),
            (NAME, "apps.test."),
            (SRV_PORT, "8080"),
            (SRV_TARGET, "app.test."),
        ])]
    );
}

#[tokio::test]
async fn a_name_without_records_has_no_targets() {
    assert_eq!(found(RecordKind::Srv, A, vec![vec![1, 2, 3, 4]]).await, Vec::<Vec<_>>::new());
}

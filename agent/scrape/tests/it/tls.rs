//! Targets behind TLS: whom they are believed to be, who asks, and certificates that are replaced.

use std::{fs, path::Path, sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use scrape::{config::Settings, fetch::Fetcher};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig, SupportedProtocolVersion,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::WebPkiClientVerifier,
        version::{TLS12, TLS13},
    },
};

use crate::targets::text;

const PATIENCE: Duration = Duration::from_secs(30);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("is valid");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("is made");
    CertifiedIssuer::self_signed(params, key).expect("is signed")
}

/// A certificate for `name` and its key, as PEM.
fn certificate(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().expect("is made");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("is valid");
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let signed = params.signed_by(&key, authority).expect("is signed");
    (signed.pem(), key.serialize_pem())
}

/// What a target of TLS is set up with.
struct Target<'a> {
    own: (String, String),
    /// Who has to have signed the certificate of whoever asks.
    clients: Option<&'a Authority>,
    versions: &'static [&'static SupportedProtocolVersion],
}

const OLD: &[&SupportedProtocolVersion] = &[&TLS12];
const NEW: &[&SupportedProtocolVersion] = &[&TLS13];
const BOTH: &[&SupportedProtocolVersion] = &[&TLS12, &TLS13];

impl Target<'_> {
    /// Answers with the name it was asked for, and returns its port.
    async fn serve(self) -> u16 {
        daemon::http::install_crypto();
        let builder = ServerConfig::builder_with_protocol_versions(self.versions);
        let builder = match self.clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = RootCertStore::empty();
                roots.add(clients.der().clone()).expect("is a certificate");
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
                builder.with_client_cert_verifier(verifier.expect("is valid"))
            }
        };
        let (certificate, key) = &self.own;
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("is PEM")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("is PEM");
        let config = builder.with_single_cert(chain, key).expect("fits");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("has an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = Vec::new();
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read_buf(&mut request).await {
                        Ok(read) if read > 0 => {}
                        _ => break,
                    }
                }
                let asked = stream.get_ref().1.server_name().unwrap_or("nobody").to_owned();
                let request = String::from_utf8_lossy(&request).to_lowercase();
                let host = request.lines().find(|line| line.starts_with("host: "));
                let body = format!("{asked} {}", host.unwrap_or_default());
                drop(stream.write_all(&text(&body)).await);
                drop(stream.shutdown().await);
            }
        });
        port
    }
}

fn fetcher(tls: &str) -> Result<Fetcher, String> {
    let text =
        format!("[[scrape_configs]]\njob_name = 'j'\nscheme = 'https'\ntls_config = {{ {tls} }}");
    let settings: Settings = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    let job = settings.jobs().map_err(|error| error.to_string())?.remove(0);
    Fetcher::for_job(&job).map_err(|error| error.to_string())
}

/// The body, or why there is none.
async fn ask(fetcher: &Fetcher, host: &str, port: u16) -> Result<String, String> {
    let url = format!("https://{host}:{port}/metrics").parse().expect("is an address");
    let answer = fetcher.for_target(&url).get(&url, PATIENCE).await;
    let answer = answer.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(answer.bytes).expect("is text"))
}

/// In one step, as whoever rotates certificates does it.
#[expect(clippy::disallowed_methods, reason = "certificates are configuration")]
fn replace(file: &Path, text: &str) {
    let fresh = file.with_extension("fresh");
    fs::write(&fresh, text).expect("is written");
    fs::rename(&fresh, file).expect("is put in place");
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let file = dir.join(name);
    replace(&file, text);
    format!("{name}_file = {:?}", file.display().to_string())
}

#[tokio::test]
async fn a_target_has_to_prove_its_name() {
    let dir = tempfile::tempdir().expect("is created");
    let (authority, stranger) = (authority(), authority());
    let ca = write(dir.path(), "ca", &authority.pem());
    let own = || certificate(&authority, "localhost");
    let port = Target { own: own(), clients: None, versions: BOTH }.serve().await;
    let good = ask(&fetcher(&ca).expect("builds"), "localhost", port).await;
    assert_eq!(good, Ok(format!("localhost host: localhost:{port}")));
    for (tls, host) in [
        ("", "localhost"),
        (
            write(dir.path(), "stranger", &stranger.pem())
                .replace("stranger_file", "ca_file")
                .as_str(),
            "localhost",
        ),
        (&ca, "127.0.0.1"),
        (&format!("{ca}, server_name = 'other.example'"), "localhost"),
    ] {
        let refused =
            ask(&fetcher(tls).expect("builds"), host, port).await.expect_err("is refused");
        assert!(refused.contains("certificate"), "{tls} {host}: {refused}");
    }
    let unsafe_one = fetcher("insecure_skip_verify = true").expect("builds");
    assert!(ask(&unsafe_one, "127.0.0.1", port).await.is_ok());
}

/// The name is proven and asked for in the handshake; the request itself names the target.
#[tokio::test]
async fn a_name_of_the_jobs_own_is_proven_instead() {
    let dir = tempfile::tempdir().expect("is created");
    let authority = authority();
    let tls = format!("{}, server_name = 'app.example'", write(dir.path(), "ca", &authority.pem()));
    let fetcher = fetcher(&tls).expect("builds");
    let own = || certificate(&authority, "app.example");
    let one = Target { own: own(), clients: None, versions: BOTH }.serve().await;
    let two = Target { own: own(), clients: None, versions: BOTH }.serve().await;
    for (host, port) in [("127.0.0.1", one), ("localhost", two), ("127.0.0.1", two)] {
        let answer = ask(&fetcher, host, port).await;
        assert_eq!(answer, Ok(format!("app.example host: {host}:{port}")));
    }
}

#[tokio::test]
async fn files_are_read_again_when_they_change() {
    let dir = tempfile::tempdir().expect("is created");
    let (authority, clients, strangers) = (authority(), authority(), authority());
    let own = certificate(&authority, "localhost");
    let port = Target { own, clients: Some(&clients), versions: BOTH }.serve().await;
    let other = certificate(&strangers, "agent.example");
    let ca = write(dir.path(), "ca", &authority.pem());
    let keep = |(certificate, key): &(String, String)| {
        let (cert, key) = (write(dir.path(), "cert", certificate), write(dir.path(), "key", key));
        format!("{ca}, {cert}, {key}")
    };
    let fetcher = fetcher(&keep(&other)).expect("builds");
    assert!(ask(&fetcher, "localhost", port).await.is_err(), "signed by a stranger");
    keep(&certificate(&clients, "agent.example"));
    assert!(ask(&fetcher, "localhost", port).await.is_ok());
    // Half of a pair, or nonsense, changes nothing.
    write(dir.path(), "key", "nonsense");
    assert!(ask(&fetcher, "localhost", port).await.is_ok());
    keep(&certificate(&clients, "agent.example"));
    write(dir.path(), "ca", &strangers.pem());
    assert!(ask(&fetcher, "localhost", port).await.is_err(), "the target is not trusted any more");
    write(dir.path(), "ca", &authority.pem());
    assert!(ask(&fetcher, "localhost", port).await.is_ok());
}

#[tokio::test]
async fn old_versions_can_be_refused() {
    let dir = tempfile::tempdir().expect("is created");
    let authority = authority();
    let ca = write(dir.path(), "ca", &authority.pem());
    let own = || certificate(&authority, "localhost");
    let old = Target { own: own(), clients: None, versions: OLD }.serve().await;
    let new = Target { own: own(), clients: None, versions: NEW }.serve().await;
    for (more, with_old, with_new) in [
        ("", true, true),
        (", min_version = 'TLS10'", true, true),
        (", min_version = 'TLS13'", false, true),
        (", max_version = 'TLS12'", true, false),
    ] {
        let fetcher = fetcher(&format!("{ca}{more}")).expect("builds");
        assert_eq!(ask(&fetcher, "localhost", old).await.is_ok(), with_old, "{more}");
        assert_eq!(ask(&fetcher, "localhost", new).await.is_ok(), with_new, "{more}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let dir = tempfile::tempdir().expect("is created");
    let empty = write(dir.path(), "ca", "no certificate");
    for (tls, message) in [
        ("cert_file = 'x'", "tls_config needs cert_file and key_file together"),
        ("server_name = '127.0.0.1'", "server_name \"127.0.0.1\" is no name of a host"),
        ("max_version = 'TLS11'", "max_version must be TLS12 or TLS13"),
        ("min_version = 'TLS13', max_version = 'TLS12'", "not before min_version"),
        ("min_version = 'SSL3'", "unknown variant `SSL3`, expected one of `TLS10`"),
        ("ca_file = '/nowhere/ca'", "cannot read /nowhere/ca"),
        (&empty, "it holds no certificate"),
        ("ca = 'x'", "unknown field `ca`"),
    ] {
        let refused = fetcher(tls).expect_err("is refused");
        assert!(refused.contains(message), "{tls}: {refused}");
    }
}

#[tokio::test]
async fn credentials_in_files_are_read_each_time() {
    let dir = tempfile::tempdir().expect("is created");
    let target = crate::targets::serve(|request| {
        let said = request.lines().find(|line| line.starts_with("authorization: "));
        text(said.unwrap_or_default())
    })
    .await;
    let path = dir.path().display();
    for (lines, first, second) in [
        (
            format!("basic_auth = {{ username = 'u', password_file = '{path}/secret' }}"),
            "Basic dTpvbmU=",
            "Basic dTp0d28=",
        ),
        (
            format!("basic_auth = {{ username_file = '{path}/secret', password = 'p' }}"),
            "Basic b25lOnA=",
            "Basic dHdvOnA=",
        ),
        (
            format!("authorization = {{ credentials_file = '{path}/secret' }}"),
            "Bearer one",
            "Bearer two",
        ),
        (format!("bearer_token_file = '{path}/secret'"), "Bearer one", "Bearer two"),
    ] {
        let text = format!("[[scrape_configs]]\njob_name = 'j'\n{lines}");
        let settings: Settings = toml::from_str(&text).expect("is TOML");
        let job = settings.jobs().expect("is valid").remove(0);
        let fetcher = Fetcher::for_job(&job).expect("builds");
        let url = format!("http://{target}/").parse().expect("is an address");
        for (secret, expected) in [("one\n", first), ("two", second)] {
            replace(&dir.path().join("secret"), secret);
            let answer = fetcher.get(&url, PATIENCE).await.expect("answers");
            let said = String::from_utf8(answer.bytes).expect("is text");
            assert_eq!(said, format!("authorization: {expected}"), "{lines}");
        }
    }
}

//! The section as a file has it.

use super::*;

fn jobs(text: &str) -> Result<Vec<Job>, String> {
    let settings: Settings = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    settings.jobs().map_err(|error| error.to_string())
}

#[test]
fn a_job_takes_global_values_where_it_has_none() {
    let text = r#"
        tenant = "acme"
        scrape_interval = "5s"
        sample_limit = 100
        [[scrape_configs]]
        job_name = "a"
        static_configs = [{ targets = ["localhost:1"], labels = { env = "x" } }]
        [[scrape_configs]]
        job_name = "b"
        tenant = "globex"
        scrape_interval = "1m"
        scrape_timeout = "30s"
        sample_limit = 0
        body_size_limit = "1MB"
        scrape_protocols = ["PrometheusText0.0.4"]
        basic_auth = { username = "u", password = "p" }
        http_headers = { X-Scope = { values = ["v"] } }
        relabel_configs = [{ source_labels = ["job"], regex = "x", action = "drop" }]
        kubernetes_sd_configs = [{ role = "pod", namespaces = { names = ["n"] } }]
    "#;
    let jobs = jobs(text).expect("is valid");
    let [a, b] = jobs.as_slice() else { panic!("two jobs") };
    assert_eq!((a.tenant.as_str(), a.interval.as_secs(), a.timeout.as_secs()), ("acme", 5, 5));
    assert_eq!((a.limits.samples, a.settings.metrics_path.as_str()), (Some(100), "/metrics"));
    assert_eq!((b.tenant.as_str(), b.interval.as_secs(), b.timeout.as_secs()), ("globex", 60, 30));
    assert_eq!((b.limits.samples, b.limits.body_bytes), (None, Some(1 << 20)));
    assert_eq!(a.limits.body_bytes, Some(16 << 20));
    assert_eq!((b.relabel.len(), b.http.http_headers.len()), (1, 1));
}

#[test]
fn samples_and_bodies_are_limited_unless_the_file_says_otherwise() {
    for (global, own, samples, body) in [
        ("", "", Some(50_000), Some(16 << 20)),
        ("", "sample_limit = 0\nbody_size_limit = '0'", None, None),
        ("", "sample_limit = 200000\nbody_size_limit = '64MB'", Some(200_000), Some(64 << 20)),
        ("sample_limit = 0\nbody_size_limit = '0'", "", None, None),
        ("sample_limit = 0\nbody_size_limit = '0'", "sample_limit = 7", Some(7), None),
    ] {
        let text = format!("{global}\n[[scrape_configs]]\njob_name = 'a'\n{own}");
        let limits = jobs(&text).expect("is valid").remove(0).limits;
        assert_eq!((limits.samples, limits.body_bytes), (samples, body), "{text}");
    }
}

#[test]
fn faults_name_the_job() {
    let job = "[[scrape_configs]]\njob_name = 'a'\n";
    for (text, message) in [
        ("[[scrape_configs]]\n", "job #1: job_name is empty"),
        (&format!("{job}{job}"), "job a: another job has the same name"),
        (&format!("{job}scrape_interval = '1ms'"), "job a: scrape_interval must be at least 100ms"),
        (
            &format!("{job}scrape_timeout = '2m'"),
            "job a: scrape_timeout must be above zero and at most scrape_interval",
        ),
        (&format!("{job}scheme = 'ftp'"), "job a: scheme must be http or https"),
        (
            &format!("{job}relabel_configs = [{{ target_label = 'x' }}, {{}}]"),
            "job a: relabel_configs, rule 2: action Replace needs a target_label",
        ),
        (
            &format!("{job}bearer_token = 'x'\nbasic_auth = {{ username = 'u', password = 'p' }}"),
            "job a: at most one of basic_auth, authorization and bearer_token can be set",
        ),
        (
            &format!("{job}dns_sd_configs = [{{ names = ['x'], type = 'A' }}]"),
            "job a: dns_sd_configs: A and AAAA records need a port",
        ),
        (
            &format!("{job}file_sd_configs = [{{ files = ['x.txt'] }}]"),
            "job a: file_sd_configs: \"x.txt\" does not end in .json, .yml or .yaml",
        ),
        (
            &format!("{job}allowed_networks = ['x']"),
            "job a: allowed_networks: \"x\" is not a network: write an address, or an address and a prefix length as in 10.0.0.0/8",
        ),
    ] {
        assert_eq!(jobs(text).expect_err("is refused"), message, "{text}");
    }
    for (text, message) in [
        (
            "metric_name_validation_scheme = 'legacy'\nmetric_name_escaping_scheme = 'allow-utf-8'",
            "job a: metric_name_escaping_scheme cannot be allow-utf-8 where metric_name_validation_scheme is legacy",
        ),
        (
            "scrape_protocols = ['PrometheusProto', 'PrometheusProto']",
            "job a: scrape_protocols names PrometheusProto twice",
        ),
    ] {
        assert_eq!(jobs(&format!("{job}{text}")).expect_err("is refused"), message, "{text}");
    }
    let unknown = jobs(&format!("{job}sample_limits = 5")).expect_err("is refused");
    assert!(unknown.starts_with("unknown field `sample_limits`, expected"), "{unknown}");
}

#[test]
fn names_and_their_escaping_go_together() {
    use NameEscaping as E;
    use NameValidation as V;
    for (global, own, names, escaping) in [
        ("", "", V::Utf8, E::AllowUtf8),
        ("metric_name_validation_scheme = 'legacy'", "", V::Legacy, E::Underscores),
        ("metric_name_escaping_scheme = 'dots'", "", V::Utf8, E::Dots),
        (
            "metric_name_escaping_scheme = 'dots'",
            "metric_name_validation_scheme = 'legacy'",
            V::Legacy,
            E::Underscores,
        ),
        (
            "metric_name_validation_scheme = 'legacy'",
            "metric_name_validation_scheme = 'utf8'",
            V::Utf8,
            E::AllowUtf8,
        ),
        (
            "metric_name_validation_scheme = 'legacy'",
            "metric_name_escaping_scheme = 'values'",
            V::Legacy,
            E::Values,
        ),
    ] {
        let text = format!("{global}\n[[scrape_configs]]\njob_name = 'a'\n{own}");
        let job = jobs(&text).expect("is valid").remove(0);
        assert_eq!((job.names, job.escaping), (names, escaping), "{text}");
    }
}

//! Tests of what the section may say.

use super::{Protocol, Settings};

#[test]
fn the_protocol_is_chosen_by_name() {
    let cases = [
        ("{}", Some(Protocol::Auto)),
        (r#"{"protocol": "auto"}"#, Some(Protocol::Auto)),
        (r#"{"protocol": "frames"}"#, Some(Protocol::Frames)),
        (r#"{"protocol": "remote-write"}"#, Some(Protocol::RemoteWrite)),
        (r#"{"protocol": "smoke"}"#, None),
    ];
    for (section, expected) in cases {
        let settings = serde_json::from_str::<Settings>(section);
        assert_eq!(settings.ok().map(|settings| settings.protocol), expected, "{section}");
    }
}

#[test]
fn roots_of_sandboxes_are_absolute() {
    for (section, valid) in [
        ("{}", true),
        (r#"{"sandboxes": {"roots": ["/run/runsc"], "metrics": false}}"#, true),
        (r#"{"sandboxes": {"roots": ["run/runsc"]}}"#, false),
    ] {
        let settings: Settings = serde_json::from_str(section).expect("is a section");
        let refused = matches!(settings.validate(), Err(super::InvalidSettings::Root(_)));
        assert_eq!(refused, !valid, "{section}");
    }
}

#[test]
fn access_logs_are_checked() {
    let section = |tenant: &str| {
        format!(
            r#"{{"requests":{{"dir":"/tmp/x"}},"access_logs":[{{"name":"edge","file":"/var/log/access.log",
            "owner":{{"tenants":["acme"],"default":{{"tenant":"{tenant}","app":"rest"}}}}}}]}}"#
        )
    };
    let check =
        |tenant| serde_json::from_str::<Settings>(&section(tenant)).expect("is known").validate();
    check("acme").expect("is valid");
    let foreign = check("globex").expect_err("may not write for it").to_string();
    assert!(
        foreign.starts_with("agent.access_logs: edge.owner: default is for tenant"),
        "{foreign}"
    );
}

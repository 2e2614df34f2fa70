//! `tidewatch up`: everything in one process, watching this machine.

use std::net::SocketAddr;

use agent::Workload;
use model::tenant::TenantId;

use crate::{
    cli,
    config::Config,
    daemons,
    exit::{Failure, print},
    local::{Local, Options},
};

/// Where the page is unless another address is asked for.
pub(crate) const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9400);

/// Runs until a signal.
pub(crate) async fn run(options: cli::Up) -> Result<(), Failure> {
    let mut config = Config::load(None)?;
    config.telemetry.log = quiet(config.telemetry.log);
    let _telemetry = daemons::init("tidewatch", &config)?;
    let tenant = TenantId::new(&config.agent.cgroups.tenant)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let kept = options.data_dir.display().to_string();
    let local = Local::start(Options {
        config,
        listen: options.listen.unwrap_or(LISTEN),
        data_dir: options.data_dir,
        tenants: vec![tenant],
        workload: Workload::default(),
    })
    .await?;
    print(&format!(
        "Tidewatch watches this machine: every cgroup it can read, each second.\n\n\
         \x20 page  {}\n\x20 data  {kept}\n\n{}\nCtrl-C stops.\n",
        local.page(),
        local.hints(),
    ))?;
    local.until_over().await;
    local.shut_down().await
}

/// Only what matters, unless more than the default is asked for: standard output is for the person.
pub(crate) fn quiet(log: String) -> String {
    if log == "info" { "warn".to_owned() } else { log }
}

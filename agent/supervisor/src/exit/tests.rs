//! Tests of what is said about exits.

use model::tenant::TenantId;

use super::*;

fn exit() -> Exit {
    Exit {
        target: Target {
            tenant: TenantId::new("acme").unwrap(),
            app: "shop".into(),
            component: String::new(),
            instance: "shop-0".into(),
            node: "n1".into(),
        },
        run: 1,
        pid: 7,
        code: None,
        signal: None,
        oom: false,
        oom_kills: None,
        memory_limit: Some(64 << 20),
        memory_guard: MemoryGuard::Cgroup,
        at: Timestamp(0),
        ran: Duration::from_secs(1),
    }
}

#[test]
fn reasons_claim_only_what_is_known() {
    let check = |exit: Exit, expect: &str| assert_eq!(exit.reason(), expect);
    let counted = Exit { oom_kills: Some(0), ..exit() };
    check(Exit { code: Some(3), ..counted.clone() }, "exited with code 3");
    check(Exit { signal: Some(11), ..counted.clone() }, "killed by SIGSEGV");
    check(Exit { signal: Some(40), ..counted.clone() }, "killed by signal 40");
    check(Exit { signal: Some(9), ..counted.clone() }, "killed by SIGKILL");
    let oom = Exit { signal: Some(9), oom: true, oom_kills: Some(1), ..counted.clone() };
    check(oom.clone(), "killed by SIGKILL: out of memory, limit 64 MiB");
    check(Exit { memory_limit: None, ..oom }, "killed by SIGKILL: out of memory");
    check(
        Exit { code: Some(1), oom_kills: Some(2), ..counted },
        "exited with code 1, after 2 of its processes ran out of memory",
    );
    check(
        Exit { signal: Some(6), memory_guard: MemoryGuard::DataLimit, ..exit() },
        "killed by SIGABRT under a data segment limit of 64 MiB",
    );
    check(exit(), "ended in an unknown way");
}

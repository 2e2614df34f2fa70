//! Tests of the command queues.

use model::{
    event::{Action, Command, Target},
    tenant::TenantId,
    time::Timestamp,
};

use tenancy::access::Tenants;

use super::{CommandRefused, Commands, PER_NODE_MAX};

fn command(node: &str, expires: i64) -> Command {
    Command {
        id: 0,
        action: Action::Restart,
        target: Target {
            tenant: TenantId::new("acme").expect("is valid"),
            app: "shop".to_owned(),
            component: String::new(),
            instance: "shop-0".to_owned(),
            node: node.to_owned(),
        },
        incident: "i1".to_owned(),
        run: 1,
        reason: "why".to_owned(),
        expires: Timestamp(expires),
    }
}

#[test]
fn commands_are_repeated_until_acknowledged() {
    let commands = Commands::new(Timestamp(5));
    let now = Timestamp(10);
    let first = commands.push(command("n1", 100), now).expect("is taken");
    let second = commands.push(command("n1", 100), now).expect("is taken");
    commands.push(command("n2", 100), now).expect("is taken");
    let ids = |after| {
        commands.take("n1", &Tenants::All, after, now).iter().map(|c| c.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(0), [first, second]);
    assert_eq!(ids(0), [first, second]);
    assert_eq!(ids(first), [second]);
    assert!(ids(second).is_empty());
    assert!(commands.take("n3", &Tenants::All, 0, now).is_empty());
}

#[test]
fn expired_commands_are_not_delivered() {
    let commands = Commands::new(Timestamp(0));
    assert_eq!(commands.push(command("n1", 10), Timestamp(10)), Err(CommandRefused::Expired));
    commands.push(command("n1", 11), Timestamp(10)).expect("is taken");
    assert!(commands.take("n1", &Tenants::All, 0, Timestamp(11)).is_empty());
}

#[test]
fn a_dead_nodes_queue_is_bounded() {
    let commands = Commands::new(Timestamp(0));
    for _ in 0..PER_NODE_MAX {
        commands.push(command("n1", 100), Timestamp(1)).expect("is taken");
    }
    let refused = commands.push(command("n1", 100), Timestamp(1));
    assert_eq!(refused, Err(CommandRefused::Full("n1".to_owned())));
    assert!(commands.push(command("n2", 100), Timestamp(1)).is_ok());
}

#[test]
fn ids_increase_across_restarts() {
    let before =
        Commands::new(Timestamp(1000)).push(command("n1", 9999), Timestamp(1)).expect("is taken");
    let after =
        Commands::new(Timestamp(1001)).push(command("n1", 9999), Timestamp(1)).expect("is taken");
    assert!(before < after);
}

#[test]
fn commands_of_other_tenants_are_neither_shown_nor_acknowledged() {
    let commands = Commands::new(Timestamp(0));
    let id = commands.push(command("n1", 100), Timestamp(1)).expect("is taken");
    let globex = Tenants::One(TenantId::new("globex").expect("is valid"));
    assert!(commands.take("n1", &globex, 0, Timestamp(1)).is_empty());
    assert!(commands.take("n1", &globex, u64::MAX, Timestamp(1)).is_empty());
    let left = commands.take("n1", &Tenants::All, 0, Timestamp(1));
    assert_eq!(left.iter().map(|command| command.id).collect::<Vec<_>>(), [id]);
}

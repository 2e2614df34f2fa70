//! What containers send and receive, as the host's ends of their interfaces count it.
//!
//! A container with a network of its own is in a network namespace, into which one end of a pair of
//! interfaces leads; the other end is the host's. Counters of all host ends come in one answer of
//! the kernel ([`Netlink::counters`]), where reading each namespace would cost a file each. Which
//! end belongs to whom is asked once: the kernel numbers the namespaces that the host's interfaces
//! lead to, and tells the number of a process' namespace. None of it needs a privilege.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use crate::{
    hierarchy::{Controller, Group},
    kernel::Kernel,
    netlink::{Netlink, NetlinkError},
    parse::{lines, netlink::LinkCounters, number, words},
};

/// Interfaces of one container; more are left out.
pub const INTERFACES_MAX: usize = 16;
/// How often a group without a network of its own is looked at for one, once in each
/// [`Networks::renew`].
const ATTEMPTS_MAX: u8 = 6;

/// How many of these a look counts for that has found a process, and no network.
const UNCONNECTED: u8 = 2;

/// One group's network, where it has one: kept beside the group's reader.
#[derive(Debug, Default)]
pub struct Attachment {
    state: State,
    attempts: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not known to have a network of its own.
    #[default]
    Unknown,
    /// Another group tells of this namespace: of a pod's containers, which share one, only one does.
    Shares(u32),
    /// This group tells of it.
    Owns(u32),
}

/// One interface of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interface {
    /// The host's end.
    index: u32,
    /// What it is called inside.
    name: Arc<str>,
}

/// The host's ends and what they count.
#[derive(Debug)]
pub struct Networks {
    netlink: Netlink,
    counters: BTreeMap<u32, LinkCounters>,
    /// By the host's number of the namespace.
    owned: BTreeMap<u32, Vec<Interface>>,
}

/// What one interface of a container counted, from the container's side.
#[derive(Clone, Copy, Debug)]
pub struct Traffic<'a> {
    pub interface: &'a Arc<str>,
    /// Of the host's end: what that sent the container received.
    pub(crate) host: &'a LinkCounters,
}

impl Networks {
    /// Of the network namespace that this thread is in, which has to be the host's.
    pub fn open() -> Result<Self, NetlinkError> {
        let netlink = Netlink::open()?;
        Ok(Self { netlink, counters: BTreeMap::new(), owned: BTreeMap::new() })
    }

    /// Reads all counters: for each tick. Without any network there is nothing to read.
    pub fn read(&mut self) -> Result<(), NetlinkError> {
        if self.owned.is_empty() {
            return Ok(());
        }
        self.netlink.counters(&mut self.counters)
    }

    /// What a group's interfaces counted until the last [`read`](Self::read).
    pub fn traffic(&self, attachment: &Attachment) -> impl Iterator<Item = Traffic<'_>> {
        let interfaces = match attachment.state {
            State::Owns(namespace) => self.owned.get(&namespace).map(Vec::as_slice),
            State::Shares(_) | State::Unknown => None,
        };
        interfaces.unwrap_or_default().iter().filter_map(|interface| {
            let host = self.counters.get(&interface.index)?;
            Some(Traffic { interface: &interface.name, host })
        })
    }

    /// Looks for networks of groups that are not known to have one: now and then.
    ///
    /// Where several groups are in one namespace, the one with the oldest process tells of it: of a
    /// pod that is the one that holds its namespaces, which ends last.
    pub fn renew<'a>(
        &mut self,
        kernel: &mut Kernel,
        groups: impl Iterator<Item = (&'a Group, &'a mut Attachment)>,
    ) -> Result<(), NetlinkError> {
        let mut candidates = Vec::new();
        for (group, attachment) in groups {
            let namespace = match attachment.state {
                State::Owns(namespace) if self.owned.contains_key(&namespace) => continue,
                State::Owns(namespace) | State::Shares(namespace) => Some(namespace),
                State::Unknown if attachment.attempts >= ATTEMPTS_MAX => continue,
                State::Unknown => None,
            };
            if namespace.is_some_and(|namespace| self.owned.contains_key(&namespace)) {
                continue;
            }
            attachment.attempts = attachment.attempts.saturating_add(1);
            let Some(process) = oldest_process(kernel, group) else { continue };
            // Asked anew even where it was known: numbers are given again.
            match self.netlink.namespace_of(process) {
                Ok(Some(namespace)) => {
                    attachment.state = State::Shares(namespace);
                    candidates.push((process, namespace, attachment));
                }
                Ok(None) => {
                    attachment.state = State::Unknown;
                    // Runtimes connect a network before they start what is to use it.
                    attachment.attempts = attachment.attempts.saturating_add(UNCONNECTED);
                }
                // The process has ended meanwhile.
                Err(NetlinkError::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        candidates.sort_unstable_by_key(|(process, ..)| *process);
        self.own(kernel, candidates)
    }

    /// Gives each namespace that nobody tells of to the first of these.
    fn own(
        &mut self,
        kernel: &mut Kernel,
        candidates: Vec<(u32, u32, &mut Attachment)>,
    ) -> Result<(), NetlinkError> {
        let wanted: BTreeSet<u32> = candidates
            .iter()
            .map(|(_, namespace, _)| *namespace)
            .filter(|namespace| !self.owned.contains_key(namespace))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let links = self.netlink.links()?;
        for (process, namespace, attachment) in candidates {
            if self.owned.contains_key(&namespace) {
                continue;
            }
            let names = names_inside(kernel, process);
            let ends = links.iter().filter(|link| link.namespace == Some(namespace));
            let interfaces: Vec<Interface> = ends
                .take(INTERFACES_MAX)
                .map(|link| {
                    let inside = link.leads_to.and_then(|index| names.get(&index));
                    let name = inside.map_or(link.name.as_str(), String::as_str);
                    Interface { index: link.index, name: name.into() }
                })
                .collect();
            if !interfaces.is_empty() {
                self.owned.insert(namespace, interfaces);
                attachment.state = State::Owns(namespace);
            }
        }
        Ok(())
    }

    /// A group is gone: another one of the same pod may tell of its network from now on.
    pub fn release(&mut self, attachment: &Attachment) {
        if let State::Owns(namespace) = attachment.state {
            self.owned.remove(&namespace);
        }
    }

    /// Networks that are told of.
    pub fn owned(&self) -> usize {
        self.owned.len()
    }
}

/// The process with the lowest number in a group itself, not below it.
fn oldest_process(kernel: &mut Kernel, group: &Group) -> Option<u32> {
    let trees = [Controller::Unified, Controller::Cpuacct, Controller::Memory, Controller::Pids];
    // In a machine with both versions, a group of version 2 may be an empty one of the same name.
    trees.iter().find_map(|tree| {
        let path = group.directory(*tree)?.join("cgroup.procs");
        let text = kernel.read_path(&path).ok()?;
        lines(text).filter_map(number).filter_map(|id| u32::try_from(id).ok()).min()
    })
}

/// Interfaces by their numbers in the network namespace of a process. The list is of those that
/// take multicast, which is every kind that leads into a container.
fn names_inside(kernel: &mut Kernel, process: u32) -> BTreeMap<u32, String> {
    let path: PathBuf = ["/proc", &process.to_string(), "net/dev_mcast"].iter().collect();
    let text = kernel.read_path(&path).unwrap_or_default();
    let parse = |line: &[u8]| {
        let mut words = words(line);
        let index = u32::try_from(words.next().and_then(number)?).ok()?;
        Some((index, String::from_utf8(words.next()?.to_vec()).ok()?))
    };
    lines(text).filter_map(parse).collect()
}

//! Messages of CRI, as much of them as tells whose a container is and how it is.

use model::time::Timestamp;
use serde::Deserialize;
use wire::protobuf::{
    BYTES, VARINT,
    reader::{Corrupt, Reader},
    tag,
};

use crate::{
    container::{Facts, Keys, Phase, Pod, State},
    registry::SANDBOX_NAME,
};

/// Labels or annotations of one thing; the rest is left out.
pub const KEYS_MAX: usize = 256;
/// Things in one list; the rest is left out.
pub const LIST_MAX: usize = crate::registry::CONTAINERS_MAX;

type Result<T> = std::result::Result<T, Corrupt>;

const fn text(number: u32) -> u32 {
    tag(number, BYTES)
}

const fn number(number: u32) -> u32 {
    tag(number, VARINT)
}

pub(super) fn string(reader: &mut Reader<'_>) -> Result<String> {
    Ok(String::from_utf8_lossy(reader.bytes()?.rest()).into_owned())
}

/// One entry of a map.
fn entry(reader: &mut Reader<'_>, keys: &mut Keys) -> Result<()> {
    let (mut name, mut value) = (String::new(), String::new());
    let mut entry = reader.bytes()?;
    while let Some(tag) = entry.tag()? {
        match tag {
            t if t == text(1) => name = string(&mut entry)?,
            t if t == text(2) => value = string(&mut entry)?,
            _ => entry.skip(tag)?,
        }
    }
    if keys.len() < KEYS_MAX {
        keys.insert(name, value);
    }
    Ok(())
}

/// Nanoseconds since the epoch; zero stands for never.
fn time(nanos: u64) -> Option<Timestamp> {
    (nanos != 0).then(|| Timestamp(nanos.cast_signed().div_euclid(1_000_000)))
}

fn phase(state: u64) -> Phase {
    match state {
        0 => Phase::Created,
        1 => Phase::Running,
        2 => Phase::Exited,
        _ => Phase::Unknown,
    }
}

/// The name and the attempt of `ContainerMetadata`.
fn metadata(reader: &mut Reader<'_>, facts: &mut Facts) -> Result<()> {
    let mut metadata = reader.bytes()?;
    facts.attempt = Some(0);
    while let Some(tag) = metadata.tag()? {
        match tag {
            t if t == text(1) => facts.name = string(&mut metadata)?,
            t if t == number(2) => facts.attempt = u32::try_from(metadata.varint()?).ok(),
            _ => metadata.skip(tag)?,
        }
    }
    Ok(())
}

/// The name in an `ImageSpec`: what the pod asked for, where the runtime knows that.
fn image(reader: &mut Reader<'_>) -> Result<String> {
    let mut image = reader.bytes()?;
    let (mut name, mut asked) = (String::new(), String::new());
    while let Some(tag) = image.tag()? {
        match tag {
            t if t == text(1) => name = string(&mut image)?,
            t if t == text(18) => asked = string(&mut image)?,
            _ => image.skip(tag)?,
        }
    }
    Ok(if asked.is_empty() { name } else { asked })
}

/// Takes the pod from the labels that kubelet puts on every container.
fn pod_from_labels(facts: &mut Facts) {
    for (label, field) in [
        ("io.kubernetes.pod.uid", &mut facts.pod_uid),
        ("io.kubernetes.pod.name", &mut facts.pod_name),
        ("io.kubernetes.pod.namespace", &mut facts.namespace),
    ] {
        if let Some(value) = facts.labels.get(label) {
            field.clone_from(value);
        }
    }
}

/// A `ListContainersResponse`.
pub fn containers(reply: &[u8]) -> Result<Vec<(String, Facts)>> {
    let mut found = Vec::new();
    let mut reader = Reader::new(reply);
    while let Some(tag) = reader.tag()? {
        if tag == text(1) && found.len() < LIST_MAX {
            found.push(container(reader.bytes()?)?);
        } else {
            reader.skip(tag)?;
        }
    }
    Ok(found)
}

fn container(mut reader: Reader<'_>) -> Result<(String, Facts)> {
    let (mut id, mut facts) = (String::new(), Facts::default());
    facts.state.phase = Phase::Created;
    while let Some(tag) = reader.tag()? {
        match tag {
            t if t == text(1) => id = string(&mut reader)?,
            t if t == text(2) => facts.sandbox = string(&mut reader)?,
            t if t == text(3) => metadata(&mut reader, &mut facts)?,
            t if t == text(4) => facts.image = image(&mut reader)?,
            t if t == number(6) => facts.state.phase = phase(reader.varint()?),
            t if t == text(8) => entry(&mut reader, &mut facts.labels)?,
            t if t == text(9) => entry(&mut reader, &mut facts.annotations)?,
            _ => reader.skip(tag)?,
        }
    }
    pod_from_labels(&mut facts);
    Ok((id, facts))
}

/// A `ListPodSandboxResponse`: each sandbox as a container, and its pod.
pub fn sandboxes(reply: &[u8]) -> Result<Vec<(String, Facts, Pod)>> {
    let mut found = Vec::new();
    let mut reader = Reader::new(reply);
    while let Some(tag) = reader.tag()? {
        if tag == text(1) && found.len() < LIST_MAX {
            found.push(sandbox(reader.bytes()?)?);
        } else {
            reader.skip(tag)?;
        }
    }
    Ok(found)
}

fn sandbox(mut reader: Reader<'_>) -> Result<(String, Facts, Pod)> {
    let (mut id, mut pod, mut attempt) = (String::new(), Pod::default(), 0);
    let (mut ready, mut created) = (true, None);
    while let Some(tag) = reader.tag()? {
        match tag {
            t if t == text(1) => id = string(&mut reader)?,
            t if t == text(2) => attempt = pod_metadata(&mut reader, &mut pod)?,
            t if t == number(3) => ready = reader.varint()? == 0,
            t if t == number(4) => created = time(reader.varint()?),
            t if t == text(5) => entry(&mut reader, &mut pod.labels)?,
            t if t == text(6) => entry(&mut reader, &mut pod.annotations)?,
            _ => reader.skip(tag)?,
        }
    }
    let facts = Facts {
        pod_uid: pod.uid.clone(),
        pod_name: pod.name.clone(),
        namespace: pod.namespace.clone(),
        name: SANDBOX_NAME.to_owned(),
        attempt: Some(attempt),
        state: State {
            phase: if ready { Phase::Running } else { Phase::Exited },
            started: created,
            ..State::default()
        },
        ..Facts::default()
    };
    Ok((id, facts, pod))
}

/// Fills in name, uid and namespace; gives the attempt.
fn pod_metadata(reader: &mut Reader<'_>, pod: &mut Pod) -> Result<u32> {
    let mut metadata = reader.bytes()?;
    let mut attempt = 0;
    while let Some(tag) = metadata.tag()? {
        match tag {
            t if t == text(1) => pod.name = string(&mut metadata)?,
            t if t == text(2) => pod.uid = string(&mut metadata)?,
            t if t == text(3) => pod.namespace = string(&mut metadata)?,
            t if t == number(4) => attempt = u32::try_from(metadata.varint()?).unwrap_or(u32::MAX),
            _ => metadata.skip(tag)?,
        }
    }
    Ok(attempt)
}

/// A `ContainerStatusResponse`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    pub id: String,
    pub facts: Facts,
}

/// What containerd tells besides, as JSON: only what is used here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Info {
    #[serde(default, rename = "sandboxID")]
    sandbox: String,
    #[serde(default)]
    runtime_spec: Option<RuntimeSpec>,
}

#[derive(Deserialize)]
struct RuntimeSpec {
    linux: Option<Linux>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Linux {
    #[serde(default)]
    cgroups_path: String,
    #[serde(default)]
    resources: Resources,
}

#[derive(Default, Deserialize)]
struct Resources {
    #[serde(default)]
    memory: Memory,
}

#[derive(Default, Deserialize)]
struct Memory {
    /// Bytes; zero or less for none.
    #[serde(default)]
    limit: i64,
}

impl Status {
    pub fn decode(reply: &[u8]) -> Result<Self> {
        let (mut status, mut info) = (Self::default(), Keys::new());
        let mut reader = Reader::new(reply);
        while let Some(tag) = reader.tag()? {
            match tag {
                t if t == text(1) => status = Self::read(reader.bytes()?)?,
                t if t == text(2) => entry(&mut reader, &mut info)?,
                _ => reader.skip(tag)?,
            }
        }
        let told = info.get("info").and_then(|info| serde_json::from_str::<Info>(info).ok());
        if let Some(told) = told {
            status.facts.sandbox = told.sandbox;
            if let Some(linux) = told.runtime_spec.and_then(|spec| spec.linux) {
                let limit = u64::try_from(linux.resources.memory.limit).ok();
                status.facts.memory_limit = limit.filter(|limit| *limit > 0);
                status.facts.cgroup = cgroup(&linux.cgroups_path);
            }
        }
        Ok(status)
    }

    fn read(mut reader: Reader<'_>) -> Result<Self> {
        let (mut id, mut facts, mut code) = (String::new(), Facts::default(), 0);
        facts.state.phase = Phase::Created;
        while let Some(tag) = reader.tag()? {
            match tag {
                t if t == text(1) => id = string(&mut reader)?,
                t if t == text(2) => metadata(&mut reader, &mut facts)?,
                t if t == number(3) => facts.state.phase = phase(reader.varint()?),
                t if t == number(5) => facts.state.started = time(reader.varint()?),
                t if t == number(6) => facts.state.finished = time(reader.varint()?),
                t if t == number(7) => code = reader.varint()? as i32,
                t if t == text(8) => facts.image = image(&mut reader)?,
                t if t == text(10) => facts.state.reason = string(&mut reader)?,
                t if t == text(12) => entry(&mut reader, &mut facts.labels)?,
                t if t == text(13) => entry(&mut reader, &mut facts.annotations)?,
                _ => reader.skip(tag)?,
            }
        }
        facts.state.code = (facts.state.phase == Phase::Exited).then_some(code);
        facts.state.oom = facts.state.reason == "OOMKilled";
        pod_from_labels(&mut facts);
        Ok(Self { id, facts })
    }
}

/// The path of a group as it stands in a runtime's specification: a path, or `slice:prefix:name`
/// where systemd makes the groups, which puts a slice below those that its name begins with.
pub fn cgroup(path: &str) -> String {
    let mut fields = path.splitn(3, ':');
    let (Some(slice), Some(prefix), Some(name)) = (fields.next(), fields.next(), fields.next())
    else {
        return path.to_owned();
    };
    let mut full = String::new();
    let stem = slice.strip_suffix(".slice").unwrap_or(slice);
    for (at, _) in stem.match_indices('-') {
        full.push('/');
        full.push_str(stem.get(..at).unwrap_or_default());
        full.push_str(".slice");
    }
    format!("{full}/{stem}.slice/{prefix}-{name}.scope")
}

/// What kind of change a `ContainerEventResponse` tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Started,
    Stopped,
    Deleted,
}

/// A `ContainerEventResponse`: of which container or sandbox, and what.
pub fn event(message: &[u8]) -> Result<(String, Change)> {
    let (mut id, mut change) = (String::new(), Change::Created);
    let mut reader = Reader::new(message);
    while let Some(tag) = reader.tag()? {
        match tag {
            t if t == text(1) => id = string(&mut reader)?,
            t if t == number(2) => {
                change = match reader.varint()? {
                    0 => Change::Created,
                    1 => Change::Started,
                    2 => Change::Stopped,
                    _ => Change::Deleted,
                };
            }
            _ => reader.skip(tag)?,
        }
    }
    Ok((id, change))
}

#[cfg(test)]
mod tests;

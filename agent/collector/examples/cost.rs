//! What collecting costs: makes N populated cgroups, reads them tick by tick back to back, writes
//! the series, and prints processor time for each container and tick.
//!
//! `cargo run --release -p collector --example cost -- [CONTAINERS] [TICKS]`; needs permission to
//! make cgroups. Every tenth tick reads everything, the others the fast set.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use collector::{
    hierarchy::{Controller, Group, Hierarchy},
    kernel::{DescriptorBudget, Kernel, raise_descriptor_limit},
    reader::Reader,
    series::Template,
    usage::Depth,
};
use model::{time::Timestamp, write::WriteBatch};
use rustix::time::{ClockId, clock_gettime};

const CONTROLLERS: [Controller; 6] = [
    Controller::Cpu,
    Controller::Cpuacct,
    Controller::Memory,
    Controller::Blkio,
    Controller::Pids,
    Controller::Unified,
];
/// Every which tick reads everything.
const FULL_EVERY: usize = 10;
/// Ticks at the real pace of one a second.
const PACED_TICKS: usize = 10;
/// Three percent is the hard bound.
const TARGET_PERCENT: f64 = 1.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let containers = arguments.next().map_or(Ok(250), |text| text.parse())?;
    let ticks = arguments.next().map_or(Ok(100), |text| text.parse())?;
    raise_descriptor_limit()?;
    let mut kernel = Kernel::new(DescriptorBudget::from_process_limit());
    let hierarchy = Hierarchy::detect(&mut kernel)?;
    let fleet = Fleet::start(&hierarchy, containers)?;
    let mut readers = Vec::with_capacity(containers);
    for number in 0..containers {
        let group = fleet.group(&hierarchy, number)?;
        let template = template(group.path(), number)?;
        readers.push((Reader::open(&mut kernel, &hierarchy, group)?, template));
    }
    let mixture = |tick| if tick % FULL_EVERY == 0 { Depth::Full } else { Depth::Fast };
    let full = measure(&mut kernel, &mut readers, ticks, || (), |_| Depth::Full)?;
    let fast = measure(&mut kernel, &mut readers, ticks, || (), |_| Depth::Fast)?;
    let mixed = measure(&mut kernel, &mut readers, ticks, || (), mixture)?;
    let paced = measure(&mut kernel, &mut readers, PACED_TICKS, pause, mixture)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{containers} containers, {:?}, {} descriptors kept, {} reads reopened",
        hierarchy.layout(),
        kernel.budget().kept(),
        kernel.budget().reopened()
    )?;
    let rows = [
        ("fast set", fast),
        ("everything", full),
        ("everything each 10th tick", mixed),
        ("the same at 1 Hz, cold", paced),
    ];
    for (what, cost) in rows {
        writeln!(
            out,
            "{what:<26} {:6.1} series per container-tick, {:6.2} us (reading {:5.2}, series {:4.2}), \
             {:5.3} % of a core at 1 Hz ({}, target {TARGET_PERCENT} %)",
            cost.series,
            cost.read + cost.write,
            cost.read,
            cost.write,
            cost.percent(containers),
            if cost.percent(containers) <= TARGET_PERCENT { "met" } else { "missed" },
        )?;
    }
    Ok(())
}

fn template(path: &str, number: usize) -> Result<Template, Box<dyn std::error::Error>> {
    let instance = format!("app-{number:04}-5d8f6c7b9-x2x4z");
    let app = format!("app-{number:04}");
    Ok(Template::new(&[
        ("region", "eu-west-1"),
        ("cluster", "prod-1"),
        ("node", "node-0123.eu-west-1.example"),
        ("tenant", "customer-42"),
        ("app", &app),
        ("component", "web"),
        ("instance", &instance),
        ("container", "app"),
        ("namespace", "customer-42"),
        ("pod", &instance),
        ("id", path),
    ])?)
}

/// Microseconds of processor time for one container in one tick, on average.
struct Cost {
    read: f64,
    write: f64,
    /// Series for one container in one tick.
    series: f64,
}

impl Cost {
    /// Of one core, with a tick each second.
    fn percent(&self, containers: usize) -> f64 {
        (self.read + self.write) * containers as f64 / 1e6 * 100.0
    }
}

fn measure(
    kernel: &mut Kernel,
    readers: &mut [(Reader, Template)],
    ticks: usize,
    pause: impl Fn(),
    depth: impl Fn(usize) -> Depth,
) -> Result<Cost, Box<dyn std::error::Error>> {
    let mut batch = WriteBatch::default();
    let (mut series, mut read, mut write) = (0, 0, 0);
    for tick in 0..=ticks {
        batch.clear();
        pause();
        let time = Timestamp(i64::try_from(tick)? * 1000);
        let start = processor_nanos();
        for (reader, _) in &mut *readers {
            reader.read(kernel, depth(tick))?;
        }
        let middle = processor_nanos();
        let mut written = 0;
        for (reader, template) in &mut *readers {
            written += template.write(reader.usage(), time, &mut batch);
        }
        let end = processor_nanos();
        if tick > 0 {
            // The first tick opens what a fast read never touches, and grows the buffers.
            series += written;
            read += middle - start;
            write += end - middle;
        }
    }
    let count = (readers.len() * ticks).max(1) as f64;
    Ok(Cost {
        read: read as f64 / count / 1e3,
        write: write as f64 / count / 1e3,
        series: series as f64 / count,
    })
}

#[expect(clippy::disallowed_methods, reason = "what a tick costs after a second of other work")]
fn pause() {
    std::thread::sleep(std::time::Duration::from_secs(1));
}

fn processor_nanos() -> i64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Groups with a process in each, removed on drop.
struct Fleet {
    name: String,
    children: Vec<Child>,
    /// Parents before children.
    directories: Vec<PathBuf>,
}

impl Fleet {
    fn start(hierarchy: &Hierarchy, containers: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let name = format!("/tidewatch-cost-{}", std::process::id());
        let mut fleet = Self { name, children: Vec::new(), directories: Vec::new() };
        let top = hierarchy.group(&fleet.name)?;
        for directory in fleet.create(&top)? {
            // Version 2 hands controllers down only when told to.
            let control = directory.join("cgroup.subtree_control");
            if let Ok(mut control) = std::fs::OpenOptions::new().write(true).open(control) {
                control.write_all(b"+cpu +memory +io +pids").or_else(only_where_offered)?;
            }
        }
        for number in 0..containers {
            let group = fleet.group(hierarchy, number)?;
            let directories = fleet.create(&group)?;
            let child = Command::new("sh")
                .args(["-c", "while :; do sleep 1; done"])
                .stdin(Stdio::null())
                .spawn()?;
            let pid = child.id().to_string();
            fleet.children.push(child);
            for directory in directories {
                let procs = directory.join("cgroup.procs");
                io::Write::write_all(
                    &mut std::fs::OpenOptions::new().write(true).open(procs)?,
                    pid.as_bytes(),
                )?;
            }
        }
        Ok(fleet)
    }

    fn group(
        &self,
        hierarchy: &Hierarchy,
        number: usize,
    ) -> Result<Group, Box<dyn std::error::Error>> {
        Ok(hierarchy.group(&format!("{}/c{number:04}", self.name))?)
    }

    fn create(&mut self, group: &Group) -> io::Result<Vec<PathBuf>> {
        let mut made: Vec<PathBuf> = Vec::new();
        for controller in CONTROLLERS {
            let Some(directory) = group.directory(controller) else { continue };
            if !made.iter().any(|known| **known == **directory) {
                std::fs::create_dir(directory)?;
                made.push(directory.to_path_buf());
                self.directories.push(directory.to_path_buf());
            }
        }
        Ok(made)
    }
}

/// A tree without these controllers (beside version 1) is measured as it is.
fn only_where_offered(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => Ok(()),
        _ => Err(error),
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in &mut self.children {
            if child.kill().and_then(|()| child.wait()).is_err() {
                continue;
            }
        }
        // The sleeps of killed shells end within a second.
        for directory in self.directories.iter().rev() {
            while std::fs::remove_dir(directory)
                .is_err_and(|error| error.kind() == io::ErrorKind::ResourceBusy)
            {
                std::thread::yield_now();
            }
        }
    }
}

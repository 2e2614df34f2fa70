//! What containers used that end before anybody's tick comes round.
//!
//! Each container's cgroup is opened as soon as its start is told, and read at short intervals while
//! it is young: a runtime removes the group within milliseconds of the end, and with it the counters.

use std::{collections::BTreeMap, time::Duration};

use collector::{
    hierarchy::Hierarchy,
    kernel::Kernel,
    reader::Reader,
    usage::{Depth, Usage},
};
use daemon::stop::Stop;
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};

use crate::{container::Phase, registry::News};

/// Containers read at once at most; of more the use is not known if they end early.
const YOUNG_MAX: usize = 256;
/// For so long a container is young. Later the collectors' own ticks have seen it.
const YOUTH: Duration = Duration::from_secs(3);
const EVERY: Duration = Duration::from_millis(20);

/// News, and what the container used.
#[derive(Clone, Debug)]
pub struct Told {
    pub news: News,
    /// The last reading of a container that ended young, where there is any.
    pub usage: Option<Usage>,
}

/// Reads young containers.
#[derive(Debug)]
pub struct Early {
    kernel: Kernel,
    /// `None` where the machine has no cgroups.
    hierarchy: Option<Hierarchy>,
    young: BTreeMap<String, (Reader, Instant)>,
}

impl Early {
    pub fn new(mut kernel: Kernel) -> Self {
        let hierarchy = Hierarchy::detect(&mut kernel).ok();
        Self { kernel, hierarchy, young: BTreeMap::new() }
    }

    /// Passes on news until `stop`, with what was used where it is known.
    pub async fn run(
        mut self,
        mut news: mpsc::Receiver<News>,
        mut tell: impl FnMut(Told) + Send,
        stop: Stop,
    ) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let next = tokio::select! {
                next = news.recv() => match next {
                    Some(news) => Some(news),
                    None => return,
                },
                _now = ticks.tick(), if !self.young.is_empty() => None,
                () = stop.stopped() => return,
            };
            // Reading a cgroup may wait for a lock of the kernel's.
            let read = tokio::task::spawn_blocking(move || {
                let told = match next {
                    Some(news) => Some(self.hear(news)),
                    None => {
                        self.read();
                        None
                    }
                };
                (self, told)
            });
            let Ok((own, told)) = read.await else { return };
            self = own;
            if let Some(told) = told {
                tell(told);
            }
        }
    }

    fn hear(&mut self, news: News) -> Told {
        let usage = match news.phase {
            Phase::Running => {
                self.open(&news);
                None
            }
            _ => self.close(&news.container.id),
        };
        Told { news, usage }
    }

    fn open(&mut self, news: &News) {
        let container = &news.container;
        let ended = container.facts.state.phase == Phase::Exited;
        let (Some(hierarchy), false) = (&self.hierarchy, ended) else { return };
        if container.facts.cgroup.is_empty() || self.young.len() >= YOUNG_MAX {
            return;
        }
        let Ok(group) = hierarchy.group(&container.facts.cgroup) else { return };
        if let Ok(mut reader) = Reader::open(&mut self.kernel, hierarchy, group) {
            let _first = reader.read(&mut self.kernel, Depth::Fast).is_ok();
            self.young.insert(container.id.clone(), (reader, Instant::now()));
        }
    }

    fn close(&mut self, id: &str) -> Option<Usage> {
        let (mut reader, _) = self.young.remove(id)?;
        // Gone already, most times; then the last reading stands.
        let _last = reader.read(&mut self.kernel, Depth::Fast).is_ok();
        Some(reader.usage().clone())
    }

    fn read(&mut self) {
        let Self { kernel, young, .. } = self;
        young.retain(|_, (_, since)| since.elapsed() < YOUTH);
        for (reader, _) in young.values_mut() {
            // One that is gone is kept until its end is told.
            let _gone = reader.read(kernel, Depth::Fast).is_err();
        }
    }
}

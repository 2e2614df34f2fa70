//! Memory for what is written once, read by many and given back together.
//!
//! Records go one behind the other into slabs. A full slab does not change any more, and of the one
//! that is being filled the writer goes on with a copy if a reader holds it. So a query takes along
//! a view of all slabs and the places of what it wants; nothing is copied for it, and it reads
//! without a lock. A slab whose records have all been released goes back to the allocator once no
//! view has it. Series are flushed together, so that hardly any slab stays for few records.

use std::sync::Arc;

/// Bytes of a slab: a quarter of all that is in use, within these bounds, as most tenants are small.
const SLAB_MIN: usize = 256;
const SLAB_MAX: usize = 64 << 10;
/// Records that take more, in bytes, have a slab of their own.
const OWN_MIN: usize = SLAB_MAX / 4;

/// Where a record begins. Packed, as each series has one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(Rust, packed(2))]
pub(crate) struct Place {
    pub(crate) slab: u32,
    pub(crate) at: u16,
}

/// Stands for a slab and all its copies.
#[derive(Debug)]
pub(crate) struct Mark;

#[derive(Debug)]
pub(crate) struct Slab {
    bytes: Vec<u8>,
    mark: Arc<Mark>,
}

impl Clone for Slab {
    /// With as much room.
    fn clone(&self) -> Self {
        let mut bytes = Vec::with_capacity(self.bytes.capacity());
        bytes.extend_from_slice(&self.bytes);
        Self { bytes, mark: Arc::clone(&self.mark) }
    }
}

/// All records at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// By number.
    full: Arc<Vec<Option<Arc<Slab>>>>,
    /// The one that is being filled, and its number.
    filling: Option<(u32, Arc<Slab>)>,
}

impl View {
    fn slab(&self, number: u32) -> Option<&Slab> {
        match &self.filling {
            Some((filling, slab)) if *filling == number => Some(slab),
            _ => self.full.get(number as usize)?.as_deref(),
        }
    }

    /// Has memory bring what begins at some places, all at once: whoever reads them one by one waits
    /// for each.
    pub(crate) fn expect(&self, places: &[Place]) {
        /// Bytes of a cache line; most records are on two.
        const LINE: usize = 64;
        let touched = places.iter().fold(0, |touched, place| {
            let bytes = self.slab(place.slab).map_or(&[][..], |slab| &slab.bytes);
            let (first, second) = (usize::from(place.at), usize::from(place.at) + LINE);
            let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
            touched ^ byte(first) ^ byte(second)
        });
        std::hint::black_box(touched);
    }

    /// The bytes from a place on, and what stands for their slab.
    pub(crate) fn from(&self, place: Place) -> Option<(&[u8], &Arc<Mark>)> {
        let slab = self.slab(place.slab)?;
        Some((slab.bytes.get(usize::from(place.at)..)?, &slab.mark))
    }
}

/// What writes records.
#[derive(Debug, Default)]
pub(crate) struct Slabs {
    view: View,
    /// How many records of each slab are in use.
    live: Vec<u32>,
    /// Numbers without a slab.
    free: Vec<u32>,
    used: usize,
    heap: usize,
}

impl Slabs {
    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    /// Bytes of records in use.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used
    }

    /// Bytes that the allocator has given, but for what only views still hold.
    pub(crate) fn heap_bytes(&self) -> usize {
        let each = size_of::<Option<Arc<Slab>>>() + 2 * size_of::<u32>();
        self.heap + self.live.capacity() * each
    }

    /// Adds a record of up to `most` bytes, which `write` appends; it is told the number of the slab.
    pub(crate) fn append(&mut self, most: usize, write: impl FnOnce(u32, &mut Vec<u8>)) -> Place {
        if most > OWN_MIN {
            return self.append_alone(most, write);
        }
        let room = |slab: &Slab| slab.bytes.capacity() - slab.bytes.len();
        let (number, mut slab) = match self.view.filling.take() {
            Some((number, slab)) if room(&slab) >= most => (number, slab),
            filling => {
                if let Some((number, slab)) = filling {
                    self.keep(number, slab);
                }
                self.begin((self.used / 4).clamp(SLAB_MIN, SLAB_MAX).max(most))
            }
        };
        // Copied first if a view has it.
        let bytes = &mut Arc::make_mut(&mut slab).bytes;
        let at = bytes.len();
        write(number, bytes);
        self.used += bytes.len() - at;
        debug_assert!(bytes.len() - at <= most, "slabs do not grow");
        self.live[number as usize] += 1;
        self.view.filling = Some((number, slab));
        // No slab with several records has more than 64 KiB.
        Place { slab: number, at: at as u16 }
    }

    fn append_alone(&mut self, most: usize, write: impl FnOnce(u32, &mut Vec<u8>)) -> Place {
        let (number, mut slab) = self.begin(most);
        let bytes = &mut Arc::make_mut(&mut slab).bytes;
        write(number, bytes);
        self.used += bytes.len();
        self.live[number as usize] += 1;
        self.keep(number, slab);
        Place { slab: number, at: 0 }
    }

    fn begin(&mut self, capacity: usize) -> (u32, Arc<Slab>) {
        let number = self.free.pop().unwrap_or(self.live.len() as u32);
        if number as usize == self.live.len() {
            self.live.push(0);
        }
        let slab = Slab { bytes: Vec::with_capacity(capacity), mark: Arc::new(Mark) };
        self.heap += slab.bytes.capacity();
        (number, Arc::new(slab))
    }

    fn keep(&mut self, number: u32, slab: Arc<Slab>) {
        let full = Arc::make_mut(&mut self.view.full);
        if full.len() <= number as usize {
            full.resize(number as usize + 1, None);
        }
        full[number as usize] = Some(slab);
    }

    /// Gives back a record of so many bytes.
    pub(crate) fn release(&mut self, place: Place, length: usize) {
        let number = place.slab;
        let Some(live) = self.live.get_mut(number as usize) else { return };
        self.used -= length;
        *live -= 1;
        if *live > 0 {
            return;
        }
        let gone = match self.view.filling.take() {
            Some((filling, slab)) if filling == number => Some(slab),
            other => {
                self.view.filling = other;
                let full = Arc::make_mut(&mut self.view.full);
                full.get_mut(number as usize).and_then(Option::take)
            }
        };
        self.heap -= gone.map_or(0, |slab| slab.bytes.capacity());
        self.free.push(number);
    }
}

#[cfg(test)]
mod tests;

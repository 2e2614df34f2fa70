//! Names and values of labels, one behind the other, as each alone would cost its text again.

/// Bytes of forgotten texts that are not worth copying the others for.
const DEAD_MIN: usize = 4096;

/// Room that is made for more, at least, in bytes.
const STEP: usize = 256;

/// Many texts.
#[derive(Debug, Default)]
pub(super) struct Texts {
    all: String,
    /// Bytes of those that were forgotten.
    dead: usize,
}

/// Where a text is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Text {
    start: u32,
    length: u32,
}

impl Texts {
    /// Whether so many bytes can be added.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.all.len() + bytes <= u32::MAX as usize
    }

    /// Adds a text, for which there must be room.
    pub(super) fn push(&mut self, text: &str) -> Text {
        if self.all.capacity() - self.all.len() < text.len() {
            self.all.reserve_exact(text.len().max(self.all.len() / 4).max(STEP));
        }
        let place = Text { start: self.all.len() as u32, length: text.len() as u32 };
        self.all.push_str(text);
        place
    }

    pub(super) fn get(&self, text: Text) -> &str {
        let start = text.start as usize;
        self.all.get(start..start + text.length as usize).unwrap_or_default()
    }

    /// Forgets a text. The others stay where they are until [`Self::compact`].
    pub(super) fn forget(&mut self, text: Text) {
        self.dead += text.length as usize;
    }

    /// Gives back the room of forgotten texts once they are as much as the others, which are moved
    /// together: `places` must be all of them.
    pub(super) fn compact<'a>(&mut self, places: impl Iterator<Item = &'a mut Text>) {
        let live = self.all.len() - self.dead;
        if self.dead < live.max(DEAD_MIN) {
            return;
        }
        let before = std::mem::take(self);
        self.all.reserve_exact(live + live / 4);
        for place in places {
            *place = self.push(before.get(*place));
        }
    }

    /// Memory in bytes.
    pub(super) fn heap_bytes(&self) -> usize {
        self.all.capacity()
    }
}

#[cfg(test)]
mod tests;

//! Things that both ends number, each in its own way: sessions by channel, links by handle.

/// Our number is the place in a vector, so that it stays small; the peer's is searched for.
#[derive(Debug)]
pub(super) struct Slots<T> {
    ours: Vec<Option<T>>,
    /// The peer's number and ours, in order of the peer's.
    theirs: Vec<(u32, u16)>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { ours: Vec::new(), theirs: Vec::new() }
    }
}

impl<T> Slots<T> {
    /// The lowest free number of ours, if there is one up to `max`.
    pub(super) fn vacant(&self, max: u16) -> Option<u16> {
        let free = self.ours.iter().position(Option::is_none).unwrap_or(self.ours.len());
        u16::try_from(free).ok().filter(|&free| free <= max)
    }

    /// Puts `value` where [`Slots::vacant`] said; the peer's number must not be in use.
    pub(super) fn insert(&mut self, ours: u16, theirs: u32, value: T) {
        let at = usize::from(ours);
        if at == self.ours.len() {
            if at == 0 {
                self.ours.reserve_exact(1); // most have one session
            }
            self.ours.push(Some(value));
        } else if let Some(slot) = self.ours.get_mut(at) {
            *slot = Some(value);
        }
        let place = self.theirs.partition_point(|&(number, _)| number < theirs);
        self.theirs.insert(place, (theirs, ours));
    }

    /// Our number for the peer's.
    pub(super) fn find(&self, theirs: u32) -> Option<u16> {
        let place = self.theirs.binary_search_by_key(&theirs, |&(number, _)| number).ok()?;
        self.theirs.get(place).map(|&(_, ours)| ours)
    }

    pub(super) fn at(&self, ours: u16) -> Option<&T> {
        self.ours.get(usize::from(ours))?.as_ref()
    }

    pub(super) fn at_mut(&mut self, ours: u16) -> Option<&mut T> {
        self.ours.get_mut(usize::from(ours))?.as_mut()
    }

    pub(super) fn remove(&mut self, ours: u16) -> Option<T> {
        self.unmap(ours);
        let value = self.ours.get_mut(usize::from(ours))?.take();
        while let Some(None) = self.ours.last() {
            self.ours.pop();
        }
        value
    }

    /// The peer may use its number for another; ours stays.
    pub(super) fn unmap(&mut self, ours: u16) {
        self.theirs.retain(|&(_, number)| number != ours);
    }

    /// With our numbers, in their order.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (u16, &mut T)> {
        self.ours.iter_mut().enumerate().filter_map(|(at, slot)| Some((u16::try_from(at).ok()?, slot.as_mut()?)))
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.ours.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again() {
        let mut slots = Slots::default();
        for (theirs, name) in [(7, "a"), (3, "b"), (9, "c")] {
            let ours = slots.vacant(2).unwrap();
            slots.insert(ours, theirs, name);
        }
        assert_eq!((slots.vacant(2), slots.vacant(3)), (None, Some(3)));
        assert_eq!((slots.find(7), slots.find(3), slots.find(9), slots.find(4)), (Some(0), Some(1), Some(2), None));
        assert_eq!((slots.remove(1), slots.remove(1)), (Some("b"), None));
        assert_eq!((slots.find(3), slots.at(1), slots.vacant(2)), (None, None, Some(1)));
        slots.insert(1, 3, "d");
        assert_eq!((slots.find(3), slots.at(1)), (Some(1), Some(&"d")));
        assert_eq!(slots.iter_mut().map(|(ours, _)| ours).collect::<Vec<_>>(), [0, 1, 2]);
        for ours in [1, 2, 0] {
            slots.remove(ours);
        }
        assert!(slots.ours.is_empty() && slots.theirs.is_empty());
    }
}

//! Records under small numbers that stay theirs until they are taken out.

/// A growing row of records. A number is given again once its record was taken out, so whoever keeps one has to
/// forget it then.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn insert(&mut self, record: T) -> u32 {
        if let Some(number) = self.free.pop() {
            self.slots[number as usize] = Some(record);
            return number;
        }
        let number =
            u32::try_from(self.slots.len()).expect("fewer than 2^32 records fit into memory");
        self.slots.push(Some(record));
        number
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let record = self.slots.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(record)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize)?.as_ref()
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> &[Option<T>] {
        &self.slots
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The records from a number on, with the number after each of them.
    pub(super) fn from(&self, number: usize) -> impl Iterator<Item = (usize, &T)> {
        let rest = self.slots.get(number..).unwrap_or_default();
        rest.iter()
            .enumerate()
            .filter_map(move |(at, slot)| Some((number + at + 1, slot.as_ref()?)))
    }
}

/// The record of a number that is known to have one: every place that keeps a number is cleared with its record.
impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;

    fn index(&self, number: u32) -> &T {
        self.get(number)
            .expect("a number that is kept has a record")
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, number: u32) -> &mut T {
        let slot = self.slots.get_mut(number as usize).and_then(Option::as_mut);
        slot.expect("a number that is kept has a record")
    }
}

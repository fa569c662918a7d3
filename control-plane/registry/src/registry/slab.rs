//! Records under small numbers that stay theirs until they are taken out.

/// A growing row of records. A number is given again once its record was taken out, so whoever keeps one has to
/// forget it then.
///
/// It grows by whole chunks, which never move: a table that doubles does not stand still to be copied, nor does it take
/// three times its size meanwhile.
#[derive(Debug)]
pub(super) struct Slab<T> {
    /// All of them are full but the last one.
    chunks: Vec<Vec<Option<T>>>,
    free: Vec<u32>,
    slots: usize,
}

/// Slots of a chunk.
const CHUNK: usize = 1 << 12;

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            slots: 0,
        }
    }

    pub(super) fn insert(&mut self, record: T) -> u32 {
        if let Some(number) = self.free.pop() {
            let (chunk, at) = place(number as usize);
            self.chunks[chunk][at] = Some(record);
            return number;
        }
        let number = u32::try_from(self.slots).expect("fewer than 2^32 records fit into memory");
        self.slots += 1;
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(Some(record)),
            // What is small stays small.
            None => self.chunks.push(vec![Some(record)]),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(Some(record));
                self.chunks.push(chunk);
            }
        }
        number
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let record = self.slot_mut(number)?.take()?;
        self.free.push(number);
        Some(record)
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let (chunk, at) = place(number as usize);
        self.chunks.get(chunk)?.get(at)?.as_ref()
    }

    fn slot_mut(&mut self, number: u32) -> Option<&mut Option<T>> {
        let (chunk, at) = place(number as usize);
        self.chunks.get_mut(chunk)?.get_mut(at)
    }

    #[cfg(test)]
    pub(super) fn slots(&self) -> impl Iterator<Item = &Option<T>> {
        self.chunks.iter().flatten()
    }

    pub(super) fn len(&self) -> usize {
        self.slots - self.free.len()
    }

    /// The records from a number on, with the number after each of them.
    pub(super) fn from(&self, number: usize) -> impl Iterator<Item = (usize, &T)> {
        let (first, at) = place(number);
        let chunks = self.chunks.iter().enumerate().skip(first);
        chunks.flat_map(move |(chunk, slots)| {
            let skipped = if chunk == first { at } else { 0 };
            let slots = slots.iter().enumerate().skip(skipped);
            slots.filter_map(move |(at, slot)| Some((chunk * CHUNK + at + 1, slot.as_ref()?)))
        })
    }
}

/// The chunk of a slot, and its place there.
const fn place(number: usize) -> (usize, usize) {
    (number / CHUNK, number % CHUNK)
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
        let slot = self.slot_mut(number).and_then(Option::as_mut);
        slot.expect("a number that is kept has a record")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_across_chunks_and_are_given_again() {
        let chunk = u32::try_from(CHUNK).unwrap();
        let most = 3 * chunk + 5;
        let mut slab = Slab::new();
        for number in 0..most {
            assert_eq!(slab.insert(number), number);
        }
        let gone = [0, chunk - 1, chunk, 2 * chunk + 7, most - 1];
        for number in gone {
            assert_eq!(slab.remove(number), Some(number));
            assert_eq!(slab.remove(number), None);
        }
        assert_eq!(slab.len(), most as usize - gone.len());
        for from in [
            0,
            1,
            chunk - 1,
            chunk,
            2 * chunk + 6,
            most - 1,
            most,
            9 * chunk,
        ] {
            let listed = slab.from(from as usize);
            let listed = listed.map(|(next, number)| (next, *number));
            let rest = (from..most).filter(|number| !gone.contains(number));
            let rest = rest.map(|number| (number as usize + 1, number));
            assert!(listed.eq(rest), "from {from}");
        }
        assert_eq!(slab.insert(7), most - 1);
        assert_eq!((slab[most - 1], slab.get(most)), (7, None));
    }
}

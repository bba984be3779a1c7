//! Tensors that start where one says, in one memory.

use self::huge_pages::HUGE_PAGE;

mod huge_pages;

/// Tensors of `f32` one behind the other, each at a given place of a page.
///
/// What [`Vec`] gives starts 16 bytes into a page where it is large, so that every load of 64 bytes
/// would touch two lines of the cache; and two streams at the same place of their pages hinder each
/// other, because a processor first compares the low bits of a load's address with those of the stores
/// before it.
///
/// From 4 MiB on the system is asked for huge pages, as it is for the memory of a kernel.
#[derive(Debug)]
pub struct Arena<const N: usize> {
    storage: Vec<f32>,
    /// Where each begins in the storage, and its elements.
    places: [(usize, usize); N],
}

const PAGE: usize = 4096 / size_of::<f32>();
/// Elements of a huge page.
const BLOCK: usize = HUGE_PAGE / size_of::<f32>();
/// Elements of 64 MiB, more than glibc keeps when it is given back: such memory comes from the system, with
/// no small page in it, and returns there, so that nobody inherits the huge ones. What is not touched of
/// it costs nothing.
const FRESH: usize = 32 * BLOCK;
/// Elements of a line of the cache.
const LINE: usize = 16;

impl<const N: usize> Arena<N> {
    /// Tensors of these lengths, all zero; each begins as many times 64 bytes behind the start of a page
    /// as its second number says.
    #[must_use]
    pub fn new(tensors: [(usize, usize); N]) -> Self {
        let mut end = 0_usize;
        let places = tensors.map(|(length, lines)| {
            let start = end.next_multiple_of(PAGE) + lines * LINE;
            end = start + length;
            (start, length)
        });
        let blocks = end.next_multiple_of(BLOCK);
        let large = end >= 2 * BLOCK;
        let mut storage = vec![0.0; blocks + if large { FRESH } else { BLOCK }];
        let base = storage.as_ptr().align_offset(HUGE_PAGE);
        if large {
            huge_pages::advise(&mut storage[base..][..blocks]);
        }
        Self {
            storage,
            places: places.map(|(start, length)| (base + start, length)),
        }
    }

    /// The tensors, in the order in which they were given.
    pub fn tensors(&mut self) -> [&mut [f32]; N] {
        let ranges = self.places.map(|(start, length)| start..start + length);
        let tensors = self.storage.get_disjoint_mut(ranges);
        tensors.expect("the tensors stand one behind the other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_stand_where_they_should_and_apart() {
        let tensors = [(0, 0), (1, 5), (1000, 16), (1024, 0), (5000, 63)];
        let mut arena = Arena::new(tensors);
        for (index, tensor) in (0_u8..).zip(arena.tensors()) {
            assert!(tensor.iter().all(|element| *element == 0.0));
            tensor.fill(f32::from(index) + 1.0);
        }
        for ((index, (length, lines)), tensor) in (0_u8..).zip(tensors).zip(arena.tensors()) {
            assert_eq!(tensor, vec![f32::from(index) + 1.0; length]);
            assert_eq!(tensor.as_ptr().addr() % 4096, lines * 64);
        }
    }

    #[test]
    fn large_tensors_begin_at_a_huge_page() {
        let mut arena = Arena::new([(3 << 20, 0), (1 << 20, 16)]);
        let [first, second] = arena.tensors();
        assert_eq!(first.as_ptr().addr() % HUGE_PAGE, 0);
        assert!(first.iter().chain(&*second).all(|element| *element == 0.0));
        first.fill(1.0);
        second.fill(2.0);
        assert_eq!((first[3 << 19], second[1 << 19]), (1.0, 2.0));
    }
}

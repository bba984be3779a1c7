//! Tensors that start where one says.

/// `f32` elements that start at a given place of a page.
///
/// What [`Vec`] gives starts 16 bytes into a page where it is large, so that every load of 64 bytes
/// would touch two lines of the cache; and two streams at the same place of their pages hinder each
/// other, because a processor first compares the low bits of a load's address with those of the stores
/// before it.
#[derive(Debug)]
pub struct Aligned {
    storage: Vec<f32>,
    start: usize,
    length: usize,
}

const PAGE: usize = 4096;
/// Elements of a line of the cache.
const LINE: usize = 16;

impl Aligned {
    /// Copies the elements to `lines` times 64 bytes behind the start of a page.
    #[must_use]
    pub fn new(elements: &[f32], lines: usize) -> Self {
        let skew = lines * LINE;
        let mut storage = vec![0.0; elements.len() + skew + PAGE / size_of::<f32>()];
        let start = storage.as_ptr().align_offset(PAGE) + skew;
        storage[start..][..elements.len()].copy_from_slice(elements);
        Self {
            storage,
            start,
            length: elements.len(),
        }
    }

    /// The elements.
    #[must_use]
    pub fn as_slice(&self) -> &[f32] {
        &self.storage[self.start..][..self.length]
    }

    /// The elements.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stand_where_they_should() {
        for (count, lines) in [(0, 0), (1, 0), (1000, 16), (5000, 63)] {
            let elements = vec![1.5; count];
            let aligned = Aligned::new(&elements, lines);
            assert_eq!(aligned.as_slice(), elements);
            assert_eq!(aligned.as_slice().as_ptr().addr() % PAGE, lines * 64);
        }
    }
}

use kpack_guest::simd::{f32x4_splat, v128};

use crate::Number;

/// How elements are read and written.
pub trait Access {
    /// Two vectors.
    ///
    /// # Safety
    ///
    /// `at` is valid for reading eight elements.
    unsafe fn load8<A: Number>(&mut self, at: *const A) -> [v128; 2];

    /// Writes two vectors.
    ///
    /// # Safety
    ///
    /// `at` is valid for writing eight elements.
    unsafe fn store8<T: Number>(&mut self, at: *mut T, values: [v128; 2]);
}

/// Right for every number.
pub struct Careful;

impl Access for Careful {
    #[inline(always)]
    unsafe fn load8<A: Number>(&mut self, at: *const A) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { A::load8(at) }
    }

    #[inline(always)]
    unsafe fn store8<T: Number>(&mut self, at: *mut T, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { T::store8(at, values) }
    }
}

/// Right for the numbers that are usual, and aware of others: many conversions share one test, whether they
/// have to be done again. One type is read with it and one is written.
pub struct Usual {
    read: v128,
    written: v128,
}

impl Usual {
    /// Before the first element.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "a start, not a default")]
    pub fn new() -> Self {
        Self {
            read: f32x4_splat(0.0),
            written: f32x4_splat(0.0),
        }
    }

    /// Whether all was right that was read as `A` and written as `T`.
    #[must_use]
    #[inline(always)]
    pub fn was_right<A: Number, T: Number>(&self) -> bool {
        !A::in_doubt(self.read) && !T::in_doubt(self.written)
    }
}

impl Access for Usual {
    #[inline(always)]
    unsafe fn load8<A: Number>(&mut self, at: *const A) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { A::load8_usual(at, &mut self.read) }
    }

    #[inline(always)]
    unsafe fn store8<T: Number>(&mut self, at: *mut T, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { T::store8_usual(at, values, &mut self.written) }
    }
}

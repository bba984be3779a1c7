use kpack_guest::simd::v128;

use crate::{Doubt, Number};

/// How elements are read and written.
pub trait Access<T: Number> {
    /// Two vectors.
    ///
    /// # Safety
    ///
    /// `at` is valid for reading eight elements.
    unsafe fn load8(&mut self, at: *const T) -> [v128; 2];

    /// Writes two vectors.
    ///
    /// # Safety
    ///
    /// `at` is valid for writing eight elements.
    unsafe fn store8(&mut self, at: *mut T, values: [v128; 2]);
}

/// Right for every number.
pub struct Careful;

impl<T: Number> Access<T> for Careful {
    #[inline(always)]
    unsafe fn load8(&mut self, at: *const T) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { T::load8(at) }
    }

    #[inline(always)]
    unsafe fn store8(&mut self, at: *mut T, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { T::store8(at, values) }
    }
}

/// Right for the numbers that are usual, and aware of others: many conversions share one test, whether they
/// have to be done again.
pub struct Usual<T: Number> {
    doubt: T::Doubt,
}

impl<T: Number> Usual<T> {
    /// Before the first element.
    #[must_use]
    #[inline(always)]
    #[expect(clippy::new_without_default, reason = "a start, not a default")]
    pub fn new() -> Self {
        Self {
            doubt: T::Doubt::none(),
        }
    }

    /// Whether all was right that was read and written.
    #[must_use]
    #[inline(always)]
    pub fn was_right(&self) -> bool {
        !self.doubt.is_any()
    }
}

impl<T: Number> Access<T> for Usual<T> {
    #[inline(always)]
    unsafe fn load8(&mut self, at: *const T) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { T::load8_usual(at, &mut self.doubt) }
    }

    #[inline(always)]
    unsafe fn store8(&mut self, at: *mut T, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { T::store8_usual(at, values, &mut self.doubt) }
    }
}

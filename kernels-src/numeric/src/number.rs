use kpack_guest::simd::{
    LANES, bf16_in_doubt, f16_in_doubt, load, load_bf16x8, load_f16x8, load_usual_f16x8, store,
    store_bf16x8, store_f16x8, store_usual_bf16x8, store_usual_f16x8, v128,
};
use kpack_guest::{Bf16, Element, F16};

/// An element type that kernels compute with in `f32`: read exactly, written with one rounding.
pub trait Number: Element {
    /// Zero.
    const ZERO: Self;

    /// The value of one element.
    fn widen(self) -> f32;

    /// Two vectors.
    ///
    /// # Safety
    ///
    /// `at` is valid for reading eight elements.
    unsafe fn load8(at: *const Self) -> [v128; 2];

    /// Writes two vectors, rounded to the nearest elements, of two as near to the even one.
    ///
    /// # Safety
    ///
    /// `at` is valid for writing eight elements.
    unsafe fn store8(at: *mut Self, values: [v128; 2]);

    /// As [`load8`](Self::load8), faster, unless `doubt` is [in doubt](Self::in_doubt) afterwards.
    ///
    /// # Safety
    ///
    /// `at` is valid for reading eight elements.
    #[inline(always)]
    unsafe fn load8_usual(at: *const Self, _doubt: &mut v128) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { Self::load8(at) }
    }

    /// As [`store8`](Self::store8), faster, unless `doubt` is [in doubt](Self::in_doubt) afterwards.
    ///
    /// # Safety
    ///
    /// `at` is valid for writing eight elements.
    #[inline(always)]
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], _doubt: &mut v128) {
        // SAFETY: passed on to the caller.
        unsafe { Self::store8(at, values) }
    }

    /// Whether what was read or written since `doubt` was zero has to be again, the careful way.
    #[inline(always)]
    fn in_doubt(_doubt: v128) -> bool {
        false
    }
}

impl Number for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    unsafe fn load8(at: *const Self) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { [load(at), load(at.add(LANES))] }
    }

    #[inline(always)]
    unsafe fn store8(at: *mut Self, [low, high]: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe {
            store(at, low);
            store(at.add(LANES), high);
        }
    }
}

impl Number for F16 {
    const ZERO: Self = Self::from_bits(0);

    #[inline(always)]
    fn widen(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    unsafe fn load8(at: *const Self) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load_f16x8(at) }
    }

    #[inline(always)]
    unsafe fn store8(at: *mut Self, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { store_f16x8(at, values) }
    }

    #[inline(always)]
    unsafe fn load8_usual(at: *const Self, doubt: &mut v128) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load_usual_f16x8(at, doubt) }
    }

    #[inline(always)]
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], doubt: &mut v128) {
        // SAFETY: passed on to the caller.
        unsafe { store_usual_f16x8(at, values, doubt) }
    }

    #[inline(always)]
    fn in_doubt(doubt: v128) -> bool {
        f16_in_doubt(doubt)
    }
}

impl Number for Bf16 {
    const ZERO: Self = Self::from_bits(0);

    #[inline(always)]
    fn widen(self) -> f32 {
        self.to_f32()
    }

    #[inline(always)]
    unsafe fn load8(at: *const Self) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load_bf16x8(at) }
    }

    #[inline(always)]
    unsafe fn store8(at: *mut Self, values: [v128; 2]) {
        // SAFETY: passed on to the caller.
        unsafe { store_bf16x8(at, values) }
    }

    #[inline(always)]
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], doubt: &mut v128) {
        // SAFETY: passed on to the caller.
        unsafe { store_usual_bf16x8(at, values, doubt) }
    }

    #[inline(always)]
    fn in_doubt(doubt: v128) -> bool {
        bf16_in_doubt(doubt)
    }
}

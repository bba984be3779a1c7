use kpack_guest::simd::{
    LANES, load, load_bf16x8, load_f16x8, store, store_bf16x8, store_f16x8, v128,
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
}

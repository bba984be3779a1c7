use kpack_guest::simd::{
    Bf16Doubt, F16Doubt, LANES, load, load_bf16x8, load_f16x8, load_usual_f16x8, store,
    store_bf16x8, store_f16x8, store_usual_bf16x8, store_usual_f16x8, v128,
};
use kpack_guest::{Bf16, Element, F16};

/// An element type that kernels compute with in `f32`: read exactly, written with one rounding.
pub trait Number: Element {
    /// Whether what was read or written has to be again, the careful way.
    type Doubt: Doubt;

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

    /// As [`load8`](Self::load8), faster, unless `doubt` [is any](Doubt::is_any) afterwards.
    ///
    /// # Safety
    ///
    /// `at` is valid for reading eight elements.
    #[inline(always)]
    unsafe fn load8_usual(at: *const Self, _doubt: &mut Self::Doubt) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { Self::load8(at) }
    }

    /// As [`store8`](Self::store8), faster, unless `doubt` [is any](Doubt::is_any) afterwards.
    ///
    /// # Safety
    ///
    /// `at` is valid for writing eight elements.
    #[inline(always)]
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], _doubt: &mut Self::Doubt) {
        // SAFETY: passed on to the caller.
        unsafe { Self::store8(at, values) }
    }
}

/// What gathers whether fast conversions were right.
pub trait Doubt {
    /// Before the first of them.
    fn none() -> Self;

    /// Whether any may have been wrong.
    fn is_any(&self) -> bool;
}

/// Of numbers whose only conversions are right.
impl Doubt for () {
    #[inline(always)]
    fn none() -> Self {}

    #[inline(always)]
    fn is_any(&self) -> bool {
        false
    }
}

impl Doubt for F16Doubt {
    #[inline(always)]
    fn none() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn is_any(&self) -> bool {
        self.is_any()
    }
}

impl Doubt for Bf16Doubt {
    #[inline(always)]
    fn none() -> Self {
        Self::new()
    }

    #[inline(always)]
    fn is_any(&self) -> bool {
        self.is_any()
    }
}

impl Number for f32 {
    type Doubt = ();

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
    type Doubt = F16Doubt;

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
    unsafe fn load8_usual(at: *const Self, doubt: &mut Self::Doubt) -> [v128; 2] {
        // SAFETY: passed on to the caller.
        unsafe { load_usual_f16x8(at, doubt) }
    }

    #[inline(always)]
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], doubt: &mut Self::Doubt) {
        // SAFETY: passed on to the caller.
        unsafe { store_usual_f16x8(at, values, doubt) }
    }
}

impl Number for Bf16 {
    type Doubt = Bf16Doubt;

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
    unsafe fn store8_usual(at: *mut Self, values: [v128; 2], doubt: &mut Self::Doubt) {
        // SAFETY: passed on to the caller.
        unsafe { store_usual_bf16x8(at, values, doubt) }
    }
}

use kpack_guest::simd::f32x4_add;
use numeric::map;

/// Writes the sums of two rows.
///
/// # Safety
///
/// `x` and `residual` are valid for reading `length` elements, `sum` for writing as many.
#[inline(always)]
pub(crate) unsafe fn add(x: *const f32, residual: *const f32, sum: *mut f32, length: usize) {
    // SAFETY: passed on to the caller.
    unsafe {
        map([x, residual], sum, length, |[x, residual]| {
            f32x4_add(x, residual)
        })
    }
}

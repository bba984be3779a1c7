use kpack_guest::simd::v128;

use crate::{Access, Careful, Number, Usual};

/// Elements that one turn of the loop works on: so many that the engine's check for an interruption,
/// once a turn, does not count.
const BLOCK: usize = 4 * STEP;
/// What the loads and stores of halves work on.
const STEP: usize = 8;

/// Writes `value` of the elements that stand at the same place in each input.
///
/// # Safety
///
/// Each input is valid for reading `length` elements, `y` for writing as many. Unless all are `f32`, `y`
/// overlaps none of the inputs.
#[inline(always)]
pub unsafe fn map<A: Number, T: Number, const N: usize>(
    inputs: [*const A; N],
    y: *mut T,
    length: usize,
    value: impl Fn([v128; N]) -> v128,
) {
    let mut at = 0;
    // SAFETY: a step at `at` reads and writes up to at + 8 <= length.
    unsafe {
        while at + BLOCK <= length {
            let (inputs, y) = (inputs.map(|input| input.add(at)), y.add(at));
            let mut read = Usual::<A>::new();
            let mut written = Usual::<T>::new();
            block_of(inputs, y, &value, &mut read, &mut written);
            if !read.was_right() || !written.was_right() {
                careful_block_of(inputs, y, &value);
            }
            at += BLOCK;
        }
        while at + STEP <= length {
            step_of(
                inputs.map(|input| input.add(at)),
                y.add(at),
                &value,
                &mut Careful,
                &mut Careful,
            );
            at += STEP;
        }
        if at < length {
            last(
                inputs.map(|input| input.add(at)),
                y.add(at),
                length - at,
                &value,
            );
        }
    }
}

/// # Safety
///
/// Each input is valid for reading a block, `y` for writing one.
#[inline(always)]
unsafe fn block_of<A: Number, T: Number, const N: usize>(
    inputs: [*const A; N],
    y: *mut T,
    value: &impl Fn([v128; N]) -> v128,
    read: &mut impl Access<A>,
    written: &mut impl Access<T>,
) {
    let inputs = |step: usize| inputs.map(|input| input.wrapping_add(step));
    // SAFETY: the last step ends with the block. By name, for the compiler leaves a loop over so much a
    // loop.
    unsafe {
        step_of(inputs(0), y, value, read, written);
        step_of(inputs(STEP), y.add(STEP), value, read, written);
        step_of(inputs(2 * STEP), y.add(2 * STEP), value, read, written);
        step_of(inputs(3 * STEP), y.add(3 * STEP), value, read, written);
    }
}

/// # Safety
///
/// As for [`block_of`]. The inputs are what they were before the block was first written.
#[cold]
#[inline(never)]
unsafe fn careful_block_of<A: Number, T: Number, const N: usize>(
    inputs: [*const A; N],
    y: *mut T,
    value: &impl Fn([v128; N]) -> v128,
) {
    // SAFETY: passed on to the caller.
    unsafe { block_of(inputs, y, value, &mut Careful, &mut Careful) };
}

/// # Safety
///
/// Each input is valid for reading eight elements, `y` for writing as many.
#[inline(always)]
unsafe fn step_of<A: Number, T: Number, const N: usize>(
    inputs: [*const A; N],
    y: *mut T,
    value: &impl Fn([v128; N]) -> v128,
    read: &mut impl Access<A>,
    written: &mut impl Access<T>,
) {
    // SAFETY: passed on to the caller.
    unsafe {
        let loaded = inputs.map(|input| read.load8(input));
        let values = [0, 1].map(|half| value(loaded.map(|both| both[half])));
        written.store8(y, values);
    }
}

/// The last elements, as the first of a step whose rest is zero: they are rounded as all others.
///
/// # Safety
///
/// Each input is valid for reading `count` elements, `y` for writing as many; `count` is below 8.
#[inline(always)]
unsafe fn last<A: Number, T: Number, const N: usize>(
    inputs: [*const A; N],
    y: *mut T,
    count: usize,
    value: &impl Fn([v128; N]) -> v128,
) {
    let mut padded = [[A::ZERO; STEP]; N];
    let mut results = [T::ZERO; STEP];
    // SAFETY: `count` elements of each tensor are read and written; the padded ones are eight.
    unsafe {
        for (padded, input) in padded.iter_mut().zip(inputs) {
            for (i, padded) in padded.iter_mut().enumerate().take(count) {
                *padded = *input.add(i);
            }
        }
        let inputs: [*const A; N] = core::array::from_fn(|input| padded[input].as_ptr());
        step_of(
            inputs,
            results.as_mut_ptr(),
            value,
            &mut Careful,
            &mut Careful,
        );
        for (i, &result) in results.iter().enumerate().take(count) {
            *y.add(i) = result;
        }
    }
}

/// Writes each element as `f32`, after `value` of it.
///
/// # Safety
///
/// `x` is valid for reading `length` elements, `wide` for writing as many.
#[inline(always)]
pub unsafe fn widen<T: Number>(
    x: *const T,
    wide: *mut f32,
    length: usize,
    value: impl Fn(v128) -> v128,
) {
    // SAFETY: passed on to the caller.
    unsafe { map([x], wide, length, |[x]| value(x)) }
}

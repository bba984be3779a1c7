//! The walk over batch, positions and heads.

use kpack_guest::simd::{LANES, load, store};

use crate::pairs::Pairs;

/// The tensors of one call.
///
/// `x` and `y` are valid for `batch * seq * heads * dim` elements, `freqs` for `seq * 2 * half`, and
/// `2 * half <= dim`.
pub(crate) struct Job {
    pub(crate) x: *const f32,
    pub(crate) freqs: *const f32,
    pub(crate) y: *mut f32,
    pub(crate) batch: usize,
    pub(crate) seq: usize,
    pub(crate) heads: usize,
    pub(crate) dim: usize,
    pub(crate) half: usize,
}

/// # Safety
///
/// The fields of `job` are as [`Job`] says.
#[inline(always)]
pub(crate) unsafe fn rotate<P: Pairs>(job: &Job) {
    // SAFETY: passed on to the caller; a fixed shape is taken only where it is the job's.
    unsafe {
        match (job.dim, job.half) {
            (128, 64) => positions::<P, _>(job, Fixed::<128, 64>),
            (64, 32) => positions::<P, _>(job, Fixed::<64, 32>),
            (dim, half) => positions::<P, _>(job, Dynamic { dim, half }),
        }
    }
}

/// The lengths of a head. Where they are constants, every address in the inner loop is a pointer
/// plus a constant.
trait HeadShape: Copy {
    fn dim(self) -> usize;
    fn half(self) -> usize;
}

#[derive(Clone, Copy)]
struct Fixed<const DIM: usize, const HALF: usize>;

impl<const DIM: usize, const HALF: usize> HeadShape for Fixed<DIM, HALF> {
    #[inline(always)]
    fn dim(self) -> usize {
        DIM
    }

    #[inline(always)]
    fn half(self) -> usize {
        HALF
    }
}

#[derive(Clone, Copy)]
struct Dynamic {
    dim: usize,
    half: usize,
}

impl HeadShape for Dynamic {
    #[inline(always)]
    fn dim(self) -> usize {
        self.dim
    }

    #[inline(always)]
    fn half(self) -> usize {
        self.half
    }
}

/// # Safety
///
/// The fields of `job` are as [`Job`] says, and `shape` is the job's.
#[inline(never)]
unsafe fn positions<P: Pairs, S: HeadShape>(job: &Job, shape: S) {
    let Job {
        mut x,
        freqs,
        mut y,
        batch,
        seq,
        heads,
        ..
    } = *job;
    let row = heads * shape.dim();
    for _ in 0..batch {
        let mut cos = freqs;
        for _ in 0..seq {
            // SAFETY: of batch * seq positions and seq tables, one each is used a turn; the pointers
            // end just behind their tensors.
            unsafe {
                position::<P, S>(x, y, cos, heads, shape);
                (x, y) = (x.add(row), y.add(row));
                cos = cos.add(2 * shape.half());
            }
        }
    }
}

/// # Safety
///
/// `x` and `y` are valid for `heads` heads of `shape`, `cos` for its `half` cosines and sines.
#[inline(always)]
unsafe fn position<P: Pairs, S: HeadShape>(
    x: *const f32,
    y: *mut f32,
    cos: *const f32,
    heads: usize,
    shape: S,
) {
    let (dim, half) = (shape.dim(), shape.half());
    // SAFETY: the sines stand behind the cosines; each group of heads lies in x and y.
    unsafe {
        let sin = cos.add(half);
        let mut head = 0;
        while head + 8 <= heads {
            group::<P, S, 8>(x.add(head * dim), y.add(head * dim), cos, sin, shape);
            head += 8;
        }
        if head + 4 <= heads {
            group::<P, S, 4>(x.add(head * dim), y.add(head * dim), cos, sin, shape);
            head += 4;
        }
        while head < heads {
            group::<P, S, 1>(x.add(head * dim), y.add(head * dim), cos, sin, shape);
            head += 1;
        }
        if !half.is_multiple_of(LANES) || 2 * half < dim {
            for head in 0..heads {
                last_pairs::<P>(x.add(head * dim), y.add(head * dim), cos, sin, half);
                copy(x.add(head * dim), y.add(head * dim), 2 * half, dim);
            }
        }
    }
}

/// Turns all pairs of `HEADS` heads but the up to three that do not fill a vector. The heads share
/// each load of cosines and sines.
///
/// # Safety
///
/// `x` and `y` are valid for `HEADS` heads of `shape`, `cos` and `sin` for its `half`.
#[inline(always)]
unsafe fn group<P: Pairs, S: HeadShape, const HEADS: usize>(
    x: *const f32,
    y: *mut f32,
    cos: *const f32,
    sin: *const f32,
    shape: S,
) {
    let (dim, half) = (shape.dim(), shape.half());
    let mut i = 0;
    while i + LANES <= half {
        // SAFETY: i + 4 <= half, and 2 * half <= dim elements of each head are valid.
        unsafe {
            let angles = P::angles(load(cos.add(i)), load(sin.add(i)));
            // Pointers first, then constants: the engine folds these into the machine's addresses.
            let (x, y) = (x.add(P::first(i)), y.add(P::first(i)));
            for head in 0..HEADS {
                P::turn(x.add(head * dim), y.add(head * dim), half, angles);
            }
        }
        i += LANES;
    }
}

/// Turns the pairs of one head that [`group`] left.
///
/// # Safety
///
/// `x` and `y` are valid for `2 * half` elements, `cos` and `sin` for `half`.
#[inline(always)]
unsafe fn last_pairs<P: Pairs>(
    x: *const f32,
    y: *mut f32,
    cos: *const f32,
    sin: *const f32,
    half: usize,
) {
    for i in half - half % LANES..half {
        // SAFETY: i < half, so both elements of the pair are among the first 2 * half.
        unsafe {
            let (x, y) = (x.add(P::first(i)), y.add(P::first(i)));
            let (a, b) = (*x, *x.add(P::distance(half)));
            let (cos, sin) = (*cos.add(i), *sin.add(i));
            *y = a * cos - b * sin;
            *y.add(P::distance(half)) = b * cos + a * sin;
        }
    }
}

/// Copies the elements from `from` up to `to`: the part of a head that is not rotated.
///
/// # Safety
///
/// `x` and `y` are valid for `to` elements.
#[inline(always)]
unsafe fn copy(x: *const f32, y: *mut f32, from: usize, to: usize) {
    const BLOCK: usize = 4 * LANES;
    let mut at = from;
    while at + BLOCK <= to {
        // SAFETY: at + BLOCK <= to.
        unsafe {
            let (x, y) = (x.add(at), y.add(at));
            for i in (0..BLOCK).step_by(LANES) {
                store(y.add(i), load(x.add(i)));
            }
        }
        at += BLOCK;
    }
    while at < to {
        // SAFETY: at < to.
        unsafe { *y.add(at) = *x.add(at) };
        at += 1;
    }
}

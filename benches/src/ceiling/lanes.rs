//! What the loops need of a set of vector instructions.

/// A set of vector instructions whose registers hold `N` lanes of `f32`.
///
/// A value is a proof that the processor has the instructions, as in the crate pulp: so the methods
/// are safe to call, and only the two implementations hold unsafe code. Every method is inlined into
/// the one function that enables the instructions.
pub(super) trait Lanes<const N: usize>: Copy {
    /// A register.
    type Register: Copy;

    /// The same value in every lane.
    fn splat(self, value: f32) -> Self::Register;

    fn load(self, from: &[f32; N]) -> Self::Register;
    fn store(self, value: Self::Register, to: &mut [f32; N]);

    /// Loads fewer than `N` elements; the other lanes are zero.
    fn load_tail(self, from: &[f32]) -> Self::Register;

    /// Stores the first lanes, as many as there are elements, which are fewer than `N`.
    fn store_tail(self, value: Self::Register, to: &mut [f32]);

    fn add(self, a: Self::Register, b: Self::Register) -> Self::Register;
    fn multiply(self, a: Self::Register, b: Self::Register) -> Self::Register;

    /// `a * b + c`, rounded once.
    fn multiply_add(
        self,
        a: Self::Register,
        b: Self::Register,
        c: Self::Register,
    ) -> Self::Register;

    /// `c - a * b`, rounded once.
    fn subtract_product(
        self,
        c: Self::Register,
        a: Self::Register,
        b: Self::Register,
    ) -> Self::Register;

    /// `a / b` to about one unit in the last place, for normal quotients and `|b|` in 1 ..= 2^126.
    fn divide(self, a: Self::Register, b: Self::Register) -> Self::Register;

    /// The sum of all lanes.
    fn sum(self, value: Self::Register) -> f32;

    /// Every lane twice, side by side: the lower half, and the upper one.
    fn double(self, value: Self::Register) -> [Self::Register; 2];

    /// Lanes 2i and 2i + 1 change places.
    fn swap_neighbours(self, value: Self::Register) -> Self::Register;

    /// Lanes 0, 2, 4 ... change their sign.
    fn negate_even(self, value: Self::Register) -> Self::Register;

    /// The larger value in each lane; NaN where `value` is.
    fn at_least(self, value: Self::Register, bound: f32) -> Self::Register;

    /// The smaller value in each lane; NaN where `value` is.
    fn at_most(self, value: Self::Register, bound: f32) -> Self::Register;

    /// `exp(-x)` to about 2e-7 of itself, for x in -87 ..= 87; NaN for NaN.
    fn exp_of_negative(self, x: Self::Register) -> Self::Register;
}

/// A loop over whole tensors, for any set of instructions.
pub(super) trait Op {
    /// Runs it; inlined into the function that enables the instructions.
    fn run<const N: usize, L: Lanes<N>>(self, lanes: L);
}

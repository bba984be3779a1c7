/// Which formula of the Gaussian error linear unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GeluForm {
    /// With the error function: parameter `tanh_approximation` = false.
    #[default]
    Erf,
    /// With the hyperbolic tangent (GPT-2, Gemma): parameter `tanh_approximation` = true.
    Tanh,
}

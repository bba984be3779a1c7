//! The `#[kernel]` attribute. Its documentation, with examples, stands in `kpack-guest`, which
//! re-exports it.

#![forbid(unsafe_code)]

mod declaration;
mod expand;
mod function;
mod literal;
mod manifest_entry;
mod parse;
mod tokens;

use proc_macro::TokenStream;

/// Declares a function as a kernel; see the documentation of `kpack_guest::kernel`.
#[proc_macro_attribute]
pub fn kernel(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = parse::declaration(arguments).and_then(|declaration| {
        let function = function::Function::read(item.clone())?;
        expand::expand(&declaration, &function)
    });
    let mut output: TokenStream = MANY_ARGUMENTS.parse().expect("an attribute is Rust");
    // The function stays in the output also when the declaration is wrong: one mistake, one error.
    output.extend(item);
    output.extend(expanded.unwrap_or_else(|error| error.into_compile_error()));
    output
}

const MANY_ARGUMENTS: &str =
    "#[allow(clippy::too_many_arguments, reason = \"each is passed by its name\")]";

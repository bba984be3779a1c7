//! The code that stands between the descriptor and the function.

use std::fmt::Write as _;

use proc_macro::{Delimiter, Group, Ident, Punct, Spacing, TokenStream, TokenTree};

use crate::declaration::{Declaration, Dim, Name, Param, SCRATCH, Tensor};
use crate::function::Function;
use crate::manifest_entry::manifest_entry;
use crate::tokens::{Error, Result};

/// A module with the function's name: the manifest's entry, the call, and the export.
pub(crate) fn expand(declaration: &Declaration, function: &Function) -> Result<TokenStream> {
    let entry_point = function.name.to_string();
    let entry = manifest_entry(declaration, &entry_point);
    let arguments = arguments(declaration, function)?;
    let code = format!(
        r#"
/// What the host sees of the kernel of this name.
#[allow(
    dead_code, unreachable_pub, unused_mut, unused_variables, clippy::pedantic,
    reason = "generated for every kernel alike"
)]
pub(crate) mod {entry_point} {{
    /// The kernel's entry of the manifest as JSON, without paths and hashes.
    pub const MANIFEST_ENTRY: &str = {entry:?};

    /// Runs the kernel on one call, if the call is as the manifest's entry says.
    ///
    /// # Errors
    ///
    /// `InvalidParams`, `InvalidInput`, `InvalidOutput` or `OutOfMemory` if parameters, inputs, outputs
    /// or scratch are not; and what the kernel itself returns.
    #[inline(always)]
    pub fn call(call: ::kpack_guest::Call<'_>) -> ::core::result::Result<(), ::kpack_guest::Status> {{
        {checks}
        ::kpack_guest::Outcome::into_result(super::{entry_point}__ARGUMENTS__)
    }}

    {bounds}

    #[cfg(target_arch = "wasm32")]
    const _: () = {{
        #[unsafe(export_name = {entry_point:?})]
        extern "C" fn entry_point(descriptor: u32) -> i32 {{
            ::kpack_guest::run(descriptor, call)
        }}

        #[unsafe(link_section = "kpack.kernels")]
        static ENTRY: [u8; MANIFEST_ENTRY.len()] = match MANIFEST_ENTRY.as_bytes().first_chunk() {{
            Some(bytes) => *bytes,
            None => panic!("a text is as long as it is"),
        }};
    }};
}}
"#,
        checks = checks(declaration),
        bounds = bounds(declaration),
    );
    let code = code.replace("__ARGUMENTS__", " __ARGUMENTS__");
    let tokens: TokenStream = code
        .parse()
        .map_err(|error| Error::at(function.name.span(), format!("kpack-guest: {error}")))?;
    Ok(with_arguments(tokens, &arguments))
}

/// Puts the call's arguments where they belong. They are tokens, not text: each keeps its place in
/// the author's source, where the compiler then shows a wrong type.
fn with_arguments(code: TokenStream, arguments: &TokenStream) -> TokenStream {
    code.into_iter()
        .map(|token| match token {
            TokenTree::Ident(ident) if ident.to_string() == "__ARGUMENTS__" => {
                TokenTree::Group(Group::new(Delimiter::Parenthesis, arguments.clone()))
            }
            TokenTree::Group(group) => {
                let inner = with_arguments(group.stream(), arguments);
                TokenTree::Group(Group::new(group.delimiter(), inner))
            }
            other => other,
        })
        .collect()
}

/// One local variable of the generated code for each argument, by the argument's name.
fn arguments(declaration: &Declaration, function: &Function) -> Result<TokenStream> {
    let mut tokens = TokenStream::new();
    for argument in &function.arguments {
        let local = local(declaration, argument)?;
        tokens.extend([
            TokenTree::Ident(Ident::new(&local, argument.span)),
            TokenTree::Punct(Punct::new(',', Spacing::Alone)),
        ]);
    }
    Ok(tokens)
}

fn local(declaration: &Declaration, argument: &Name) -> Result<String> {
    let name = &argument.text;
    let mut tensors = declaration.inputs.iter().chain(&declaration.outputs);
    if tensors.any(|tensor| tensor.name.text == *name) {
        Ok(format!("tensor_{name}"))
    } else if declaration.has_symbol(name) {
        Ok(format!("size_{name}"))
    } else if declaration
        .params
        .iter()
        .any(|param| param.name.text == *name)
    {
        Ok(format!("param_{name}"))
    } else if name == SCRATCH && declaration.scratch.is_some() {
        Ok("the_scratch".to_owned())
    } else {
        let message = format!("no tensor, dimension or parameter is declared as: `{name}`");
        Err(Error::at(argument.span, message))
    }
}

fn checks(declaration: &Declaration) -> String {
    let (params, size) = declaration.params_block();
    let mut code = format!("let params = call.params::<{size}>()?;\n");
    for (index, symbol) in declaration.symbols().into_iter().enumerate() {
        let name = &symbol.text;
        let offset = index * 4;
        put(
            &mut code,
            format_args!("let dim_{name} = params.u32({offset});"),
        );
        put(
            &mut code,
            format_args!("let size_{name} = dim_{name} as usize;"),
        );
    }
    for (param, offset) in params {
        put(
            &mut code,
            format_args!("{}", param_check(declaration, param, offset)),
        );
    }
    code.push_str("let mut regions = call.regions()?;\n");
    for (i, input) in declaration.inputs.iter().enumerate() {
        let region = if i == 0 { "input_a" } else { "input_b" };
        put(&mut code, format_args!("{}", tensor_check(input, region)));
    }
    for output in &declaration.outputs {
        put(
            &mut code,
            format_args!("{}", tensor_check(output, "output")),
        );
    }
    if let Some(scratch) = &declaration.scratch {
        let count = count(scratch.dtype.count, &scratch.shape);
        let rust = scratch.dtype.rust;
        put(
            &mut code,
            format_args!("let the_scratch = regions.scratch.next::<{rust}>({count})?;"),
        );
    }
    code.push_str("regions.finish()?;\n");
    code
}

fn put(code: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(code, "{line}").expect("a String takes everything");
}

fn tensor_check(tensor: &Tensor, region: &str) -> String {
    let name = &tensor.name.text;
    let rust = tensor.dtype.rust;
    let count = count(tensor.dtype.count, &tensor.shape);
    format!("let tensor_{name} = regions.{region}.next::<{rust}>({count})?;")
}

/// The number of elements, or of blocks, of a tensor with this shape.
fn count(function: &str, shape: &[Dim]) -> String {
    let dims: Vec<String> = shape
        .iter()
        .map(|dim| match dim {
            Dim::Fixed(size) => format!("Some({size})"),
            Dim::Symbol(name) => format!("Some(dim_{})", name.text),
            Dim::Divided(name, by) => format!("::kpack_guest::divided(dim_{}, {by})", name.text),
            Dim::Multiplied(name, by) => format!("dim_{}.checked_mul({by})", name.text),
        })
        .collect();
    format!("::kpack_guest::{function}([{}])", dims.join(", "))
}

/// The compiler's own look at each parameter: its numbers are of its type, and the least value is not above
/// the default, nor either above the largest.
fn bounds(declaration: &Declaration) -> String {
    let mut code = String::new();
    for param in &declaration.params {
        let kind = param.kind.name;
        // An integer's number stands by itself, for a conversion would cut it to fit.
        let typed = |number: &String| {
            if param.kind.is_float() {
                format!("({number} as {kind})")
            } else {
                number.clone()
            }
        };
        let numbers = [&param.min, &param.default, &param.max];
        let values: Vec<String> = numbers.into_iter().flatten().map(typed).collect();
        if values.is_empty() {
            continue;
        }
        put(
            &mut code,
            format_args!(
                "const _: () = {{
                    let values: [{kind}; {count}] = [{values}];
                    let mut i = 1;
                    while i < {count} {{
                        assert!(values[i - 1] <= values[i], {message:?});
                        i += 1;
                    }}
                }};",
                count = values.len(),
                values = values.join(", "),
                message = format!(
                    "the default or the range of the parameter: `{}`",
                    param.name.text
                ),
            ),
        );
    }
    code
}

fn param_check(declaration: &Declaration, param: &Param, offset: u32) -> String {
    let name = &param.name.text;
    let kind = param.kind.name;
    if kind == "bool" {
        return format!("let param_{name} = params.bool({offset})?;");
    }
    let mut conditions = Vec::new();
    if let Some(min) = &param.min {
        conditions.push(format!("param_{name} >= ({min} as {kind})"));
    }
    if let Some(max) = &param.max {
        conditions.push(format!("param_{name} <= ({max} as {kind})"));
    }
    if param.kind.is_float() {
        conditions.push(format!("param_{name}.is_finite()"));
    }
    if declaration.has_symbol(name) {
        conditions.push(format!("param_{name} as i128 == dim_{name} as i128"));
    }
    let read = format!("let param_{name} = params.{kind}({offset});");
    if conditions.is_empty() {
        return read;
    }
    format!(
        "{read}\nif !({}) {{ return Err(::kpack_guest::Status::InvalidParams); }}",
        conditions.join(" && ")
    )
}

//! From the attribute's tokens to a [`Declaration`].

use proc_macro::{Delimiter, TokenStream};

use crate::declaration::{
    DataType, Declaration, Dim, Limits, Name, Param, ParamKind, Scratch, Tensor,
};
use crate::tokens::{Error, Result, Tokens};

/// Reads what stands in `#[kernel(...)]`.
pub(crate) fn declaration(arguments: TokenStream) -> Result<Declaration> {
    let mut tokens = Tokens::new(arguments);
    let mut fields = Fields::default();
    tokens.list(|tokens| fields.read(tokens))?;
    let missing = |field: &str| {
        let message = format!("the kernel's declaration has no `{field}`");
        Error::at(proc_macro::Span::call_site(), message)
    };
    let mut params = fields.params.unwrap_or_default();
    params.sort_by(|a, b| a.name.text.as_bytes().cmp(b.name.text.as_bytes()));
    Declaration {
        id: fields.id.ok_or_else(|| missing("id"))?,
        name: fields.name.ok_or_else(|| missing("name"))?,
        category: fields.category.ok_or_else(|| missing("category"))?,
        inputs: fields.inputs.ok_or_else(|| missing("inputs"))?,
        outputs: fields.outputs.ok_or_else(|| missing("outputs"))?,
        scratch: fields.scratch,
        params,
        limits: fields.limits.unwrap_or_default(),
        parallel_dims: fields.parallel_dims.unwrap_or_default(),
    }
    .check()
}

#[derive(Default)]
struct Fields {
    id: Option<String>,
    name: Option<String>,
    category: Option<String>,
    inputs: Option<Vec<Tensor>>,
    outputs: Option<Vec<Tensor>>,
    scratch: Option<Scratch>,
    params: Option<Vec<Param>>,
    limits: Option<Limits>,
    parallel_dims: Option<Vec<Name>>,
}

impl Fields {
    fn read(&mut self, tokens: &mut Tokens) -> Result<()> {
        let field = tokens.name()?;
        match field.text.as_str() {
            "id" => set(&mut self.id, &field, value(tokens, Tokens::text)?),
            "name" => set(&mut self.name, &field, value(tokens, Tokens::text)?),
            "category" => set(&mut self.category, &field, value(tokens, category)?),
            "inputs" => set(&mut self.inputs, &field, listed(tokens, tensor)?),
            "outputs" => set(&mut self.outputs, &field, listed(tokens, tensor)?),
            "scratch" => {
                let mut inner = tokens.group(Delimiter::Parenthesis)?;
                let (dtype, shape) = dtype_and_shape(&mut inner)?;
                end(&mut inner)?;
                set(&mut self.scratch, &field, Scratch { dtype, shape })
            }
            "params" => set(&mut self.params, &field, listed(tokens, param)?),
            "limits" => set(&mut self.limits, &field, limits(tokens)?),
            "parallel_dims" => set(
                &mut self.parallel_dims,
                &field,
                listed(tokens, Tokens::name)?,
            ),
            _ => Err(Error::at(
                field.span,
                "expected one of `id`, `name`, `category`, `inputs`, `outputs`, `scratch`, `params`, \
                 `limits`, `parallel_dims`",
            )),
        }
    }
}

fn set<T>(place: &mut Option<T>, field: &Name, value: T) -> Result<()> {
    if place.replace(value).is_some() {
        let message = format!("declared twice: `{}`", field.text);
        return Err(Error::at(field.span, message));
    }
    Ok(())
}

fn value<T>(tokens: &mut Tokens, read: impl FnOnce(&mut Tokens) -> Result<T>) -> Result<T> {
    tokens.expect('=')?;
    read(tokens)
}

fn listed<T>(tokens: &mut Tokens, each: impl FnMut(&mut Tokens) -> Result<T>) -> Result<Vec<T>> {
    tokens.group(Delimiter::Parenthesis)?.list(each)
}

fn end(tokens: &mut Tokens) -> Result<()> {
    if tokens.is_empty() {
        return Ok(());
    }
    tokens.error("expected nothing more here")
}

fn category(tokens: &mut Tokens) -> Result<String> {
    const CATEGORIES: [&str; 7] = [
        "positional_encoding",
        "normalization",
        "activation",
        "kv_cache",
        "adapter",
        "attention",
        "custom",
    ];
    let name = tokens.name()?;
    if CATEGORIES.contains(&name.text.as_str()) {
        return Ok(name.text);
    }
    let message = format!("no category: expected one of `{}`", CATEGORIES.join("`, `"));
    Err(Error::at(name.span, message))
}

/// `x: f32[rows, hidden]`
fn tensor(tokens: &mut Tokens) -> Result<Tensor> {
    let name = tokens.name()?;
    tokens.expect(':')?;
    let (dtype, shape) = dtype_and_shape(tokens)?;
    Ok(Tensor { name, dtype, shape })
}

fn dtype_and_shape(tokens: &mut Tokens) -> Result<(DataType, Vec<Dim>)> {
    let name = tokens.name()?;
    let Some(dtype) = DataType::of(&name.text) else {
        return Err(Error::at(
            name.span,
            "no data type: expected one of `f32`, `f16`, `bf16`, `i8`, `u8`, `i32`, `q4`, `q8`",
        ));
    };
    let shape = tokens.group(Delimiter::Bracket)?.list(dim)?;
    if dtype.count == "blocks" && shape.is_empty() {
        return Err(Error::at(
            name.span,
            "blocks of 32 elements need a last dimension",
        ));
    }
    Ok((dtype, shape))
}

/// `2`, `dim`, `dim/2` or `cols*2`
fn dim(tokens: &mut Tokens) -> Result<Dim> {
    if let Ok(size) = tokens.size() {
        return Ok(Dim::Fixed(size));
    }
    let symbol = tokens.name()?;
    if tokens.eat('/') {
        return Ok(Dim::Divided(symbol, tokens.size()?));
    }
    if tokens.eat('*') {
        return Ok(Dim::Multiplied(symbol, tokens.size()?));
    }
    Ok(Dim::Symbol(symbol))
}

/// `eps: f32 = 1e-5 in 0.0..=1.0`, with a doc comment before it; without `=` the caller must give the
/// value.
fn param(tokens: &mut Tokens) -> Result<Param> {
    let description = tokens.doc_comments()?;
    let name = tokens.name()?;
    tokens.expect(':')?;
    let kind = tokens.name()?;
    let Some(of_kind) = ParamKind::of(&kind.text) else {
        return Err(Error::at(
            kind.span,
            "no parameter type: expected one of `f32`, `f64`, `i32`, `i64`, `u32`, `u64`, `bool`",
        ));
    };
    let default = if tokens.eat('=') {
        Some(default(tokens, of_kind)?)
    } else {
        None
    };
    let (min, max) = if tokens.eat_name("in") {
        range(tokens)?
    } else {
        (None, None)
    };
    if min.is_some() && of_kind.name == "bool" {
        return Err(Error::at(kind.span, "a bool has no range"));
    }
    Ok(Param {
        name,
        kind: of_kind,
        default,
        min,
        max,
        description,
    })
}

fn default(tokens: &mut Tokens, kind: ParamKind) -> Result<String> {
    if kind.name != "bool" {
        return tokens.number();
    }
    let value = tokens.name()?;
    match value.text.as_str() {
        "true" | "false" => Ok(value.text),
        _ => Err(Error::at(value.span, "expected `true` or `false`")),
    }
}

/// `0.0..=1.0`, or `1.0..` where there is no upper end.
fn range(tokens: &mut Tokens) -> Result<(Option<String>, Option<String>)> {
    let min = tokens.number()?;
    tokens.expect('.')?;
    tokens.expect('.')?;
    let max = if tokens.eat('=') {
        Some(tokens.number()?)
    } else {
        None
    };
    Ok((Some(min), max))
}

/// `limits(memory_pages = 1024, epoch_ticks = 1000)`
fn limits(tokens: &mut Tokens) -> Result<Limits> {
    let mut limits = Limits::default();
    listed(tokens, |tokens| {
        let limit = tokens.name()?;
        let number = value(tokens, Tokens::size)?;
        match limit.text.as_str() {
            "memory_pages" => limits.max_memory_pages = number,
            "epoch_ticks" => limits.max_epoch_ticks = number,
            "table_elements" => limits.max_table_elements = number,
            "stack_bytes" => limits.max_stack_size = Some(number),
            "globals" => limits.max_globals = Some(number),
            _ => {
                return Err(Error::at(
                    limit.span,
                    "expected one of `memory_pages`, `epoch_ticks`, `table_elements`, `stack_bytes`, \
                     `globals`",
                ));
            }
        }
        Ok(())
    })?;
    Ok(limits)
}

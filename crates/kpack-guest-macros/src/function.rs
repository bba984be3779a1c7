//! What the attribute has to know of the function it stands on: its name and its arguments' names.

use proc_macro::{Delimiter, Ident, Spacing, Span, TokenStream, TokenTree};

use crate::declaration::Name;
use crate::tokens::{Error, Result, Tokens};

pub(crate) struct Function {
    pub(crate) name: Ident,
    pub(crate) arguments: Vec<Name>,
}

impl Function {
    pub(crate) fn read(item: TokenStream) -> Result<Self> {
        let mut tokens = Tokens::new(item);
        while let Some(token) = tokens.next() {
            if !matches!(&token, TokenTree::Ident(ident) if ident.to_string() == "fn") {
                continue;
            }
            let Some(TokenTree::Ident(name)) = tokens.next() else {
                break;
            };
            let mut arguments = tokens.group(Delimiter::Parenthesis)?;
            let arguments = read_arguments(&mut arguments)?;
            return Ok(Self { name, arguments });
        }
        Err(Error::at(
            Span::call_site(),
            "a kernel is a function: `fn entry_point(...)`",
        ))
    }
}

fn read_arguments(tokens: &mut Tokens) -> Result<Vec<Name>> {
    let mut names = Vec::new();
    while !tokens.is_empty() {
        tokens.eat_name("mut");
        names.push(tokens.name()?);
        tokens.expect(':')?;
        skip_type(tokens);
    }
    Ok(names)
}

/// Up to and with the comma behind it; those in angle brackets belong to the type.
fn skip_type(tokens: &mut Tokens) {
    let mut depth = 0_usize;
    let mut of_arrow = false;
    while let Some(token) = tokens.next() {
        let TokenTree::Punct(punct) = &token else {
            continue;
        };
        match punct.as_char() {
            '<' => depth += 1,
            '>' if !of_arrow => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return,
            _ => {}
        }
        of_arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
    }
}

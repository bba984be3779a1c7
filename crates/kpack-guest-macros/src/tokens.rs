//! A cursor over tokens, and errors that stand where the mistake is.

use std::iter::Peekable;

use proc_macro::{Delimiter, Span, TokenStream, TokenTree, token_stream};

use crate::declaration::Name;
use crate::literal;

pub(crate) type Result<T> = std::result::Result<T, Error>;

pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    pub(crate) fn into_compile_error(self) -> TokenStream {
        let call = format!("::core::compile_error!({:?});", self.message);
        let tokens: TokenStream = call.parse().expect("the call is Rust");
        tokens
            .into_iter()
            .map(|mut token| {
                token.set_span(self.span);
                token
            })
            .collect()
    }
}

pub(crate) struct Tokens {
    tokens: Peekable<token_stream::IntoIter>,
    /// Where to point when tokens are missing.
    last: Span,
}

impl Tokens {
    pub(crate) fn new(tokens: TokenStream) -> Self {
        Self {
            tokens: tokens.into_iter().peekable(),
            last: Span::call_site(),
        }
    }

    pub(crate) fn next(&mut self) -> Option<TokenTree> {
        let token = self.tokens.next()?;
        self.last = token.span();
        Some(token)
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.tokens.peek().is_none()
    }

    /// Where the next token stands, or the last one.
    pub(crate) fn span(&mut self) -> Span {
        self.tokens.peek().map_or(self.last, TokenTree::span)
    }

    pub(crate) fn error<T>(&mut self, message: impl Into<String>) -> Result<T> {
        Err(Error::at(self.span(), message))
    }

    /// A name; a keyword is one too, because tensors and dimensions may be called `in` or `type`.
    pub(crate) fn name(&mut self) -> Result<Name> {
        if let Some(TokenTree::Ident(ident)) = self.tokens.peek() {
            let text = ident.to_string();
            let name = Name {
                text: text.strip_prefix("r#").unwrap_or(&text).to_owned(),
                span: ident.span(),
            };
            self.next();
            return Ok(name);
        }
        self.error("expected a name")
    }

    pub(crate) fn eat_name(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.peek(), Some(TokenTree::Ident(ident)) if ident.to_string() == wanted);
        if found {
            self.next();
        }
        found
    }

    pub(crate) fn eat(&mut self, wanted: char) -> bool {
        let found = matches!(self.tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        if found {
            self.next();
        }
        found
    }

    pub(crate) fn expect(&mut self, wanted: char) -> Result<()> {
        if self.eat(wanted) {
            return Ok(());
        }
        self.error(format!("expected `{wanted}`"))
    }

    pub(crate) fn group(&mut self, delimiter: Delimiter) -> Result<Self> {
        if let Some(TokenTree::Group(group)) = self.tokens.peek()
            && group.delimiter() == delimiter
        {
            let inner = Self {
                tokens: group.stream().into_iter().peekable(),
                last: group.span_close(),
            };
            self.next();
            return Ok(inner);
        }
        let open = match delimiter {
            Delimiter::Parenthesis => '(',
            Delimiter::Bracket => '[',
            Delimiter::Brace => '{',
            Delimiter::None => ' ',
        };
        self.error(format!("expected `{open}`"))
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        let text = match self.tokens.peek() {
            Some(TokenTree::Literal(literal)) => literal::text(&literal.to_string()),
            _ => None,
        };
        if text.is_some() {
            self.next();
        }
        match text {
            Some(text) => Ok(text),
            None => self.error("expected a text in quotes"),
        }
    }

    /// An integer without sign.
    pub(crate) fn size(&mut self) -> Result<String> {
        match self.peeked_number() {
            Some(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.next();
                Ok(number)
            }
            _ => self.error("expected a decimal integer"),
        }
    }

    /// A number that is written the same in Rust and in JSON.
    pub(crate) fn number(&mut self) -> Result<String> {
        let sign = if self.eat('-') { "-" } else { "" };
        match self.peeked_number() {
            Some(number) => {
                self.next();
                Ok(format!("{sign}{number}"))
            }
            None => self.error("expected a decimal number without a type"),
        }
    }

    fn peeked_number(&mut self) -> Option<String> {
        match self.tokens.peek() {
            Some(TokenTree::Literal(literal)) => literal::number(&literal.to_string()),
            _ => None,
        }
    }

    /// The texts of `///` comments, as one.
    pub(crate) fn doc_comments(&mut self) -> Result<String> {
        let mut lines = Vec::new();
        while self.eat('#') {
            let mut attribute = self.group(Delimiter::Bracket)?;
            if !attribute.eat_name("doc") {
                return attribute.error("expected a doc comment");
            }
            attribute.expect('=')?;
            lines.push(attribute.text()?.trim().to_owned());
        }
        Ok(lines.join(" "))
    }

    /// Each element of a list with commas between, and perhaps one at its end.
    pub(crate) fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut items = Vec::new();
        while !self.is_empty() {
            items.push(each(self)?);
            if !self.is_empty() {
                self.expect(',')?;
            }
        }
        Ok(items)
    }
}

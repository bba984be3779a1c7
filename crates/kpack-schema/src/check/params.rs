use std::collections::BTreeMap;

use serde_json::Value;

use super::kernel::check_description;
use super::problem::{Pointer, ProblemKind, Reporter};
use crate::{Identifier, KernelInfo, KernelParam, ParamDecl, ParamType, ParamValue, Signature};

/// Checks every parameter; the map is sorted by name bytewise, as the parameter block is.
pub(super) fn check(
    info: &KernelInfo,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<Vec<ParamDecl>> {
    let at = at.key("params");
    let mut params = Vec::with_capacity(info.params.len());
    for (name, param) in &info.params {
        let at = at.key(name);
        let named: Option<Identifier> =
            reporter.parse(&at, ProblemKind::Name, name, Identifier::GRAMMAR);
        let declared = declaration(name, param, &at, reporter);
        params.push(named.and(declared));
    }
    params.into_iter().collect()
}

fn declaration(
    name: &str,
    param: &KernelParam,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<ParamDecl> {
    check_description(param.description.as_deref(), at, reporter);
    let mut bound = |field: &str, value: &Option<Value>| match value {
        None => Some(None),
        Some(value) => bound(value, param.param_type, &at.key(field), reporter).map(Some),
    };
    let min = bound("min", &param.min);
    let max = bound("max", &param.max);
    let (min, max) = (min?, max?);
    if let (Some(min), Some(max)) = (min, max)
        && !min.at_most(max)
    {
        reporter.report(
            &at.key("min"),
            ProblemKind::Param,
            min,
            format_args!("at most max {max}"),
        );
        return None;
    }
    let mut declared = ParamDecl {
        name: name.to_owned(),
        param_type: param.param_type,
        default: None,
        min,
        max,
    };
    if !param.default.is_null() {
        declared.default = Some(value(
            &param.default,
            &declared,
            &at.key("default"),
            reporter,
        )?);
    }
    Some(declared)
}

/// A bound: a number of the parameter's type. A truth value has no order, so no bounds.
fn bound(
    value: &Value,
    param_type: ParamType,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<ParamValue> {
    let read = ParamValue::from_json(value, param_type).ok();
    let read = read.filter(|_| param_type != ParamType::Bool);
    if read.is_none() {
        let allowed = match param_type {
            ParamType::Bool => "left out for a bool".to_owned(),
            other => format!("a finite number of type {other}"),
        };
        reporter.report(at, ProblemKind::Param, value, allowed);
    }
    read
}

/// A value of the parameter's type within its bounds.
fn value(
    value: &Value,
    param: &ParamDecl,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<ParamValue> {
    let read = ParamValue::from_json(value, param.param_type).ok();
    let accepted = read.and_then(|read| param.accept(read).ok());
    if accepted.is_none() {
        reporter.report(at, ProblemKind::Param, value, param.allowed_text());
    }
    accepted
}

/// The parameters of a vector, each declared by the kernel and within its bounds.
pub(super) fn vector_params(
    params: &BTreeMap<String, Value>,
    signature: &Signature,
    at: &Pointer,
    reporter: &mut Reporter,
) -> Option<BTreeMap<String, ParamValue>> {
    let mut read = BTreeMap::new();
    for (name, json) in params {
        let at = at.key(name);
        let declared = signature.params().iter().find(|param| param.name == *name);
        let accepted = match declared {
            Some(param) => value(json, param, &at, reporter),
            None => {
                reporter.report(&at, ProblemKind::Param, name, "a parameter of the kernel");
                None
            }
        };
        read.insert(name.clone(), accepted);
    }
    read.into_iter()
        .map(|(name, value)| Some((name, value?)))
        .collect()
}

impl ParamDecl {
    fn allowed_text(&self) -> String {
        let mut text = format!("null or a value of type {}", self.param_type);
        if let Some(min) = self.min {
            text.push_str(&format!(", at least {min}"));
        }
        if let Some(max) = self.max {
            text.push_str(&format!(", at most {max}"));
        }
        text
    }
}

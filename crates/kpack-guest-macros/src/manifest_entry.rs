//! A declaration as the manifest's entry for the kernel: JSON, without paths and hashes, which are
//! the build's to add.

use crate::declaration::{DataType, Declaration, Dim, Limits, Param, Tensor};
use crate::literal::to_json;

/// The entry of a kernel whose entry point has this name.
pub(crate) fn manifest_entry(declaration: &Declaration, entry_point: &str) -> String {
    let mut fields = vec![
        field("id", &to_json(&declaration.id)),
        field("name", &to_json(&declaration.name)),
        field("category", &to_json(&declaration.category)),
        field("entry_point", &to_json(entry_point)),
        field("inputs", &array(declaration.inputs.iter().map(tensor))),
        field("outputs", &array(declaration.outputs.iter().map(tensor))),
        field("params", &object(declaration.params.iter().map(param))),
        field("resource_limits", &limits(&declaration.limits)),
    ];
    if let Some(scratch) = &declaration.scratch {
        let contents = object(dtype_and_shape(scratch.dtype, &scratch.shape));
        fields.push(field("scratch", &contents));
    }
    if !declaration.parallel_dims.is_empty() {
        let names = declaration.parallel_dims.iter();
        fields.push(field(
            "parallel_dims",
            &array(names.map(|name| to_json(&name.text))),
        ));
    }
    object(fields)
}

fn tensor(tensor: &Tensor) -> String {
    let mut fields = vec![field("name", &to_json(&tensor.name.text))];
    fields.extend(dtype_and_shape(tensor.dtype, &tensor.shape));
    object(fields)
}

fn dtype_and_shape(dtype: DataType, shape: &[Dim]) -> [String; 2] {
    [
        field("dtype", &to_json(dtype.name)),
        field("shape", &array(shape.iter().map(dim))),
    ]
}

fn dim(dim: &Dim) -> String {
    match dim {
        Dim::Fixed(size) => size.clone(),
        Dim::Symbol(name) => to_json(&name.text),
        Dim::Divided(name, by) => to_json(&format!("{}/{by}", name.text)),
        Dim::Multiplied(name, by) => to_json(&format!("{}*{by}", name.text)),
    }
}

fn param(param: &Param) -> String {
    let mut fields = vec![
        field("type", &to_json(param.kind.name)),
        field("default", param.default.as_deref().unwrap_or("null")),
    ];
    let bounds = [("min", &param.min), ("max", &param.max)];
    fields.extend(
        bounds
            .into_iter()
            .filter_map(|(name, bound)| Some(field(name, bound.as_ref()?))),
    );
    if !param.description.is_empty() {
        fields.push(field("description", &to_json(&param.description)));
    }
    field(&param.name.text, &object(fields))
}

fn limits(limits: &Limits) -> String {
    let mut fields = vec![
        field("max_memory_pages", &limits.max_memory_pages),
        field("max_epoch_ticks", &limits.max_epoch_ticks),
        field("max_table_elements", &limits.max_table_elements),
    ];
    let optional = [
        ("max_stack_size", &limits.max_stack_size),
        ("max_globals", &limits.max_globals),
    ];
    fields.extend(
        optional
            .into_iter()
            .filter_map(|(name, limit)| Some(field(name, limit.as_ref()?))),
    );
    object(fields)
}

fn field(name: &str, value: &str) -> String {
    format!("{}:{value}", to_json(name))
}

fn object(fields: impl IntoIterator<Item = String>) -> String {
    format!("{{{}}}", joined(fields))
}

fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", joined(items))
}

fn joined(items: impl IntoIterator<Item = String>) -> String {
    items.into_iter().collect::<Vec<_>>().join(",")
}

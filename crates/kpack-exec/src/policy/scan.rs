use kpack_schema::{Feature, FeatureSet, Limits, MEMORY_EXPORT};
use wasmparser::types::Types;
use wasmparser::{
    BinaryReaderError, CompositeInnerType, DataSectionReader, ElementItems, ElementSectionReader,
    ExportSectionReader, ExternalKind, FuncToValidate, FuncValidatorAllocations, FunctionBody,
    ImportSectionReader, MemorySectionReader, OperatorsReader, Parser, Payload, TableSectionReader,
    TypeSectionReader, ValType, ValidPayload, Validator, ValidatorResources,
};

use super::flow::{self, Flow};
use super::{CapKind, MemoryPages, ModuleCaps, PolicyErrorKind};
use crate::features::{MissingFeature, missing, wasm_features};

/// What one module is held to.
pub(super) struct Rules<'a> {
    pub(super) caps: &'a ModuleCaps,
    pub(super) limits: Limits,
    pub(super) features: FeatureSet,
    pub(super) entry_point: &'a str,
}

/// Judges a module, and names the feature it lacks where one that could be declared makes it valid.
pub(super) fn scan(bytes: &[u8], rules: &Rules<'_>) -> Result<MemoryPages, PolicyErrorKind> {
    let (offset, message) = match scan_once(bytes, rules) {
        Err(PolicyErrorKind::Invalid { offset, message }) => (offset, message),
        judged => return judged,
    };
    // The validator names most missing features itself, but not where a feature changes the way
    // bytes are read, such as the table index of an indirect call.
    let helps = |&feature: &Feature| {
        let features = rules.features.union([feature].into_iter().collect());
        let more = scan_once(bytes, &Rules { features, ..*rules });
        !matches!(more, Err(PolicyErrorKind::Invalid { .. }))
    };
    let undeclared = FeatureSet::ALL.missing_in(rules.features);
    Err(match undeclared.into_iter().find(helps) {
        Some(feature) => PolicyErrorKind::UndeclaredFeature { feature, offset },
        None => PolicyErrorKind::Invalid { offset, message },
    })
}

/// Reads a module once, front to back, validating as it goes; each cap is checked before the part
/// it covers is read.
fn scan_once(bytes: &[u8], rules: &Rules<'_>) -> Result<MemoryPages, PolicyErrorKind> {
    header(bytes, rules.caps)?;
    let features = wasm_features(rules.features);
    let mut scan = Scan {
        rules,
        seen: Seen::default(),
    };
    let mut validator = Validator::new_with_features(features);
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut allocations = FuncValidatorAllocations::default();
    let mut types = None;
    for payload in parser.parse_all(bytes) {
        let payload = payload.map_err(invalid)?;
        scan.before(&payload)?;
        match validator.payload(&payload).map_err(invalid)? {
            ValidPayload::Func(function, body) => {
                allocations = scan.function(function, &body, allocations)?;
            }
            ValidPayload::End(end) => types = Some(end),
            ValidPayload::Ok | ValidPayload::Parser(_) => {}
        }
    }
    scan.exports(&types.expect("a parser that ends without an error has seen the end"))
}

struct Scan<'a> {
    rules: &'a Rules<'a>,
    seen: Seen,
}

/// What has been counted so far.
#[derive(Default)]
struct Seen {
    code_bytes: u64,
    calls: u64,
    assignments: u64,
    merges: u64,
    pressure: u64,
    operands: u64,
    custom_sections: u64,
    custom_bytes: u64,
    memory: Option<MemoryPages>,
    memory_export: Option<u32>,
    entry_point: Option<(ExternalKind, u32)>,
}

impl Scan<'_> {
    /// The rules that a section can be judged by without being validated.
    fn before(&mut self, payload: &Payload<'_>) -> Result<(), PolicyErrorKind> {
        let caps = self.rules.caps;
        match payload {
            Payload::TypeSection(reader) => types(reader, caps),
            Payload::ImportSection(reader) => imports(reader),
            Payload::FunctionSection(reader) => {
                cap(CapKind::Functions, reader.count().into(), caps.functions)
            }
            Payload::TableSection(reader) => tables(reader, self.rules),
            Payload::MemorySection(reader) => self.memories(reader),
            Payload::GlobalSection(reader) => globals(reader.count(), self.rules.limits),
            Payload::ExportSection(reader) => self.export_section(reader),
            Payload::StartSection { .. } => Err(PolicyErrorKind::StartFunction),
            Payload::ElementSection(reader) => elements(reader, caps),
            Payload::DataCountSection { count, .. } => {
                cap(CapKind::DataSegments, u64::from(*count), caps.data_segments)
            }
            Payload::DataSection(reader) => data(reader, caps),
            Payload::CodeSectionEntry(body) => self.body(body),
            Payload::CustomSection(section) => self.custom(section.range().len()),
            _ => Ok(()),
        }
    }

    /// A memory of a kind that a proposal adds is the validator's to refuse, by its name.
    fn memories(&mut self, reader: &MemorySectionReader<'_>) -> Result<(), PolicyErrorKind> {
        if reader.count() > 1 {
            let offset = reader.range().start;
            return Err(PolicyErrorKind::ForbiddenProposal {
                proposal: "multi-memory".into(),
                offset,
            });
        }
        let Some(memory) = reader
            .clone()
            .into_iter()
            .next()
            .transpose()
            .map_err(invalid)?
        else {
            return Ok(());
        };
        if memory.memory64 || memory.shared || memory.page_size_log2.is_some() {
            return Ok(());
        }
        let allowed = self.rules.limits.memory_pages;
        let minimum = u32::try_from(memory.initial)
            .ok()
            .filter(|&pages| pages <= allowed)
            .ok_or(PolicyErrorKind::MemoryMinimum {
                found: memory.initial,
                allowed,
            })?;
        let maximum = memory.maximum.and_then(|pages| u32::try_from(pages).ok());
        self.seen.memory = Some(MemoryPages { minimum, maximum });
        Ok(())
    }

    fn export_section(&mut self, reader: &ExportSectionReader<'_>) -> Result<(), PolicyErrorKind> {
        cap(
            CapKind::Exports,
            reader.count().into(),
            self.rules.caps.exports,
        )?;
        for export in reader.clone() {
            let export = export.map_err(invalid)?;
            if export.name == MEMORY_EXPORT && export.kind == ExternalKind::Memory {
                self.seen.memory_export = Some(export.index);
            }
            if export.name == self.rules.entry_point {
                self.seen.entry_point = Some((export.kind, export.index));
            }
        }
        Ok(())
    }

    fn body(&mut self, body: &FunctionBody<'_>) -> Result<(), PolicyErrorKind> {
        let caps = self.rules.caps;
        let bytes = length(body.range().len());
        cap(CapKind::BodyBytes, bytes, caps.body_bytes)?;
        self.seen.code_bytes = self.seen.code_bytes.saturating_add(bytes);
        cap(CapKind::CodeBytes, self.seen.code_bytes, caps.code_bytes)?;
        let mut locals = 0_u64;
        for group in body.get_locals_reader().map_err(invalid)? {
            locals = locals.saturating_add(group.map_err(invalid)?.0.into());
            cap(CapKind::Locals, locals, caps.locals)?;
        }
        Ok(())
    }

    fn custom(&mut self, bytes: usize) -> Result<(), PolicyErrorKind> {
        let caps = self.rules.caps;
        self.seen.custom_sections += 1;
        self.seen.custom_bytes = self.seen.custom_bytes.saturating_add(length(bytes));
        cap(
            CapKind::CustomSections,
            self.seen.custom_sections,
            caps.custom_sections,
        )?;
        cap(
            CapKind::CustomBytes,
            self.seen.custom_bytes,
            caps.custom_bytes,
        )
    }

    /// Validates one function, operator by operator, and measures its control flow on the way.
    fn function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        allocations: FuncValidatorAllocations,
    ) -> Result<FuncValidatorAllocations, PolicyErrorKind> {
        let caps = self.rules.caps;
        let mut validator = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        validator.read_locals(&mut reader).map_err(invalid)?;
        reader.set_features(wasm_features(self.rules.features));
        let mut operators = OperatorsReader::new(reader);
        let mut flow = Flow::default();
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset().map_err(invalid)?;
            // Before the operator takes effect: the end of a block has that block's values.
            let handed_on = flow::handed_on(&operator, &validator);
            validator.op(offset, &operator).map_err(invalid)?;
            // The function's own body is a level as well.
            let nesting = u64::from(validator.control_stack_height()).saturating_sub(1);
            flow.add(&operator, validator.operand_stack_height());
            if flow::opens_block(&operator) {
                cap(CapKind::Blocks, flow.blocks(), caps.blocks)?;
                cap(CapKind::Nesting, nesting, caps.nesting)?;
            }
            cap(CapKind::Calls, flow.calls(), caps.calls)?;
            self.seen.operands = self.seen.operands.saturating_add(handed_on);
            cap(CapKind::Operands, self.seen.operands, caps.operands)?;
        }
        operators.finish().map_err(invalid)?;
        let locals = validator.len_locals();
        let pressure = flow.pressure(locals, length(body.range().len()));
        let seen = &mut self.seen;
        for (kind, seen, found, allowed) in [
            (
                CapKind::ModuleCalls,
                &mut seen.calls,
                flow.calls(),
                caps.module_calls,
            ),
            (
                CapKind::Assignments,
                &mut seen.assignments,
                flow.assignments(),
                caps.assignments,
            ),
            (
                CapKind::Pressure,
                &mut seen.pressure,
                pressure,
                caps.pressure,
            ),
            (
                CapKind::Merges,
                &mut seen.merges,
                flow.merges(locals),
                caps.merges,
            ),
        ] {
            *seen = seen.saturating_add(found);
            cap(kind, *seen, allowed)?;
        }
        Ok(validator.into_allocations())
    }

    /// The rules about the whole module.
    fn exports(self, types: &Types) -> Result<MemoryPages, PolicyErrorKind> {
        let name = self.rules.entry_point;
        let memory = self.seen.memory_export.and(self.seen.memory);
        let memory = memory.ok_or(PolicyErrorKind::MemoryExport {
            name: MEMORY_EXPORT,
        })?;
        match self.seen.entry_point {
            None => Err(PolicyErrorKind::EntryPointMissing { name: name.into() }),
            Some((ExternalKind::Func, index)) if is_entry_point(types, index) => Ok(memory),
            Some(_) => Err(PolicyErrorKind::EntryPointType { name: name.into() }),
        }
    }
}

fn is_entry_point(types: &Types, function: u32) -> bool {
    let types = types.as_ref();
    match &types[types.core_function_at(function)].composite_type.inner {
        CompositeInnerType::Func(ty) => {
            ty.params() == [ValType::I32] && ty.results() == [ValType::I32]
        }
        _ => false,
    }
}

fn header(bytes: &[u8], caps: &ModuleCaps) -> Result<(), PolicyErrorKind> {
    cap(CapKind::ModuleBytes, length(bytes.len()), caps.module_bytes)?;
    match bytes.get(..8) {
        Some(b"\0asm\x01\0\0\0") => Ok(()),
        Some([0, b'a', b's', b'm', _, _, 1, 0]) => Err(PolicyErrorKind::Component),
        _ => Err(PolicyErrorKind::NotAModule),
    }
}

fn types(reader: &TypeSectionReader<'_>, caps: &ModuleCaps) -> Result<(), PolicyErrorKind> {
    cap(CapKind::Types, reader.count().into(), caps.types)?;
    let mut types = 0;
    for group in reader.clone() {
        for ty in group.map_err(invalid)?.types() {
            types += 1;
            cap(CapKind::Types, types, caps.types)?;
            if let CompositeInnerType::Func(ty) = &ty.composite_type.inner {
                let values = length(ty.params().len() + ty.results().len());
                cap(CapKind::TypeValues, values, caps.type_values)?;
            }
        }
    }
    Ok(())
}

fn imports(reader: &ImportSectionReader<'_>) -> Result<(), PolicyErrorKind> {
    match reader.clone().into_imports().next() {
        None => Ok(()),
        Some(Err(error)) => Err(invalid(error)),
        Some(Ok(import)) => Err(PolicyErrorKind::Import {
            module: shown(import.module),
            name: shown(import.name),
        }),
    }
}

fn tables(reader: &TableSectionReader<'_>, rules: &Rules<'_>) -> Result<(), PolicyErrorKind> {
    cap(CapKind::Tables, reader.count().into(), rules.caps.tables)?;
    let mut found = 0_u64;
    for table in reader.clone() {
        found = found.saturating_add(table.map_err(invalid)?.ty.initial);
    }
    let allowed = rules.limits.table_elements;
    if found > u64::from(allowed) {
        return Err(PolicyErrorKind::TableMinimum { found, allowed });
    }
    Ok(())
}

fn globals(found: u32, limits: Limits) -> Result<(), PolicyErrorKind> {
    let allowed = limits.globals;
    if found > allowed {
        Err(PolicyErrorKind::Globals { found, allowed })
    } else {
        Ok(())
    }
}

fn elements(reader: &ElementSectionReader<'_>, caps: &ModuleCaps) -> Result<(), PolicyErrorKind> {
    cap(
        CapKind::ElementSegments,
        reader.count().into(),
        caps.element_segments,
    )?;
    let mut items = 0_u64;
    for segment in reader.clone() {
        let count = match segment.map_err(invalid)?.items {
            ElementItems::Functions(items) => items.count(),
            ElementItems::Expressions(_, items) => items.count(),
        };
        items = items.saturating_add(count.into());
        cap(CapKind::ElementItems, items, caps.element_items)?;
    }
    Ok(())
}

fn data(reader: &DataSectionReader<'_>, caps: &ModuleCaps) -> Result<(), PolicyErrorKind> {
    cap(
        CapKind::DataSegments,
        reader.count().into(),
        caps.data_segments,
    )?;
    let mut bytes = 0_u64;
    for segment in reader.clone() {
        bytes = bytes.saturating_add(length(segment.map_err(invalid)?.data.len()));
        cap(CapKind::DataBytes, bytes, caps.data_bytes)?;
    }
    Ok(())
}

fn cap(cap: CapKind, found: u64, allowed: u64) -> Result<(), PolicyErrorKind> {
    if found > allowed {
        Err(PolicyErrorKind::Cap {
            cap,
            found,
            allowed,
        })
    } else {
        Ok(())
    }
}

fn length(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A name from a hostile module, short enough for a message.
fn shown(name: &str) -> String {
    name.chars()
        .take(64)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn invalid(error: BinaryReaderError) -> PolicyErrorKind {
    let offset = error.offset();
    match error.missing_wasm_feature().map(missing) {
        Some(MissingFeature::Nameable(feature)) => {
            PolicyErrorKind::UndeclaredFeature { feature, offset }
        }
        Some(MissingFeature::Never(proposal)) => {
            PolicyErrorKind::ForbiddenProposal { proposal, offset }
        }
        None => PolicyErrorKind::Invalid {
            offset,
            message: shown_message(error.message()),
        },
    }
}

/// Validator messages may quote names of the module.
fn shown_message(message: &str) -> String {
    message
        .chars()
        .take(256)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

use std::convert::Infallible;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{Instruction, Module};
use wasmparser::{Operator, Parser};

use super::*;

/// Puts another instruction of the same type in the place of some. None of them is one that the
/// entry point itself uses.
#[derive(Default)]
struct Mutation {
    changed: usize,
}

impl Reencode for Mutation {
    type Error = Infallible;

    fn instruction<'a>(
        &mut self,
        operator: Operator<'a>,
    ) -> std::result::Result<Instruction<'a>, Error> {
        let mutant = match operator {
            Operator::I32Mul => Instruction::I32Sub,
            Operator::I32Or => Instruction::I32Mul,
            Operator::I32LtS => Instruction::I32LtU,
            Operator::I64Add => Instruction::I64Sub,
            Operator::I64ShrS => Instruction::I64ShrU,
            Operator::F32Mul => Instruction::F32Add,
            Operator::F64Min => Instruction::F64Max,
            Operator::F64ConvertI32S => Instruction::F64ConvertI32U,
            Operator::F32Floor => Instruction::F32Ceil,
            other => return utils::instruction(self, other),
        };
        self.changed += 1;
        Ok(mutant)
    }
}

fn mutant(case: &Case) -> Option<Case> {
    let (mut mutation, mut module) = (Mutation::default(), Module::new());
    mutation
        .parse_core_module(&mut module, Parser::new(0), &case.module)
        .unwrap();
    let module = module.finish();
    (mutation.changed > 0).then(|| Case {
        module,
        ..case.clone()
    })
}

#[test]
fn an_engine_that_computes_otherwise_is_noticed() {
    let mut judge = Judge::new().unwrap();
    let (mut mutants, mut noticed) = (0, 0);
    for seed in 0..120 {
        let case = Case::generate(seed);
        let Some(mutant) = mutant(&case) else {
            continue;
        };
        let sides = [&case, &mutant].map(|case| judge.vetted(case));
        let [Ok(left), Ok(right)] = sides else {
            continue;
        };
        mutants += 1;
        let found = judge.run(&case, [&left, &right], &mut Vec::new());
        noticed += u32::from(matches!(found, Err(Disagreement::Mismatch(_))));
    }
    println!("{noticed} of {mutants}");
    assert!(
        noticed * 5 > mutants && mutants > 20,
        "{noticed} of {mutants}"
    );
}

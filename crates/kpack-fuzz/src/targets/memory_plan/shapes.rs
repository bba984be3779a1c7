use serde_json::{Map, Value, json};

/// Sizes around which layouts go wrong.
const SIZES: [usize; 20] = [
    1,
    2,
    3,
    7,
    15,
    16,
    17,
    31,
    32,
    33,
    63,
    64,
    65,
    96,
    128,
    1000,
    4096,
    16_384,
    1 << 20,
    1 << 31,
];
const PAGES: [u32; 8] = [1, 2, 3, 4, 5, 8, 16, 64];
const DTYPES: [&str; 8] = ["f32", "f16", "bf16", "i8", "u8", "i32", "q4", "q8"];
const PARAMS: [&str; 7] = ["f32", "f64", "i32", "i64", "u32", "u64", "bool"];
const SYMBOLS: [&str; 3] = ["a", "b", "c"];

/// Tensors, parameters and limits as some bytes have them. Where the bytes end, all is the first
/// choice.
pub(super) struct Shapes {
    inputs: Vec<Value>,
    outputs: Vec<Value>,
    scratch: Option<Value>,
    params: Map<String, Value>,
    sizes: [usize; SYMBOLS.len()],
    bound: Vec<&'static str>,
    pub(super) module_pages: u32,
    pub(super) max_pages: u32,
}

impl Shapes {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut choices = Choices {
            bytes,
            bound: Vec::new(),
        };
        let module_pages = u32::try_from(choices.below(4)).unwrap_or(0);
        let max_pages = choices.pick(&PAGES);
        let sizes = std::array::from_fn(|_| choices.pick(&SIZES));
        let inputs = 1 + choices.below(4);
        let inputs = (0..inputs)
            .map(|i| choices.tensor(&format!("in{i}"), Bind::Yes))
            .collect();
        let outputs = 1 + choices.below(3);
        let outputs = (0..outputs)
            .map(|i| choices.tensor(&format!("out{i}"), Bind::No))
            .collect();
        let scratch = (choices.below(2) == 1).then(|| choices.scratch());
        let params = 0..choices.below(4);
        let params = params.map(|i| (format!("p{i}"), choices.param())).collect();
        Self {
            inputs,
            outputs,
            scratch,
            params,
            sizes,
            bound: choices.bound,
            module_pages,
            max_pages,
        }
    }

    /// How the kernel of these shapes differs from the plainest one.
    pub(super) fn kernel(&self) -> Value {
        let mut kernel = json!({
            "inputs": self.inputs, "outputs": self.outputs, "params": self.params,
            "resource_limits": {
                "max_memory_pages": self.max_pages, "max_epoch_ticks": 1, "max_table_elements": 0
            },
        });
        if let Some(scratch) = &self.scratch {
            kernel["scratch"] = scratch.clone();
        }
        kernel
    }

    /// A size for each symbol that an input binds.
    pub(super) fn dims(&self) -> Vec<(&'static str, usize)> {
        let all = SYMBOLS.into_iter().zip(self.sizes);
        all.filter(|(symbol, _)| self.bound.contains(symbol))
            .collect()
    }

    /// A module whose memory starts with the pages of its own.
    pub(super) fn module(&self) -> Vec<u8> {
        let pages = u8::try_from(self.module_pages).expect("a few pages");
        let mut wasm = b"\0asm\x01\0\0\0".to_vec();
        // One type (i32) -> i32, one function of it.
        wasm.extend([1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 3, 2, 1, 0]);
        // One memory, exported beside the function.
        wasm.extend([5, 3, 1, 0, pages]);
        wasm.extend([7, 16, 2, 6]);
        wasm.extend(b"memory\x02\0\x03run\0\0");
        // The function gives back its argument.
        wasm.extend([10, 6, 1, 4, 0, 0x20, 0, 0x0b]);
        wasm
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Bind {
    Yes,
    No,
}

struct Choices<'a> {
    bytes: &'a [u8],
    /// The symbols that stand bare in an input.
    bound: Vec<&'static str>,
}

impl Choices<'_> {
    fn below(&mut self, end: usize) -> usize {
        let Some((&first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        usize::from(first) % end
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn tensor(&mut self, name: &str, bind: Bind) -> Value {
        let dtype = self.pick(&DTYPES);
        json!({"name": name, "dtype": dtype, "shape": self.shape(bind)})
    }

    fn scratch(&mut self) -> Value {
        let dtype = self.pick(&DTYPES);
        json!({"dtype": dtype, "shape": self.shape(Bind::No)})
    }

    fn shape(&mut self, bind: Bind) -> Vec<Value> {
        let rank = 1 + self.below(3);
        (0..rank).map(|_| self.dim(bind)).collect()
    }

    fn dim(&mut self, bind: Bind) -> Value {
        let symbol = self.pick(&SYMBOLS);
        match self.below(6) {
            0 => json!(self.pick(&SIZES)),
            1 => json!(format!("{symbol}*{}", self.pick(&[2, 3, 32]))),
            2 => json!(format!("{symbol}/{}", self.pick(&[2, 4, 16]))),
            _ => {
                if bind == Bind::Yes && !self.bound.contains(&symbol) {
                    self.bound.push(symbol);
                }
                json!(symbol)
            }
        }
    }

    fn param(&mut self) -> Value {
        let ty = self.pick(&PARAMS);
        let default = if ty == "bool" { json!(true) } else { json!(7) };
        json!({"type": ty, "default": default})
    }
}

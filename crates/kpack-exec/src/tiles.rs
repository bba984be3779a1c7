//! How a call is cut along the dimensions whose rows are independent.

use std::ops::Range;

use kpack_schema::{Binding, BoundTensor, DataType, Dim, Signature, TensorDecl, tensor_byte_len};

/// What a cut is to achieve.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// Bytes of all tensors of one tile that are cut, where a tile of one row has no more. What
    /// every tile has whole does not count.
    pub(crate) tile_bytes: u64,
    /// Tiles come in a multiple of this, as far as even tiles allow.
    pub(crate) parts: u32,
}

/// A call cut into tiles that cover it without overlap.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    axes: Vec<Axis>,
}

/// A dimension that is cut.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Axis {
    symbol: String,
    size: u32,
    /// The length of all tiles along it but the last, which may be shorter.
    tile: u32,
}

/// A part of a call: for each axis of its [`Cut`], the rows that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tile {
    spans: Vec<(String, Range<u32>)>,
}

impl Cut {
    /// Cuts outer dimensions first, no further than the goal asks for.
    pub(crate) fn new(signature: &Signature, binding: &Binding, goal: Goal) -> Self {
        let mut cut = Self {
            axes: axes(signature, binding),
        };
        for axis in 0..cut.axes.len() {
            cut.fit(axis, signature, binding, goal.tile_bytes);
        }
        cut.divide(goal.parts);
        cut
    }

    /// All tiles, in row-major order of the axes.
    pub(crate) fn tiles(&self) -> Vec<Tile> {
        let mut tiles = vec![Tile { spans: Vec::new() }];
        for axis in &self.axes {
            let with_span = |tile: &Tile, span: Range<u32>| {
                let mut tile = tile.clone();
                tile.spans.push((axis.symbol.clone(), span));
                tile
            };
            tiles = tiles
                .iter()
                .flat_map(|tile| axis.spans().map(|span| with_span(tile, span)))
                .collect();
        }
        tiles
    }

    /// Shortens the tiles along one axis until they fit, or are one row.
    fn fit(&mut self, axis: usize, signature: &Signature, binding: &Binding, bytes: u64) {
        let size = self.axes[axis].size;
        let mut bytes_of = |rows: u32| {
            self.axes[axis].tile = rows;
            self.tile_bytes(signature, binding)
        };
        if bytes_of(size) <= bytes {
            return;
        }
        // Rows are of equal length, and every tensor that counts has some.
        let rows = bytes / bytes_of(1).max(1);
        let rows = u32::try_from(rows).map_or(size, |rows| rows.clamp(1, size));
        self.axes[axis].tile = evenly(size, size.div_ceil(rows));
    }

    /// Shortens tiles so that `parts` equal shares can be made of them, as far as there are rows.
    fn divide(&mut self, parts: u32) {
        let mut parts = parts.max(1);
        for axis in &mut self.axes {
            if parts == 1 {
                return;
            }
            let share = axis.size.div_ceil(parts);
            axis.tile = tile_of_share(share, axis.tile);
            parts = parts.div_ceil(axis.size.div_ceil(share));
        }
    }

    /// Bytes of the tensors of one tile that are cut.
    fn tile_bytes(&self, signature: &Signature, binding: &Binding) -> u64 {
        let full = |dims: &[Dim], bound: &BoundTensor| {
            let shape = bound.shape.iter().zip(dims);
            let shape: Vec<usize> = shape
                .map(|(&size, dim)| match self.axis_of(dim) {
                    Some(axis) => usize::try_from(axis.tile).unwrap_or(size),
                    None => size,
                })
                .collect();
            tensor_byte_len(bound.dtype, &shape).unwrap_or(u64::MAX)
        };
        let is_cut = |declared: &TensorDecl| {
            let mut dims = declared.dims.iter();
            dims.any(|dim| self.axis_of(dim).is_some())
        };
        tensors(signature, binding)
            .filter(|(declared, _)| is_cut(declared))
            .map(|(declared, bound)| full(&declared.dims, bound))
            .fold(0, u64::saturating_add)
    }

    /// Bytes of the tensors that every tile has whole.
    pub(crate) fn shared_bytes(signature: &Signature, binding: &Binding) -> u64 {
        let axes = axes(signature, binding);
        let cut = Self { axes };
        let whole = |declared: &TensorDecl| {
            let mut dims = declared.dims.iter();
            dims.all(|dim| cut.axis_of(dim).is_none())
        };
        tensors(signature, binding)
            .filter(|(declared, _)| whole(declared))
            .map(|(_, bound)| bound.byte_len)
            .fold(0, u64::saturating_add)
    }

    /// The lengths of the axes of the first tile, which no other exceeds.
    pub(crate) fn first_lengths(&self) -> Vec<(&str, u32)> {
        let axes = self.axes.iter();
        axes.map(|axis| (axis.symbol.as_str(), axis.tile)).collect()
    }

    fn axis_of(&self, dim: &Dim) -> Option<&Axis> {
        let symbol = dim.bare_symbol()?;
        let mut axes = self.axes.iter();
        axes.find(|axis| axis.symbol == symbol.as_str())
    }
}

impl Axis {
    fn spans(&self) -> impl Iterator<Item = Range<u32>> {
        let starts = (0..self.size).step_by(usize::try_from(self.tile).unwrap_or(usize::MAX));
        starts.map(|start| start..self.size.min(start.saturating_add(self.tile)))
    }
}

impl Tile {
    /// The lengths of the axes: tiles with equal lengths have equal shapes.
    pub(crate) fn lengths(&self) -> Vec<(&str, u32)> {
        let spans = self.spans.iter();
        spans
            .map(|(symbol, span)| (symbol.as_str(), span.end - span.start))
            .collect()
    }

    /// The bytes of a tensor that belong to the tile, run by run, in the order of memory; the tile
    /// holds them one after another.
    pub(crate) fn runs(&self, declared: &TensorDecl, bound: &BoundTensor) -> Vec<Range<usize>> {
        let boxed: Vec<(Range<usize>, usize)> = declared
            .dims
            .iter()
            .zip(&bound.shape)
            .map(|(dim, &size)| (self.span_of(dim).unwrap_or(0..size), size))
            .collect();
        // Behind the last dimension that is cut, everything is in one piece.
        let last_cut = boxed.iter().rposition(|(span, size)| span.len() < *size);
        let Some(last_cut) = last_cut else {
            let whole = byte_len(bound);
            return std::iter::once(0..whole).collect();
        };
        let rows: usize = bound.shape[..=last_cut].iter().product();
        let row_bytes = byte_len(bound) / rows.max(1);
        let mut starts = vec![0];
        for (span, size) in &boxed[..last_cut] {
            let of_span = |start: &usize| span.clone().map(move |at| start * size + at).collect();
            starts = starts
                .iter()
                .flat_map(|start| -> Vec<usize> { of_span(start) })
                .collect();
        }
        let (span, size) = &boxed[last_cut];
        let run = |start: usize| {
            let first = (start * size + span.start) * row_bytes;
            first..first + span.len() * row_bytes
        };
        starts.into_iter().map(run).collect()
    }

    /// Whether the tile holds all of a tensor, as every other tile does.
    pub(crate) fn shares(&self, declared: &TensorDecl) -> bool {
        declared.dims.iter().all(|dim| self.span_of(dim).is_none())
    }

    fn span_of(&self, dim: &Dim) -> Option<Range<usize>> {
        let symbol = dim.bare_symbol()?;
        let mut spans = self.spans.iter();
        let (_, span) = spans.find(|(name, _)| name == symbol.as_str())?;
        let index = |at: u32| usize::try_from(at).expect("a dimension fits the address space");
        Some(index(span.start)..index(span.end))
    }
}

fn byte_len(bound: &BoundTensor) -> usize {
    usize::try_from(bound.byte_len).expect("tensors that the caller holds fit the address space")
}

/// A dimension along which a call may be cut.
pub(crate) struct ParallelAxis<'a> {
    pub(crate) symbol: &'a str,
    pub(crate) size: u32,
    /// Where its size stands in the parameter block.
    pub(crate) in_params: Range<usize>,
}

/// The dimensions that may be cut, outer ones first.
pub(crate) fn parallel_axes<'a>(
    signature: &'a Signature,
    binding: &'a Binding,
) -> impl Iterator<Item = ParallelAxis<'a>> {
    let parallel = |name: &str| {
        let mut dims = signature.parallel_dims().iter();
        dims.any(|parallel| parallel.as_str() == name)
    };
    let symbols = signature.symbols().iter().enumerate();
    symbols.filter_map(move |(index, symbol)| {
        let name = symbol.name.as_str();
        let may_be_cut = parallel(name) && can_be_cut(signature, name);
        let size = binding.symbol(name).filter(|_| may_be_cut)?;
        let at = index * size_of::<u32>();
        Some(ParallelAxis {
            symbol: name,
            size,
            in_params: at..at + size_of::<u32>(),
        })
    })
}

fn axes(signature: &Signature, binding: &Binding) -> Vec<Axis> {
    let whole = |axis: ParallelAxis<'_>| Axis {
        symbol: axis.symbol.to_owned(),
        size: axis.size,
        tile: axis.size,
    };
    parallel_axes(signature, binding).map(whole).collect()
}

/// Every output has to have the dimension, or tiles would write the same elements. Blocks are not
/// cut.
fn can_be_cut(signature: &Signature, name: &str) -> bool {
    let is = |dim: &Dim| {
        dim.bare_symbol()
            .is_some_and(|symbol| symbol.as_str() == name)
    };
    let in_blocks = |tensor: &TensorDecl| {
        matches!(tensor.dtype, DataType::Q4 | DataType::Q8) && tensor.dims.last().is_some_and(is)
    };
    let once = |tensor: &TensorDecl| tensor.dims.iter().filter(|&dim| is(dim)).count() <= 1;
    let tensors = signature.inputs().iter().chain(signature.outputs());
    let mut tensors = tensors.chain(signature.scratch());
    let mut outputs = signature.outputs().iter();
    outputs.all(|output| output.dims.iter().any(is))
        && tensors.all(|tensor| once(tensor) && !in_blocks(tensor))
}

fn tensors<'a>(
    signature: &'a Signature,
    binding: &'a Binding,
) -> impl Iterator<Item = (&'a TensorDecl, &'a BoundTensor)> {
    let inputs = signature.inputs().iter().zip(binding.inputs());
    let outputs = signature.outputs().iter().zip(binding.outputs());
    let scratch = signature.scratch().into_iter().zip(binding.scratch());
    inputs.chain(outputs).chain(scratch)
}

/// The longest tiles, up to `most` rows, into which a share falls evenly; where they would be less than
/// half as long as they may be, tiles that are nearly even.
fn tile_of_share(share: u32, most: u32) -> u32 {
    let most = most.min(share);
    let even = (most.div_ceil(2)..=most)
        .rev()
        .find(|tile| share.is_multiple_of(*tile));
    even.unwrap_or_else(|| evenly(share, share.div_ceil(most)))
}

/// The length of `count` tiles that are as even as can be.
fn evenly(size: u32, count: u32) -> u32 {
    size.div_ceil(count.clamp(1, size.max(1)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample_signatures::{norm, rope, signature, signature_with};

    fn lengths(signature: &Signature, dims: &[(&str, usize)], goal: Goal) -> Vec<u32> {
        let binding = signature.bind_dims(dims, &[]).unwrap();
        let tiles = Cut::new(signature, &binding, goal).tiles();
        tiles
            .iter()
            .map(|tile| tile.lengths().iter().map(|(_, length)| length).product())
            .collect()
    }

    #[test]
    fn a_call_that_fits_is_one_tile() {
        let goal = Goal {
            tile_bytes: 1 << 20,
            parts: 1,
        };
        assert_eq!(lengths(&norm(), &[("rows", 7), ("hidden", 64)], goal), [7]);
    }

    #[test]
    fn tiles_are_as_even_as_can_be_and_within_the_goal() {
        // A row of x and y has 512 bytes; the weight does not count.
        let goal = Goal {
            tile_bytes: 4 * 512,
            parts: 1,
        };
        let dims = [("rows", 9), ("hidden", 64)];
        assert_eq!(lengths(&norm(), &dims, goal), [3, 3, 3]);
        let dims = [("rows", 10), ("hidden", 64)];
        assert_eq!(lengths(&norm(), &dims, goal), [4, 4, 2]);
        let tiny = Goal {
            tile_bytes: 1,
            parts: 1,
        };
        assert_eq!(lengths(&norm(), &dims, tiny), [1; 10]);
    }

    #[test]
    fn parts_divide_the_tiles_where_there_are_rows_enough() {
        let goal = |parts| Goal {
            tile_bytes: u64::MAX,
            parts,
        };
        let dims = [("rows", 8), ("hidden", 64)];
        assert_eq!(lengths(&norm(), &dims, goal(2)), [4, 4]);
        assert_eq!(lengths(&norm(), &dims, goal(3)), [3, 3, 2]);
        assert_eq!(lengths(&norm(), &dims, goal(100)), [1; 8]);
    }

    #[test]
    fn shares_are_even_where_a_shorter_tile_divides_them() {
        // Three rows would do, which makes 11 tiles of 32 rows, and of two shares one of 18 rows.
        let goal = Goal {
            tile_bytes: 3 * 512,
            parts: 2,
        };
        let dims = [("rows", 32), ("hidden", 64)];
        assert_eq!(lengths(&norm(), &dims, goal), [2; 16]);
        // 13 rows a share have no divisor from 3 to 5: one share has 15 rows then, and one 11.
        let goal = Goal {
            tile_bytes: 5 * 512,
            parts: 2,
        };
        let dims = [("rows", 26), ("hidden", 64)];
        assert_eq!(lengths(&norm(), &dims, goal), [5, 5, 5, 5, 5, 1]);
    }

    #[test]
    fn an_output_without_the_dimension_keeps_it_whole() {
        let sum = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["hidden"]}]"#,
            r#"["rows"]"#,
        );
        let goal = Goal {
            tile_bytes: 1,
            parts: 4,
        };
        let dims = [("rows", 8), ("hidden", 64)];
        assert_eq!(lengths(&sum, &dims, goal), [1], "one tile without an axis");
    }

    #[test]
    fn blocks_are_not_cut() {
        let blocks = signature(
            r#"[{"name": "x", "dtype": "q8", "shape": ["rows", "n"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["rows", "n"]}]"#,
            r#"["rows", "n"]"#,
        );
        let goal = Goal {
            tile_bytes: 1,
            parts: 1,
        };
        let dims = [("rows", 2), ("n", 64)];
        assert_eq!(
            lengths(&blocks, &dims, goal),
            [1, 1],
            "two rows, each whole"
        );
    }

    #[test]
    fn scratch_in_blocks_and_scratch_of_two_rows_are_not_cut() {
        for scratch in [
            r#"{"dtype": "q8", "shape": ["n"]}"#,
            r#"{"dtype": "u8", "shape": ["n", "n"]}"#,
        ] {
            let signature = signature_with(
                r#"[{"name": "x", "dtype": "f32", "shape": ["n"]}]"#,
                r#"[{"name": "y", "dtype": "f32", "shape": ["n"]}]"#,
                r#"["n"]"#,
                &format!(r#""scratch": {scratch},"#),
            );
            let goal = Goal {
                tile_bytes: 100,
                parts: 2,
            };
            assert_eq!(
                lengths(&signature, &[("n", 64)], goal),
                [1],
                "one tile without an axis"
            );
        }
    }

    #[test]
    fn a_run_is_all_that_lies_together() {
        let cube = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["a", "b", "c"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["a", "b", "c"]}]"#,
            r#"["a", "b", "c"]"#,
        );
        let dims = [("a", 2), ("b", 2), ("c", 3)];
        let binding = cube.bind_dims(&dims, &[]).unwrap();
        // The rows of each tile; the bytes of a run, and where the runs begin.
        for (spans, length, starts) in [
            (vec![], 48, vec![0]),
            (vec![("a", 0..2), ("c", 0..3)], 48, vec![0]),
            (vec![("a", 1..2)], 24, vec![24]),
            (vec![("b", 1..2)], 12, vec![12, 36]),
            (vec![("c", 1..3)], 8, vec![4, 16, 28, 40]),
            (vec![("a", 1..2), ("c", 1..3)], 8, vec![28, 40]),
        ] {
            let spans = spans.into_iter();
            let tile = Tile {
                spans: spans.map(|(name, span)| (name.to_owned(), span)).collect(),
            };
            let expected: Vec<Range<usize>> =
                starts.iter().map(|&start| start..start + length).collect();
            let runs = tile.runs(&cube.inputs()[0], &binding.inputs()[0]);
            assert_eq!(runs, expected, "{tile:?}");
        }
    }

    #[test]
    fn what_every_tile_has_whole_is_shared() {
        let sum = signature(
            r#"[{"name": "x", "dtype": "f32", "shape": ["rows", "hidden"]}]"#,
            r#"[{"name": "y", "dtype": "f32", "shape": ["hidden"]}]"#,
            r#"["rows"]"#,
        );
        let dims = [("rows", 8), ("hidden", 64)];
        let rope_dims = [
            ("batch", 2),
            ("seq", 3),
            ("heads", 1),
            ("dim", 4),
            ("half", 2),
        ];
        let goal = Goal {
            tile_bytes: 1,
            parts: 1,
        };
        // The names of those tensors, and their bytes.
        for (signature, dims, expected) in [
            (norm(), &dims[..], (vec!["weight"], 256)),
            (rope(), &rope_dims, (vec![], 0)),
            (sum, &dims, (vec!["x", "y"], 8 * 256 + 256)),
        ] {
            let binding = signature.bind_dims(dims, &[]).unwrap();
            let bytes = Cut::shared_bytes(&signature, &binding);
            for tile in Cut::new(&signature, &binding, goal).tiles() {
                let declared = tensors(&signature, &binding).map(|(declared, _)| declared);
                let shared = declared.filter(|tensor| tile.shares(tensor));
                let names: Vec<&str> = shared.map(|tensor| tensor.name.as_str()).collect();
                assert_eq!((names, bytes), expected);
            }
        }
    }

    proptest! {
        #[test]
        fn tiles_cover_every_tensor_and_each_output_once(
            batch in 1_usize..5,
            seq in 1_usize..20,
            heads in 1_usize..4,
            half in 1_usize..5,
            tile_bytes in 1_u64..4000,
            parts in 1_u32..5,
        ) {
            let signature = rope();
            let dims = [("batch", batch), ("seq", seq), ("heads", heads), ("dim", 2 * half), ("half", half)];
            let binding = signature.bind_dims(&dims, &[]).unwrap();
            let cut = Cut::new(&signature, &binding, Goal { tile_bytes, parts });
            let tiles = cut.tiles();
            let first = cut.first_lengths();
            prop_assert_eq!(&first, &tiles[0].lengths());
            for tile in &tiles {
                let lengths = tile.lengths();
                let mut pairs = lengths.iter().zip(&first);
                prop_assert!(pairs.all(|(length, first)| length.1 <= first.1), "{:?}", lengths);
            }
            for (declared, bound) in tensors(&signature, &binding) {
                let mut seen = vec![0_u32; usize::try_from(bound.byte_len).unwrap()];
                for tile in &tiles {
                    for run in tile.runs(declared, bound) {
                        seen[run].iter_mut().for_each(|count| *count += 1);
                    }
                }
                if declared.name == "y" {
                    prop_assert!(seen.iter().all(|&count| count == 1));
                }
                prop_assert!(seen.iter().all(|&count| count >= 1));
            }
            let wanted = usize::try_from(parts).unwrap().min(batch.max(seq));
            prop_assert!(2 * tiles.len() > wanted, "{} tiles", tiles.len());
        }
    }
}

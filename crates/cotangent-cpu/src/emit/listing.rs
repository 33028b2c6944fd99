//! Machine code as text: Intel's syntax, with what the instructions are for.

use super::compile::Mark;
use super::ir::{I, Ir};
use super::{Loop, Made, Part, code_and_text, memory};
use crate::isa::Isa;

/// What is known of a program beside its instructions.
pub struct Notes<'a> {
    /// Its calls: before which instruction each of them begins, and what it is.
    pub calls: Vec<(u32, String)>,
    /// What the pointer at an entry of the table is of.
    pub entry: &'a dyn Fn(u32) -> String,
}

/// The machine code of a program as text; it is made now if it was not yet. Else why there is none.
pub fn text(ir: &Ir, isa: Isa, kind: Loop, notes: &Notes) -> Result<String, String> {
    let Some(Made { code, parts }) = code_and_text(ir, isa, kind) else {
        return Err(match memory::is_refused() {
            true => "no machine code: this system gives no memory for it".into(),
            false => "no machine code: it reads and writes with more strides than there are registers for".into(),
        });
    };
    let mut text = String::new();
    for (bytes, part) in code.bytes().zip(&parts) {
        debug_assert_eq!(bytes, &part.compiled.bytes[..part.compiled.text], "what is shown is what runs");
        let round = match kind {
            Loop::Map | Loop::Twice => format!("{} elements a round", part.lanes),
            Loop::Turns { .. } => "one turn a round".into(),
            Loop::Rows => "one row a round".into(),
            Loop::Folds { width, .. } => format!("{} of a row's {width} elements a round", part.ir.round),
        };
        text += &format!("; {} bytes for {isa:?}, {round}\n{}", bytes.len(), lines(part, notes))
    }
    Ok(text)
}

/// What an instruction is for, if it can be said: what it reads or writes, or the call that it belongs to.
fn note(Part { ir, origin, .. }: &Part, mark: Mark, notes: &Notes) -> String {
    let entry = |e: u32| (notes.entry)(e);
    let p = match mark {
        Mark::Loop => return String::new(),
        Mark::Next => return "to the next turn".into(),
        Mark::Pointer(e) => return format!("pointer of {}", entry(e)),
        Mark::Inst(p) => p,
    };
    let Some(i) = ir.insts.get(p as usize) else {
        return format!("-> {}", entry(ir.stores[p as usize - ir.insts.len()].entry));
    };
    match i.i {
        I::Load(_) | I::Pair(..) | I::Part(_) => entry(i.a),
        I::Put(_) => format!("-> {}", entry(ir.stores[i.b as usize].entry)),
        I::Splat(_) | I::One(_) => format!("{}, one element", entry(i.a)),
        I::Index => "index".into(),
        I::Const => number(i.a as u64 | (i.b as u64) << 32, if i.ty == super::ir::Ty::W64 { 8 } else { 4 }),
        _ => {
            let k = notes.calls.partition_point(|c| c.0 <= origin[p as usize]);
            k.checked_sub(1).map_or(String::new(), |k| notes.calls[k].1.clone())
        }
    }
}
/// Bits as a number: a float if that is likely.
fn number(bits: u64, size: usize) -> String {
    let float = match size {
        8 => f64::from_bits(bits),
        4 => f32::from_bits(bits as u32) as f64,
        _ => 0.0,
    };
    match float.abs() {
        1e-12..1e15 if size == 4 => format!("{bits:#x} = {:?}", f32::from_bits(bits as u32)),
        1e-12..1e15 if size == 8 => format!("{bits:#x} = {float:?}"),
        _ => format!("{bits:#x}"),
    }
}

/// The column of what stands behind an instruction.
#[cfg(all(feature = "assembly", target_arch = "x86_64"))]
const COLUMN: usize = 52;

#[cfg(all(feature = "assembly", target_arch = "x86_64"))]
fn lines(part: &Part, notes: &Notes) -> String {
    let c = &part.compiled;
    use iced_x86::{
        Decoder, DecoderOptions, Formatter, Instruction, IntelFormatter, OpKind, SymbolResolver, SymbolResult,
    };
    use std::collections::BTreeMap;
    use std::fmt::Write;

    /// Names of places in the code.
    struct Names(BTreeMap<u64, String>);
    impl SymbolResolver for Names {
        /// Only where something jumps to or reads from: a number that is as large as such a place's address is a number.
        fn symbol(
            &mut self,
            i: &Instruction,
            _: u32,
            operand: Option<u32>,
            at: u64,
            _: u32,
        ) -> Option<SymbolResult<'_>> {
            let place = match i.op_kind(operand?) {
                OpKind::NearBranch64 => true,
                OpKind::Memory => i.is_ip_rel_memory_operand(),
                _ => false,
            };
            self.0.get(&at).filter(|_| place).map(|name| SymbolResult::with_str(at, name))
        }
    }
    let all: Vec<Instruction> = Decoder::with_ip(64, &c.bytes[..c.text], 0, DecoderOptions::NONE).into_iter().collect();
    let jump = |i: &&Instruction| i.op_count() > 0 && i.op0_kind() == OpKind::NearBranch64;
    let mut targets: Vec<u64> = all.iter().filter(jump).map(|i| i.near_branch_target()).collect();
    targets.sort_unstable();
    targets.dedup();
    let mut names: BTreeMap<u64, String> = targets.iter().enumerate().map(|(k, at)| (*at, format!("l{k}"))).collect();
    names.extend(c.constants.iter().enumerate().map(|(k, (at, ..))| (*at as u64, format!("c{k}"))));
    if let Some(counting) =
        all.iter().find(|i| i.is_ip_rel_memory_operand() && !names.contains_key(&i.ip_rel_memory_address()))
    {
        names.insert(counting.ip_rel_memory_address(), "lanes".into());
    }
    let labels = names.clone();
    let mut formatter = IntelFormatter::with_options(Some(Box::new(Names(names))), None);
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_show_branch_size(false);
    let mut marks = c.marks.iter().peekable();
    let (mut text, mut line, mut last) = (String::new(), String::new(), String::new());
    for i in &all {
        if let Some(label) = labels.get(&i.ip()) {
            let _ = writeln!(text, "{label}:");
        }
        line.clear();
        formatter.format(i, &mut line);
        let mut what = String::new();
        while let Some((_, m)) = marks.next_if(|m| m.0 as u64 <= i.ip()) {
            what = note(part, *m, notes)
        }
        // a call is named at its first instruction
        if what.is_empty() || what == last {
            let _ = writeln!(text, "    {line}");
        } else {
            let _ = writeln!(text, "    {line:COLUMN$}; {what}");
            last = what
        }
    }
    for (at, bits, size) in &c.constants {
        let _ = writeln!(text, "{}: {}", labels[&(*at as u64)], number(*bits, *size));
    }
    text
}
#[cfg(not(all(feature = "assembly", target_arch = "x86_64")))]
fn lines(part: &Part, notes: &Notes) -> String {
    let c = &part.compiled;
    // what is read and written can be said without a decoder
    let told: Vec<String> = c.marks.iter().map(|m| note(part, m.1, notes)).filter(|n| !n.is_empty()).collect();
    format!("; built without the feature `assembly`, which has the decoder\n; {}\n", told.join("; "))
}

//! Programs as text.
use super::*;
use std::fmt::Write;

/// a, b, .., z, ba, bb, ..: JAX's names.
fn name(out: &mut String, v: u32) {
    if v >= 26 {
        name(out, v / 26)
    }
    out.push((b'a' + (v % 26) as u8) as char)
}

impl std::fmt::Display for Jaxpr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = String::with_capacity(self.eqns.len() * 32);
        for (k, e) in self.eqns.iter().enumerate() {
            name(&mut s, e.out);
            let _ = writeln!(s, " = {} {:?}", e.prim.name(), self.args(k));
        }
        f.write_str(&s)
    }
}

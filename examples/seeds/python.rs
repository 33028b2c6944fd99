//! What Python's f-strings print for a scalar array: its number, as Python prints floats.

use cotangent::prelude::*;

pub fn f(x: &Array) -> String {
    cotangent::array::print::format_python_float(x.to_f64())
}

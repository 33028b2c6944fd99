//! What the examples' pictures have in common: where they are written, colors, axes, legends.
#![allow(dead_code)]

pub use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::element::DashedPathElement;
pub use plotters::prelude::*;
use std::error::Error;
use std::ops::Range;
use std::path::Path;

/// A part of a picture.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// A part of a picture with two axes.
pub type Chart<'a, 'b, X, Y> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<X, Y>>;
/// Whether drawing went well.
pub type Drawn = Result<(), Box<dyn Error>>;

/// Colors that everybody can tell apart.
pub const BLUE: RGBColor = RGBColor(0, 114, 178);
/// See [`BLUE`].
pub const ORANGE: RGBColor = RGBColor(213, 94, 0);
/// See [`BLUE`].
pub const GREEN: RGBColor = RGBColor(0, 158, 115);
/// For what stands in the background.
pub const GRAY: RGBColor = RGBColor(140, 140, 140);

/// Writes `target/examples-output/NAME.svg`, a picture of this many points, and says so.
pub fn save(name: &str, size: (u32, u32), draw: impl FnOnce(&Area) -> Drawn) -> Drawn {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/examples-output");
    std::fs::create_dir_all(&folder)?;
    let path = folder.join(name).with_extension("svg");
    let root = SVGBackend::new(&path, size).into_drawing_area();
    root.fill(&WHITE)?;
    draw(&root)?;
    root.present()?;
    println!("picture: {}", path.display());
    Ok(())
}

/// Axes with names below a title.
pub fn axes<'a, 'b, X, Y>(
    area: &'a Area<'b>,
    title: &str,
    (x_name, x): (&str, X),
    (y_name, y): (&str, Y),
) -> Result<Chart<'a, 'b, X::CoordDescType, Y::CoordDescType>, Box<dyn Error>>
where
    X: AsRangedCoord<Value = f64, CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>>,
    Y: AsRangedCoord<Value = f64, CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>>,
{
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 19))
        .margin(12)
        .margin_right(24)
        .x_label_area_size(46)
        .y_label_area_size(58)
        .build_cartesian_2d(x, y)?;
    // as short as they can be
    let number = |v: &f64| match v.abs() {
        0.0 => "0".to_string(),
        a if !(1e-4..1e6).contains(&(a * 1.000001)) => format!("{v:.0e}"),
        _ => ((v * 1e6).round() / 1e6).to_string(),
    };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.1))
        .axis_style(BLACK.mix(0.6))
        .x_labels(8)
        .y_labels(7)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .x_label_formatter(&number)
        .y_label_formatter(&number)
        .x_desc(x_name)
        .y_desc(y_name)
        .draw()?;
    Ok(chart)
}

/// The legend of what has been drawn with a label.
pub fn legend<'a, 'b: 'a, X: Ranged, Y: Ranged>(chart: &mut Chart<'a, 'b, X, Y>, place: SeriesLabelPosition) -> Drawn {
    chart
        .configure_series_labels()
        .position(place)
        .margin(8)
        .legend_area_size(26)
        .label_font(("sans-serif", 13))
        .background_style(WHITE.mix(0.85))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    Ok(())
}

/// A short line for a legend.
pub fn dash(color: RGBAColor, width: u32) -> impl Fn((i32, i32)) -> PathElement<(i32, i32)> + 'static {
    move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], color.stroke_width(width))
}
/// A short line of dashes for a legend.
pub fn dashes(
    color: RGBAColor,
) -> impl Fn((i32, i32)) -> DashedPathElement<std::vec::IntoIter<(i32, i32)>, i32> + 'static {
    move |(x, y)| DashedPathElement::new(vec![(x, y), (x + 20, y)], 4, 4, color.stroke_width(2))
}
/// A dot for a legend.
pub fn dot(color: RGBAColor) -> impl Fn((i32, i32)) -> Circle<(i32, i32), i32> + 'static {
    move |(x, y)| Circle::new((x + 10, y), 4, color.filled())
}

/// The points of a grid over a rectangle, row by row from below, at which a function is evaluated whose contours are to be drawn.
pub struct Grid {
    /// From left to right.
    pub x: Range<f64>,
    /// From below to above.
    pub y: Range<f64>,
    /// Points in a row.
    pub columns: usize,
    /// Points in a column.
    pub rows: usize,
}
impl Grid {
    fn point(&self, i: usize) -> (f64, f64) {
        let along = |r: &Range<f64>, i: usize, n: usize| r.start + (r.end - r.start) * i as f64 / (n - 1) as f64;
        (along(&self.x, i % self.columns, self.columns), along(&self.y, i / self.columns, self.rows))
    }
    /// The coordinates of all points, x and y in turn.
    pub fn points(&self) -> Vec<f64> {
        (0..self.rows * self.columns).map(|i| self.point(i)).flat_map(|(x, y)| [x, y]).collect()
    }
    /// Where a function with these values at the points has the value `level`: lines, put together from the pieces that triangles between neighbors give.
    pub fn contour(&self, values: &[f64], level: f64) -> Vec<Vec<(f64, f64)>> {
        let n = self.columns;
        let mut lines: Vec<Vec<(f64, f64)>> = vec![];
        let corners = (0..self.rows - 1).flat_map(|row| (0..n - 1).map(move |column| row * n + column));
        for [a, b, c] in corners.flat_map(|i| [[i, i + 1, i + n], [i + n + 1, i + 1, i + n]]) {
            // a side counts the same from both of its triangles, or ends would not meet
            let crossing = |(a, b): (usize, usize)| {
                let (a, b) = (a.min(b), a.max(b));
                let part = (level - values[a]) / (values[b] - values[a]);
                let ((x, y), (u, v)) = (self.point(a), self.point(b));
                ((values[a] < level) != (values[b] < level)).then_some((x + part * (u - x), y + part * (v - y)))
            };
            let mut piece: Vec<_> = [(a, b), (b, c), (c, a)].into_iter().filter_map(crossing).collect();
            // what it touches at its ends becomes one line with it
            while let (Some(&first), Some(&last)) = (piece.first(), piece.last()) {
                let touches =
                    |l: &Vec<(f64, f64)>| [first, last].iter().any(|p| l.first() == Some(p) || l.last() == Some(p));
                let Some(i) = lines.iter().rposition(touches).filter(|_| first != last) else { break };
                let mut line = lines.swap_remove(i);
                if line.first() == Some(&first) || line.first() == Some(&last) {
                    line.reverse()
                }
                if line.last() != piece.first() {
                    piece.reverse()
                }
                line.extend(&piece[1..]);
                piece = line
            }
            if piece.len() > 1 {
                lines.push(piece)
            }
        }
        lines
    }
}
/// Numbers evenly spaced from one end to the other, both among them.
pub fn spaced(range: Range<f64>, n: usize) -> Vec<f64> {
    (0..n).map(|i| range.start + (range.end - range.start) * i as f64 / (n - 1) as f64).collect()
}

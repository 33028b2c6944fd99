//! A compiled function as a page: equations on the left, what they run in on the right, lines between them. One file of HTML with SVG in it.

use super::text::{assembly_of, driven_time, equations, group_time, of_turns, time, times};
use super::tree::{Driven, Line, Piece, Tree, Work};
use super::{Inside, Profile, analysis};
use std::collections::HashMap;
use std::fmt::Write;
use std::time::Duration;

/// Heights of a row on the left and of a box on the right, and where the columns lie.
const ROW: usize = 36;
const BOX: usize = 58;
const LEFT: usize = 600;
const RIGHT: usize = 740;
const WIDTH: usize = 1180;
/// The most characters of an equation that are shown; all of them are in its tooltip.
const CHARS: usize = 78;

const STYLE: &str = "\
body{font:14px system-ui,sans-serif;margin:24px auto;max-width:1240px;color:#1d2330;background:#fff}\
h1{font-size:22px;margin:0 0 2px}h2{font-size:16px;margin:26px 0 6px}p{margin:4px 0}\
table{border-collapse:collapse;margin:10px 0}td,th{padding:2px 14px 2px 0;text-align:left;font-weight:normal}th{color:#667}\
.num{text-align:right;font-variant-numeric:tabular-nums}\
.inner{border-left:3px solid #dde;padding-left:14px;margin:8px 0 8px 4px}\
svg{display:block;margin:6px 0}svg text{font:12px ui-monospace,monospace;fill:#1d2330}svg .small{font-size:10.5px;fill:#717a8c}\
svg .pale{fill:#9aa2b1}g.e:hover path{stroke-width:4;stroke-opacity:1}\
pre{background:#f5f6f9;padding:10px;overflow:auto;font:12px ui-monospace,monospace}summary{cursor:pointer;color:#445}";

/// Text that may stand anywhere in a page.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        safe(text)
    } else {
        safe(&text.chars().take(most - 1).collect::<String>()) + "…"
    }
}
/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
fn amount(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..10_000_000 => format!("{:.1}k", n as f64 / 1e3),
        10_000_000..10_000_000_000 => format!("{:.1}M", n as f64 / 1e6),
        _ => format!("{:.1}G", n as f64 / 1e9),
    }
}

struct Page<'a> {
    html: String,
    profile: Option<&'a Profile>,
    /// What the user's files say, line by line, where they can be read.
    sources: HashMap<&'static str, Vec<String>>,
}

/// The page of a function, with times if there are some.
pub(super) fn page(f: &Inside, profile: Option<&Profile>) -> String {
    let mut p = Page { html: String::new(), profile, sources: HashMap::new() };
    p.head(f);
    p.tree(&f.tree);
    let texts = [
        ("The program as it was staged", f.jaxpr.to_string()),
        ("Groups and steps", super::text::steps(f)),
        ("Tensor programs", super::text::program(f)),
    ];
    for (title, text) in texts {
        let _ = writeln!(p.html, "<details><summary>{title}</summary><pre>{}</pre></details>", safe(&text));
    }
    p.html.push_str("</body></html>\n");
    p.html
}

impl Page<'_> {
    fn head(&mut self, f: &Inside) {
        let (name, at) = (safe(&f.name), safe(&f.at.to_string()));
        let _ = write!(
            self.html,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{name}</title><style>{STYLE}</style></head><body>\n\
             <h1>{name}</h1><p>compiled for {at}</p>\n"
        );
        let ins: Vec<String> = f.jaxpr.in_avals().map(|a| a.to_string()).collect();
        let outs: Vec<String> = f.jaxpr.out_avals().iter().map(|a| a.to_string()).collect();
        let _ = writeln!(self.html, "<p>{} → {}</p>", safe(&ins.join(", ")), safe(&outs.join(", ")));
        let (c, m) = (analysis::cost(&f.tree, true), analysis::memory(&f.tree));
        let mut rows = vec![
            ("flops", amount(c.flops), c.complete),
            ("transcendentals", amount(c.transcendentals), c.complete),
            ("bytes read and written", size(c.bytes_accessed), c.complete),
            ("arguments", size(m.argument_bytes as u64), true),
            ("results", size(m.output_bytes as u64), true),
            ("temporary memory", size(m.temporary_bytes as u64), m.complete),
            ("peak of memory", size(m.peak_bytes as u64), m.complete),
        ];
        if let Some(p) = self.profile {
            rows.push(("time of the run", time(p.total), true));
            rows.push(("of which in steps", time(p.in_steps()), true))
        }
        self.html.push_str("<table>");
        for (what, n, exact) in rows {
            let note = if exact { "" } else { " (as far as it is known before a run)" };
            let _ = write!(self.html, "<tr><th>{what}</th><td class=\"num\">{n}</td><td>{note}</td></tr>");
        }
        self.html.push_str("</table>\n")
    }

    fn tree(&mut self, tree: &Tree) {
        for (i, part) in tree.parts.iter().enumerate() {
            match &part.work {
                Work::Straight(p) => {
                    if tree.parts.len() > 1 {
                        let _ = writeln!(self.html, "<h2>Part {i}</h2>");
                    }
                    self.piece(p)
                }
                Work::Driven(d) => self.driven(i, d),
            }
        }
    }
    fn driven(&mut self, i: usize, d: &Driven) {
        let spent = self.profile.and_then(|p| driven_time(&p.times, d));
        let spent = spent.map_or(String::new(), |(runs, t)| format!(", {} in {runs} runs", time(t)));
        let source = self.source(&d.line);
        let _ = writeln!(
            self.html,
            "<h2>Part {i}: {} ({}{spent})</h2><p><code>{}</code></p><p>{}</p>",
            safe(d.name),
            times(d),
            safe(&d.line.text),
            safe(&source)
        );
        if let Some(code) = of_turns(d) {
            let _ = writeln!(
                self.html,
                "<details><summary>Machine code of all turns</summary><pre>{}</pre></details>",
                safe(&code)
            );
        }
        for (name, tree) in &d.programs {
            let _ = writeln!(self.html, "<div class=\"inner\"><h2>{}</h2>", safe(name));
            self.tree(tree);
            self.html.push_str("</div>\n")
        }
    }
    /// Where an equation comes from, and what stands there.
    fn source(&mut self, l: &Line) -> String {
        let read = || std::fs::read_to_string(l.loc.file()).map(|t| t.lines().map(|l| l.trim().to_string()).collect());
        let lines = self.sources.entry(l.loc.file()).or_insert_with(|| read().unwrap_or_default());
        let text = lines.get(l.loc.line() as usize - 1).map_or("", |t| t);
        let back = if l.back { " (backward pass)" } else { "" };
        format!("{}{back}  {text}", l.loc)
    }

    fn piece(&mut self, p: &Piece) {
        let report = p.inspected().report();
        let groups = &report.groups;
        if p.lines.is_empty() {
            self.html.push_str("<p>Nothing is computed.</p>\n");
            return;
        }
        let of: Vec<Vec<usize>> = groups.iter().map(|g| equations(p, &g.nodes)).collect();
        let memory = if groups.iter().any(|g| g.live > 0) { 96 } else { 0 };
        let height = (p.lines.len() * ROW).max(groups.len() * BOX) + 16;
        let _ = writeln!(
            self.html,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 0 {WIDTH} {}\">",
            height + memory,
            height + memory
        );
        let hue = |k: usize| (210 + 67 * k) % 360;
        let step = |n: usize, least: usize| least.max((height - 16) / n.max(1));
        let (down, right) = (step(p.lines.len(), ROW).min(ROW * 2), step(groups.len(), BOX));
        let middle = |i: usize| 8 + i * down + ROW / 2;
        let beside = |k: usize| 8 + k * right + right / 2;
        for (e, l) in p.lines.iter().enumerate() {
            let y = middle(e);
            let runs = of.iter().any(|es| es.contains(&e));
            let source = self.source(l);
            let free = if runs { "" } else { " class=\"pale\"" };
            let _ = write!(
                self.html,
                "<g class=\"e\"><title>{}\n{}</title><text x=\"4\" y=\"{}\"{free}>{}</text><text x=\"4\" y=\"{}\" class=\"small\">{}</text>",
                safe(&l.text),
                safe(&source),
                y - 2,
                cut(if l.text.chars().count() > CHARS { &l.short } else { &l.text }, CHARS),
                y + 12,
                cut(&source, 100)
            );
            for (k, _) in of.iter().enumerate().filter(|(_, es)| es.contains(&e)) {
                let (a, b, m) = (y, beside(k), (LEFT + RIGHT) / 2);
                let _ = write!(
                    self.html,
                    "<path d=\"M{LEFT} {a}C{m} {a} {m} {b} {RIGHT} {b}\" fill=\"none\" stroke=\"hsl({},60%,55%)\" stroke-opacity=\".6\" stroke-width=\"1.5\"/>",
                    hue(k)
                );
            }
            self.html.push_str("</g>\n")
        }
        let times: Vec<Option<(usize, Duration)>> =
            (0..groups.len()).map(|k| self.profile.and_then(|f| group_time(&f.times, p, k))).collect();
        // the bars: times if there are some, else bytes
        let bytes = |k: usize| (groups[k].cost.read + groups[k].cost.written) as f64;
        let timed = times.iter().any(|t| t.is_some());
        let weight = |k: usize| if timed { times[k].map_or(0.0, |t| t.1.as_nanos() as f64) } else { bytes(k) };
        let most = (0..groups.len()).map(weight).fold(0.0, f64::max).max(1.0);
        for (k, g) in groups.iter().enumerate() {
            let y = beside(k) - BOX / 2 + 4;
            let width = (weight(k) / most * (WIDTH - RIGHT - 20) as f64).max(1.0);
            let spent = times[k].map_or(String::new(), |(runs, t)| match runs {
                1 => format!("  {}", time(t)),
                n => format!("  {} in {n} runs", time(t)),
            });
            let c = &g.cost;
            let _ = writeln!(
                self.html,
                "<g class=\"k\"><title>{}</title><rect x=\"{RIGHT}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"hsl({h},60%,96%)\" stroke=\"hsl({h},50%,60%)\"/>\
                 <rect x=\"{}\" y=\"{}\" width=\"{width:.1}\" height=\"5\" fill=\"hsl({h},60%,55%)\"/>\
                 <text x=\"{}\" y=\"{}\">{k} {}{spent}</text><text x=\"{}\" y=\"{}\" class=\"small\">{} read, {} written, {} flops, {} transcendentals</text></g>",
                safe(&g.text(k)),
                WIDTH - RIGHT - 4,
                BOX - 8,
                RIGHT + 8,
                y + BOX - 18,
                RIGHT + 8,
                y + 16,
                g.name,
                RIGHT + 8,
                y + 31,
                size(c.read),
                size(c.written),
                amount(c.flops),
                amount(c.transcendentals),
                h = hue(k)
            );
        }
        if memory > 0 {
            self.memory(groups.iter().map(|g| g.live), height, &hue)
        }
        self.html.push_str("</svg>\n");
        for (k, g) in groups.iter().enumerate() {
            let _ = writeln!(
                self.html,
                "<details><summary>Machine code of {k} {}</summary><pre>{}</pre></details>",
                g.name,
                safe(&assembly_of(p, k))
            );
        }
    }
    /// Bytes in use while each of the groups runs.
    fn memory(&mut self, live: impl ExactSizeIterator<Item = usize> + Clone, y: usize, hue: &dyn Fn(usize) -> usize) {
        let (n, most) = (live.len(), live.clone().max().unwrap_or(0).max(1));
        let each = (WIDTH - 8) as f64 / n as f64;
        let _ = write!(
            self.html,
            "<text x=\"4\" y=\"{}\" class=\"small\">buffers of the run in use while each group runs, at most {}</text>",
            y + 12,
            size(most as u64)
        );
        for (k, bytes) in live.enumerate() {
            let tall = bytes as f64 / most as f64 * 70.0;
            let _ = write!(
                self.html,
                "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"hsl({},50%,75%)\"><title>group {k}: {}</title></rect>",
                4.0 + k as f64 * each,
                (y + 90) as f64 - tall,
                (each - 1.0).max(0.5),
                hue(k),
                size(bytes as u64)
            );
        }
    }
}

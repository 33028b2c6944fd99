//! The rules of the house that a machine can check: module docs, lengths of files, where `unsafe` may stand, which crates we depend
//! on, and words that have no place here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most lines of a file.
const LENGTH: usize = 800;
/// The folders with Rust code.
const CODE: [&str; 6] = ["src", "crates", "conformance", "bench", "examples", "tests"];
/// The folders with anything that people read; the root itself without what is below it is `.`.
const TEXT: [&str; 10] = [".", "src", "crates", "conformance", "bench", "examples", "tests", "docs", "xtask", ".ci"];
/// The folders in which code may be unsafe: the engine's, and one that calls a foreign kernel to measure it.
const UNSAFE: [&str; 3] = ["crates/cotangent-cpu/", "crates/cotangent-pjrt/", "bench/products/"];

/// Every file in or below these folders whose ending is one of these, with its path from the root and its text.
fn files(below: &[&str], endings: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = below.iter().map(|f| root.join(f)).filter(|f| f.is_dir()).collect();
    let top = root.join(".");
    let mut found = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder is read") {
            let path = entry.expect("an entry is read").path();
            let name = path.file_name().expect("an entry has a name").to_string_lossy().into_owned();
            if path.is_dir() {
                if folder != top && name != "target" {
                    folders.push(path)
                }
            } else if endings.iter().any(|e| name.ends_with(e)) {
                let text = std::fs::read_to_string(&path).expect("a file is text");
                let place = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
                found.push((place, text))
            }
        }
    }
    assert!(!found.is_empty(), "no files {endings:?} below {below:?}");
    found.sort();
    found
}

/// Fails with everything that is wrong at once.
fn none(what: &str, wrong: Vec<String>) {
    assert!(wrong.is_empty(), "{what}:\n  {}", wrong.join("\n  "))
}

#[test]
fn every_file_says_what_it_is_for() {
    let says = |text: &str| text.starts_with("//! ") || text.starts_with("#![doc = ");
    let silent = files(&CODE, &[".rs"]).into_iter().filter(|(_, text)| !says(text));
    none("files that do not begin with a module doc", silent.map(|(place, _)| place).collect())
}

#[test]
fn no_file_is_long() {
    let long = files(&CODE, &[".rs"]).into_iter().map(|(place, text)| (place, text.lines().count()));
    let long = long.filter(|(_, n)| *n > LENGTH).map(|(place, n)| format!("{place}: {n} lines"));
    none(&format!("files of more than {LENGTH} lines"), long.collect())
}

/// The line without what it says in comments and plain strings. Enough for a search for words: a string that goes on over several lines counts
/// as code.
fn code(line: &str) -> String {
    let (mut out, mut quoted, mut escaped) = (String::new(), false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '/' if chars.peek() == Some(&'/') => break,
            _ => out.push(c),
        }
    }
    out
}

#[test]
fn unsafe_code_is_in_the_engine() {
    let word = |line: &str| code(line).split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe");
    let elsewhere =
        files(&CODE, &[".rs"]).into_iter().filter(|(place, _)| !UNSAFE.iter().any(|u| place.starts_with(u)));
    let wrong = elsewhere.flat_map(|(place, text)| {
        let lines = text.lines().enumerate().filter(|(_, line)| word(line));
        lines.map(|(i, line)| format!("{place}:{}: {}", i + 1, line.trim())).collect::<Vec<_>>()
    });
    none("unsafe code outside the engine", wrong.collect());
    // the search would notice
    assert!(word("let y = unsafe { f(x) };"));
    assert!(!word("let y = safe(\"unsafe\"); // unsafe"));
    assert!(!word("#![forbid(unsafe_code)]"));
}

/// The names in the sections of dependencies of a manifest, but for the crates of this repository.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let (mut names, mut inside) = (BTreeSet::new(), false);
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            let table = section.rsplit_once("dependencies.").map(|(_, name)| name);
            names.extend(table.map(str::to_string));
            inside = section.ends_with("dependencies")
        } else if inside && let Some((name, _)) = line.split_once('=') {
            names.insert(name.split('.').next().expect("a first part").trim().trim_matches('"').to_string());
        }
    }
    names.retain(|n| n != "cotangent" && !n.starts_with("cotangent-"));
    names
}

#[test]
fn every_dependency_has_a_reason() {
    let used: BTreeSet<String> =
        files(&TEXT, &["Cargo.toml"]).iter().flat_map(|(_, text)| dependencies(text)).collect();
    let design = include_str!("../docs/design.md");
    let (_, section) = design.split_once("\n## Dependencies\n").expect("docs/design.md has a section on dependencies");
    let section = section.split("\n## ").next().expect("a section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeSet<String> = rows.map(|row| row.split('`').next().expect("a name").to_string()).collect();
    none("dependencies without a line in docs/design.md", used.difference(&told).cloned().collect());
    none("lines in docs/design.md without a dependency", told.difference(&used).cloned().collect());
    assert!(dependencies("[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n[lints]\nx = 1").contains("libc"));
}

#[test]
fn words_without_a_place_here() {
    // in two pieces, or this file would be the first to be found
    let words = [["/wo", "rk/"], ["ses", "sion"], ["sub", "agent"], ["clau", "de"]];
    let endings = [".rs", ".md", ".toml", ".py", ".yml", ".yaml"];
    let wrong = files(&TEXT, &endings).into_iter().flat_map(|(place, text)| {
        let found = move |line: &str| words.map(|w| w.concat()).into_iter().find(|w| line.to_lowercase().contains(w));
        let lines =
            text.lines().enumerate().filter_map(|(i, line)| found(line).map(|w| format!("{place}:{}: {w}", i + 1)));
        lines.collect::<Vec<_>>()
    });
    none("words without a place here", wrong.collect())
}

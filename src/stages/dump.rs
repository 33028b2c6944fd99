//! `COTANGENT_DUMP`: everything that is compiled, as files.

use super::{Inside, page, text};
use crate::error::Loc;
use crate::jaxpr::Jaxpr;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock};

/// The folder, if somebody wants it.
fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os("COTANGENT_DUMP").filter(|d| !d.is_empty()).map(PathBuf::from)).as_ref()
}
/// Is everything to be written down?
#[inline]
pub(crate) fn on() -> bool {
    folder().is_some()
}

#[derive(Default)]
struct Written {
    /// How many functions were written.
    count: usize,
    /// Programs that were written, by content.
    seen: HashSet<u64>,
}
static WRITTEN: LazyLock<Mutex<Written>> = LazyLock::new(Default::default);
/// Could something not be written? It is said once, and nothing is tried again.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Writes a function of this name down, which is about to run, unless that was done.
#[cold]
pub(crate) fn function(j: &Arc<Jaxpr>, name: &str, loc: Loc) {
    let Some(folder) = folder() else { return };
    let lock = || WRITTEN.lock().unwrap_or_else(|e| e.into_inner());
    if FAILED.load(Ordering::Relaxed) || !lock().seen.insert(j.content_hash()) {
        return;
    }
    let inside = Inside::new(name.into(), loc, j);
    let number = {
        let mut all = lock();
        all.seen.extend(inside.tree.programs().map(|j| j.content_hash()));
        all.count += 1;
        all.count
    };
    let plain: String = name.chars().filter(|c| c.is_alphanumeric() || *c == '_').take(60).collect();
    let stem = format!("{number:04}-{}", if plain.is_empty() { "function" } else { &plain });
    let files = [
        ("jaxpr.txt", format!("{j}\n")),
        ("program.txt", text::program(&inside)),
        ("steps.txt", text::steps(&inside)),
        ("assembly.txt", text::assembly(&inside)),
        ("html", page::page(&inside, None)),
    ];
    let write = || {
        std::fs::create_dir_all(folder)?;
        files.iter().try_for_each(|(ending, text)| std::fs::write(folder.join(format!("{stem}.{ending}")), text))
    };
    if let Err(e) = write()
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        eprintln!("warning: COTANGENT_DUMP: nothing is written to {}: {e}", folder.display())
    }
}

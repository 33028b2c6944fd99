//! Replays programs recorded from JAX and compares the results.
//!
//!     cargo run --release -p cotangent-conformance -- DIR... [--only TEXT] [--json OUT] [--jobs N] [--show N]
//!
//! Every `*.jsonl` and `*.jsonl.gz` file below the folders is read; without a folder it is the sample that comes with the source. `--only`
//! takes the records whose id or source contains the text, `--json` writes the result of every record, `--jobs` sets the number of threads (2) and `--show`
//! the number of failures that are told in full (20). The last line counts records; the exit code is 1 if any failed, 2 if nothing could be run.

mod compare;
mod engine;
mod number;
mod phase;
mod profile;
mod record;
mod report;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Engine;
use record::Record;
use report::Report;
use run::Outcome;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
struct Options {
    places: Vec<PathBuf>,
    only: Option<String>,
    json: Option<PathBuf>,
    jobs: usize,
    show: usize,
}

impl Options {
    fn parse(args: impl IntoIterator<Item = String>) -> Result<Options, String> {
        let mut options = Options { places: vec![], only: None, json: None, jobs: 2, show: 20 };
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value"));
            let number = |text: String| text.parse::<usize>().map_err(|_| format!("{text} is no number"));
            match arg.as_str() {
                "--only" => options.only = Some(value()?),
                "--json" => options.json = Some(value()?.into()),
                "--jobs" => options.jobs = number(value()?)?.max(1),
                "--show" => options.show = number(value()?)?,
                _ if arg.starts_with("--") => return Err(format!("unknown option {arg}")),
                _ => options.places.push(arg.into()),
            }
        }
        if options.places.is_empty() {
            options.places.push(sample());
        }
        Ok(options)
    }
}

/// The folder of the sample that comes with the source.
fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample")
}

/// Runs all records in the given places, in the order of files and lines.
fn run_all(engine: &dyn Engine, options: &Options) -> Result<Vec<Outcome>, String> {
    let mut lines = Vec::new();
    for path in record::files(&options.places).map_err(|e| format!("{:?}: {e}", options.places))? {
        let texts = record::lines(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        lines.extend(texts.into_iter().enumerate().map(|(i, text)| (format!("{}:{}", path.display(), i + 1), text)));
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Result<Outcome, String>)>> = Mutex::default();
    let work = || {
        while let Some((i, (place, text))) = {
            let i = next.fetch_add(1, Ordering::Relaxed);
            lines.get(i).map(|line| (i, line))
        } {
            let outcome = match Record::parse(text) {
                Ok(record) => {
                    let wanted = |only: &String| record.id.contains(only) || record.source.contains(only);
                    if !options.only.as_ref().is_none_or(wanted) {
                        continue;
                    }
                    Ok(run::run(engine, &record))
                }
                Err(error) => Err(format!("{place}: {error}")),
            };
            done.lock().expect("no thread panics with the lock").push((i, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            // Programs may nest deeply, and so may the library's recursion on them.
            std::thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, work).expect("a thread starts");
        }
    });
    let mut done = done.into_inner().expect("no thread panics with the lock");
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

fn main() -> ExitCode {
    run::silence_panics();
    let told = Options::parse(std::env::args().skip(1)).and_then(|options| {
        let outcomes = run_all(&engine::Cotangent, &options)?;
        let report = Report::new(&outcomes, options.show);
        if let Some(path) = &options.json {
            let text = format!("{:#}\n", report.to_json());
            std::fs::write(path, text).map_err(|e| format!("{}: {e}", path.display()))?;
        }
        println!("{report}");
        Ok(report.counts())
    });
    match told {
        Ok(counts) if counts.failed == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(message) => {
            eprintln!("{message}");
            ExitCode::from(2)
        }
    }
}

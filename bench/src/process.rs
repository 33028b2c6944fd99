//! What the operating system knows of a process, and processes of our own: pinned ones, and fresh ones that are measured whole.
//! Everything is read from `/proc`, so that no foreign call is needed; where there is no `/proc`, figures are missing.

use crate::args::{Args, PINNED};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The first argument of a process that runs one program and ends.
pub const CHILD: &str = "--child";

/// With `--threads 1`: this process again, under `taskset`, on one CPU. Returns in the process that measures, pinned or not.
pub fn pinned(args: Args, given: &[String]) -> Args {
    if args.all_threads || args.pinned.is_some() {
        return args;
    }
    let cpu = args.cpu.or_else(last_allowed).unwrap_or(0);
    let why = match std::env::current_exe() {
        Ok(me) => Command::new("taskset")
            .args(["-c", &cpu.to_string()])
            .arg(me)
            .args(given)
            .args([PINNED, &cpu.to_string()])
            .exec(),
        Err(why) => why,
    };
    eprintln!("taskset: {why}; the process is not pinned");
    args
}

/// The last CPU on which this process may run.
fn last_allowed() -> Option<usize> {
    status("Cpus_allowed_list")?.split([',', '-']).next_back()?.trim().parse().ok()
}

/// A line of `/proc/self/status`.
fn status(field: &str) -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(field)?.strip_prefix(':'))?;
    Some(line.trim().to_string())
}

/// A field of `/proc/self/status` that counts KiB, in MiB.
pub fn status_mib(field: &str) -> Option<f64> {
    let kib: f64 = status(field)?.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// Seconds that all threads of this process have run.
pub fn cpu_seconds() -> Option<f64> {
    let mut total = 0u64;
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let text = std::fs::read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        total += text.split_whitespace().next()?.parse::<u64>().ok()?
    }
    Some(total as f64 / 1e9)
}

/// Page faults of this process that needed no disk.
pub fn minor_faults() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // the second field, in parentheses, may hold anything
    text.rsplit_once(')')?.1.split_whitespace().nth(7)?.parse().ok()
}

/// Makes the high-water mark of resident memory start from now.
pub fn reset_peak() {
    std::fs::write("/proc/self/clear_refs", "5").ok();
}

/// Runs a program of [`child`](crate::workloads::child) in a process of its own, and returns the seconds from before its start to
/// its end.
pub fn wall_of_child(which: &str) -> Result<f64, String> {
    let mut command = child(which)?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let done = command.status().map_err(|e| e.to_string())?;
    let wall = start.elapsed().as_secs_f64();
    if done.success() { Ok(wall) } else { Err(format!("{which}: {done}")) }
}

/// Runs it again, asking what it used: the last line of what it says, as JSON.
pub fn report_of_child(which: &str) -> Result<serde_json::Value, String> {
    let out = child(which)?.arg("report").output().map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&out.stderr);
    if !out.status.success() {
        return Err(format!("{which}: {}\n{text}", out.status));
    }
    let last = text.lines().last().unwrap_or_default();
    serde_json::from_str(last).map_err(|e| format!("{which}: {e}: {last}"))
}

fn child(which: &str) -> Result<Command, String> {
    let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
    command.args([CHILD, which]);
    Ok(command)
}

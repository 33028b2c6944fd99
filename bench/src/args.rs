//! The command line.

/// What `--help` prints.
pub const HELP: &str = "\
usage: cotangent-bench [options]

  --only NAME       only workloads whose name starts with NAME or matches it as a glob; may be repeated
  --threads 1|all   1 (the default) pins the process to one CPU
  --cpu N           the CPU to pin to with --threads 1; without it, the last one allowed
  --json OUT        also append the lines to OUT
  --min-sample S    seconds per sample, at least (0.05)
  --budget S        seconds of sampling per measurement (1.5)
  --repeat N        for profilers: call what would be measured N times, and measure nothing
  --check FILE      measure nothing, but compare results with those that jax_results.py has written
  --list            print the names of the workloads and stop
";

/// What was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    /// Names, prefixes of names, globs. None of them means all.
    pub only: Vec<String>,
    /// Not pinned?
    pub all_threads: bool,
    /// The CPU to pin to.
    pub cpu: Option<usize>,
    /// Where lines are appended.
    pub json: Option<String>,
    /// Seconds per sample.
    pub min_sample: f64,
    /// Seconds per measurement.
    pub budget: f64,
    /// How often to call what would be measured.
    pub repeat: Option<u64>,
    /// The baseline's results.
    pub check: Option<String>,
    /// Print names only?
    pub list: bool,
    /// The process has been pinned to this CPU already.
    pub pinned: Option<usize>,
}

/// The flag by which a process that was started pinned knows it.
pub const PINNED: &str = "--pinned";

/// A command line that was understood.
#[derive(Debug, PartialEq)]
pub enum Parsed {
    /// Measure.
    Run(Args),
    /// Say how it is used.
    Help,
}

impl Args {
    /// The arguments behind the program's name.
    pub fn parse(given: &[String]) -> Result<Parsed, String> {
        let mut args = Args {
            only: vec![],
            all_threads: false,
            cpu: None,
            json: None,
            min_sample: 0.05,
            budget: 1.5,
            repeat: None,
            check: None,
            list: false,
            pinned: None,
        };
        let mut rest = given.iter();
        while let Some(flag) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{flag} needs a value"));
            match &flag[..] {
                "--only" => args.only.push(value()?.clone()),
                "--threads" => {
                    args.all_threads = match &value()?[..] {
                        "1" => false,
                        "all" => true,
                        other => return Err(format!("--threads is 1 or all, not {other}")),
                    }
                }
                "--cpu" => args.cpu = Some(number(flag, value()?)?),
                "--json" => args.json = Some(value()?.clone()),
                "--min-sample" => args.min_sample = seconds(flag, value()?)?,
                "--budget" => args.budget = seconds(flag, value()?)?,
                "--repeat" => args.repeat = Some(number(flag, value()?)?),
                "--check" => args.check = Some(value()?.clone()),
                "--list" => args.list = true,
                PINNED => args.pinned = Some(number(flag, value()?)?),
                "--help" | "-h" => return Ok(Parsed::Help),
                _ => return Err(format!("there is no option {flag}")),
            }
        }
        Ok(Parsed::Run(args))
    }
    /// Is this name asked for?
    pub fn selects(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|p| name.starts_with(p) || glob(p.as_bytes(), name.as_bytes()))
    }
    /// Could a measurement of the family (`eager`, `call`, ..) of this workload be asked for by its own name?
    pub fn selects_inside(&self, workload: &str) -> bool {
        let head = |s: &str| s.split(['.', '*', '?', '[']).next().unwrap_or("").to_string();
        self.only.iter().any(|p| head(p) == head(workload))
    }
}

fn number<T: std::str::FromStr>(flag: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{flag}: {value} is not a whole number"))
}
fn seconds(flag: &str, value: &str) -> Result<f64, String> {
    match value.parse() {
        Ok(s) if s > 0.0 && f64::is_finite(s) => Ok(s),
        _ => Err(format!("{flag}: {value} is not a positive number of seconds")),
    }
}

/// Does the name match a pattern in which `*` stands for anything and `?` for one character?
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|i| glob(rest, &name[i..])),
        Some((p, rest)) => name.split_first().is_some_and(|(n, name)| (p == n || *p == b'?') && glob(rest, name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Parsed, String> {
        Args::parse(&line.split_whitespace().map(String::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_read_and_nonsense_is_refused() {
        let Ok(Parsed::Run(a)) = parse("--only eager --only call.* --threads all --min-sample 0.1 --repeat 7") else {
            panic!("options")
        };
        assert_eq!((&a.only[1][..], a.all_threads, a.min_sample, a.repeat), ("call.*", true, 0.1, Some(7)));
        assert_eq!(parse("--help"), Ok(Parsed::Help));
        for line in ["--only", "--threads 2", "--cpu x", "--min-sample -1", "--budget nan", "--what"] {
            assert!(parse(line).is_err(), "{line}")
        }
    }

    #[test]
    fn names_are_selected_by_prefix_and_by_glob() {
        let Ok(Parsed::Run(a)) = parse("--only eager.add --only *tree100*") else { panic!("options") };
        assert!(a.selects("eager.add.scalar") && a.selects("call.jit_tree100_to_scalar"));
        assert!(!a.selects("eager.sin") && !a.selects("call.jit_add1_scalar"));
        assert!(a.selects_inside("eager.sin") && !a.selects_inside("call.overhead"));
        let Ok(Parsed::Run(all)) = parse("") else { panic!("options") };
        assert!(all.selects("anything"));
        assert!(glob(b"a?c*", b"abcd") && !glob(b"a?c", b"abcd") && glob(b"*", b""));
    }
}

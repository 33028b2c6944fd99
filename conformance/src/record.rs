//! Recorded programs: one JSON object a line, in plain (`*.jsonl`) or compressed (`*.jsonl.gz`) files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use cotangent::jaxpr::json::{ArrayData, JsonError, ProgramData};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

/// A program, its inputs, and what JAX computed from them. Fields of the file that only tell how the record was made are not kept.
#[derive(Clone, Debug)]
pub struct Record {
    /// The name, unique among all records.
    pub id: String,
    /// The test file or collection from which it comes.
    pub source: String,
    /// What was recorded: the check or transformation of the original test.
    pub hook: String,
    /// What the original test asked for, by the name of the result's element type or `*`.
    pub tol: BTreeMap<String, Tol>,
    /// The program.
    pub program: ProgramData,
    /// Its inputs.
    pub ins: Vec<ArrayData>,
    /// Its results.
    pub y: Vec<ArrayData>,
    /// Tangents in, tangents out.
    pub jvp: Option<(Vec<ArrayData>, Vec<ArrayData>)>,
    /// Cotangents in, cotangents out.
    pub vjp: Option<(Vec<ArrayData>, Vec<ArrayData>)>,
    /// The derivative of the reverse derivative, along the tangents of `jvp`.
    pub order2: Option<Vec<ArrayData>>,
    /// The program on several inputs at once.
    pub vmap: Option<Batched>,
}

/// A tolerance of the original test.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tol {
    /// Relative to the expected value.
    pub rtol: f64,
    /// Absolute.
    pub atol: f64,
}

/// A batched run. Results are stacked along axis 0.
#[derive(Clone, Debug)]
pub struct Batched {
    /// The number of members.
    pub size: usize,
    /// For each input the axis of the members, or none where all share it.
    pub in_axes: Vec<Option<usize>>,
    /// The inputs.
    pub ins: Vec<ArrayData>,
    /// The results.
    pub y: Vec<ArrayData>,
}

impl Record {
    /// Reads one line.
    pub fn parse(line: &str) -> Result<Record, JsonError> {
        let value: Value = serde_json::from_str(line).map_err(|e| JsonError::new(format!("not JSON: {e}")))?;
        Record::from_json(&value)
    }

    /// Reads one record.
    pub fn from_json(value: &Value) -> Result<Record, JsonError> {
        let text = |name| {
            let text = value[name].as_str().ok_or_else(|| JsonError::new("expected a string").in_field(name))?;
            Ok(text.to_owned())
        };
        let section = |name: &str, a, b| {
            let v = &value[name];
            if v.is_null() {
                return Ok(None);
            }
            let both = arrays(v, a).and_then(|first| Ok((first, arrays(v, b)?)));
            both.map(Some).map_err(|e| e.in_field(name))
        };
        let order2 = &value["order2"];
        let vmap = &value["vmap"];
        let record = Record {
            id: text("id")?,
            source: text("source")?,
            hook: text("hook")?,
            tol: tolerances(&value["tol"]).map_err(|e| e.in_field("tol"))?,
            program: ProgramData::from_json(value)?,
            ins: arrays(value, "in")?,
            y: arrays(value, "y")?,
            jvp: section("jvp", "t", "dy")?,
            vjp: section("vjp", "ct", "dx")?,
            order2: (!order2.is_null()).then(|| arrays(order2, "ddx")).transpose().map_err(|e| e.in_field("order2"))?,
            vmap: (!vmap.is_null()).then(|| batched(vmap)).transpose().map_err(|e| e.in_field("vmap"))?,
        };
        record.check().map_err(JsonError::new)?;
        Ok(record)
    }

    /// The sections must have as many arrays as the program has inputs and results.
    fn check(&self) -> Result<(), String> {
        let (ins, outs) = (self.program.jaxpr.ins.len(), self.program.jaxpr.outs.len());
        let mut counts = vec![("in", self.ins.len(), ins), ("y", self.y.len(), outs)];
        for (name, section, a, b) in [("jvp", &self.jvp, ins, outs), ("vjp", &self.vjp, outs, ins)] {
            counts.extend(section.iter().flat_map(|(x, y)| [(name, x.len(), a), (name, y.len(), b)]));
        }
        counts.extend(self.order2.iter().map(|ddx| ("order2", ddx.len(), ins)));
        if let Some(v) = &self.vmap {
            counts.extend([("vmap", v.ins.len(), ins), ("vmap", v.in_axes.len(), ins), ("vmap", v.y.len(), outs)]);
        }
        if self.order2.is_some() && (self.jvp.is_none() || self.vjp.is_none()) {
            return Err("order2 needs the tangents of jvp and the cotangents of vjp".into());
        }
        match counts.iter().find(|(_, have, want)| have != want) {
            None => Ok(()),
            Some((name, have, want)) => Err(format!("{name} has {have} arrays where the program has {want}")),
        }
    }
}

fn arrays(value: &Value, name: &str) -> Result<Vec<ArrayData>, JsonError> {
    let list = value[name].as_array().ok_or_else(|| JsonError::new("expected a list of arrays").in_field(name))?;
    let read = |(i, v)| ArrayData::from_json(v).map_err(|e| e.in_element(i).in_field(name));
    list.iter().enumerate().map(read).collect()
}

fn batched(value: &Value) -> Result<Batched, JsonError> {
    let size = value["size"].as_u64().ok_or_else(|| JsonError::new("expected a number").in_field("size"))?;
    let axis = |v: &Value| if v.is_null() { Some(None) } else { v.as_u64().map(|axis| Some(axis as usize)) };
    let in_axes = value["in_axes"].as_array().and_then(|list| list.iter().map(axis).collect());
    Ok(Batched {
        size: size as usize,
        in_axes: in_axes.ok_or_else(|| JsonError::new("expected a list of axes and nulls").in_field("in_axes"))?,
        ins: arrays(value, "in")?,
        y: arrays(value, "y")?,
    })
}

fn tolerances(value: &Value) -> Result<BTreeMap<String, Tol>, JsonError> {
    let Some(object) = value.as_object() else { return Ok(BTreeMap::new()) };
    let read = |(dtype, v): (&String, &Value)| {
        let number = |name: &str| match &v[name] {
            Value::Null => Ok(0.0),
            v => v.as_f64().ok_or_else(|| JsonError::new("expected a number").in_field(name).in_field(dtype)),
        };
        Ok((dtype.clone(), Tol { rtol: number("rtol")?, atol: number("atol")? }))
    };
    object.iter().map(read).collect()
}

/// The record files in some folders and their subfolders, sorted; a file may be named directly.
pub fn files(places: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    fn walk(place: &Path, out: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in std::fs::read_dir(place)? {
            let path = entry?.path();
            if path.is_dir() {
                walk(&path, out)?;
            } else if [".jsonl", ".jsonl.gz"].iter().any(|end| path.to_string_lossy().ends_with(end)) {
                out.push(path);
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    for place in places {
        if place.is_dir() { walk(place, &mut out)? } else { out.push(place.clone()) }
    }
    out.sort();
    Ok(out)
}

/// The lines of a record file that are not empty.
pub fn lines(path: &Path) -> io::Result<Vec<String>> {
    let file = BufReader::new(File::open(path)?);
    let text: Box<dyn Read> =
        if path.extension().is_some_and(|e| e == "gz") { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    BufReader::new(text).lines().filter(|line| !line.as_ref().is_ok_and(|line| line.trim().is_empty())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every record of the sample, and of the folder that `COTANGENT_CONFORMANCE` names, is written as it was read.
    #[test]
    fn programs_and_arrays_survive_a_round_trip() {
        let mut places = vec![crate::sample()];
        places.extend(std::env::var_os("COTANGENT_CONFORMANCE").map(PathBuf::from));
        let mut count = 0;
        for path in files(&places).unwrap() {
            for line in lines(&path).unwrap() {
                let value: Value = serde_json::from_str(&line).unwrap();
                let record = Record::from_json(&value).unwrap();
                let written = record.program.to_json();
                assert_eq!(written["jaxpr"], value["jaxpr"], "{}", record.id);
                assert_eq!(written["rules"], value["rules"], "{}", record.id);
                assert_eq!(ProgramData::from_json(&written).unwrap().to_json(), written, "{}", record.id);
                for (array, value) in record.ins.iter().zip(value["in"].as_array().unwrap()) {
                    assert_eq!(array.to_json(), *value, "{}", record.id);
                }
                count += 1;
            }
        }
        assert!(count > 0);
        eprintln!("{count} records");
    }

    #[test]
    fn errors_name_the_place() {
        let line = lines(&files(&[crate::sample()]).unwrap()[0]).unwrap().remove(0);
        let good: Value = serde_json::from_str(&line).unwrap();
        let check = |pointer: &str, new: Value, message: &str| {
            let mut value = good.clone();
            *value.pointer_mut(pointer).expect(pointer) = new;
            assert_eq!(Record::from_json(&value).unwrap_err().to_string(), message);
        };
        check("/id", Value::Null, "id: expected a string");
        check("/y", Value::from(1), "y: expected a list of arrays");
        check("/y/0/data", Value::from("A"), "y[0].data: base64 of 1 characters, which is no multiple of four");
        check("/in", Value::from(Vec::<Value>::new()), "in has 0 arrays where the program has 1");
    }
}

//! What was measured, as it is written to `results.json` and read from there by tables, plots and paper.

use crate::stats::{self, Summary};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was done: an item, a corpus.
    pub(crate) item: String,
    pub(crate) peer: String,
    /// The size of the problem, where that is varied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) x: Option<f64>,
    pub(crate) metric: String,
    pub(crate) unit: String,
    /// The median, or the one value.
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) runs: usize,
    /// Against the first of the peers, within rounds: above 1 is more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ratio: Option<f64>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
}

impl Row {
    /// A value that was found once.
    pub(crate) fn once(item: &str, peer: &str, metric: &str, unit: &str, value: f64) -> Self {
        let all = Summary { median: value, low: value, high: value, runs: 1 };
        Self::of(item, peer, metric, unit, all)
    }

    pub(crate) fn of(item: &str, peer: &str, metric: &str, unit: &str, summary: Summary) -> Self {
        let Summary { median: value, low, high, runs } = summary;
        let [item, peer, metric, unit] = [item, peer, metric, unit].map(str::to_owned);
        Self { item, peer, x: None, metric, unit, value, low, high, runs, ratio: None, note: String::new() }
    }

    /// The rows of peers that were measured in turns; ratios are against `samples[0]`.
    pub(crate) fn compared(
        item: &str,
        metric: &str,
        unit: &str,
        samples: &[(String, Vec<f64>)],
    ) -> Vec<Self> {
        let base = samples.first().map_or(&[][..], |s| &s.1);
        let row = |(peer, values): &(String, Vec<f64>)| {
            let row = Self::of(item, peer, metric, unit, stats::summary(values)?);
            Some(Self { ratio: stats::ratio(values, base), ..row })
        };
        samples.iter().filter_map(row).collect()
    }

    pub(crate) fn at(mut self, x: f64) -> Self {
        self.x = Some(x);
        self
    }

    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

/// A peer, or something else, that a benchmark wanted and did not get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Missing {
    pub(crate) what: String,
    pub(crate) why: String,
}

/// What one benchmark found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) rows: Vec<Row>,
    #[serde(default)]
    pub(crate) missing: Vec<Missing>,
    /// Programs and what version they are.
    #[serde(default)]
    pub(crate) versions: Vec<(String, String)>,
    /// Why there are no rows, or not all.
    #[serde(default)]
    pub(crate) failed: Option<String>,
    pub(crate) seconds: f64,
    /// Few runs, small sizes.
    pub(crate) quick: bool,
    /// The code that was measured, when, and where.
    #[serde(default)]
    pub(crate) commit: String,
    #[serde(default)]
    pub(crate) date: String,
    #[serde(default)]
    pub(crate) machine: Machine,
    /// What it consists of and has done: it is not done again when it goes on after an interruption.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) done: Vec<String>,
    /// Where [`write`](Self::write) writes, and since when it has been measured there.
    #[serde(skip)]
    pub(crate) file: Option<(PathBuf, Instant)>,
}

impl Part {
    /// From here on it is kept in `file`.
    pub(crate) fn go_on_in(&mut self, file: &Path) {
        self.file = Some((file.to_owned(), Instant::now()));
    }

    /// Writes what there is so far.
    pub(crate) fn write(&mut self) -> Result<()> {
        let Some((file, since)) = &mut self.file else { return Ok(()) };
        let now = Instant::now();
        self.seconds += now.duration_since(std::mem::replace(since, now)).as_secs_f64();
        let file = file.clone();
        // Whoever is ended meanwhile leaves the older one, and it is whole.
        let new = file.with_extension("new");
        std::fs::write(&new, serde_json::to_string(self)?)
            .and_then(|()| std::fs::rename(&new, &file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// [`write`](Self::write), in the middle of a benchmark: if that is ended, what it has found is not lost.
    pub(crate) fn checkpoint(&mut self) {
        // The last one, at the end, says when it fails.
        let _ = self.write();
    }

    /// Does this share of the benchmark, unless an earlier run has done it.
    pub(crate) fn share(&mut self, name: &str, run: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        if self.done.iter().any(|done| done == name) {
            return Ok(());
        }
        self.tell(name);
        let (rows, missing) = (self.rows.len(), self.missing.len());
        let ran = run(self);
        if ran.is_ok() {
            self.done.push(name.to_owned());
            self.checkpoint();
        } else {
            // It will be done as a whole.
            self.rows.truncate(rows);
            self.missing.truncate(missing);
        }
        ran
    }

    /// Says on standard output what is being done, and how long this benchmark has run: the process that waits for it shows that.
    fn tell(&self, share: &str) {
        let Some((_, since)) = &self.file else { return };
        let seconds = (self.seconds + since.elapsed().as_secs_f64()) as u64;
        println!("{}: {:2}:{:02} {share}", self.name, seconds / 60, seconds % 60);
    }

    /// Whether it is of this code on this machine, measured in this way: then more can be added to it.
    pub(crate) fn is_of(&self, commit: &str, machine: &Machine, quick: bool) -> bool {
        commit != crate::machine::UNKNOWN
            && (self.commit.as_str(), &self.machine, self.quick) == (commit, machine, quick)
    }

    pub(crate) fn version(&mut self, name: &str, version: String) {
        let version = (name.to_owned(), version);
        if !self.versions.contains(&version) {
            self.versions.push(version);
        }
    }

    pub(crate) fn missing(&mut self, what: &str, why: impl Into<String>) {
        let missing = Missing { what: what.to_owned(), why: why.into() };
        if !self.missing.contains(&missing) {
            self.missing.push(missing);
        }
    }
}

/// Where it was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) kernel: String,
    pub(crate) file_system: String,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) versions: Vec<(String, String)>,
    /// Of the project: the commit, and whether files were changed.
    pub(crate) commit: String,
    pub(crate) parts: Vec<Part>,
}

impl Results {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("cannot read {}: is there no report yet? `zork-report all` makes one", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| {
            format!(
                "{}: not the results of a report; move it away, or name another directory",
                path.display()
            )
        })
    }

    pub(crate) fn part(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// Puts the part in the place of an older one.
    pub(crate) fn replace(&mut self, part: Part) {
        match self.parts.iter_mut().find(|old| old.name == part.name) {
            Some(old) => *old = part,
            None => self.parts.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_an_interruption_is_not_done_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("part.json");
        let row = |name: &'static str| Row::once(name, "a", "time", "ns", 1.0);
        let with = |name| {
            move |part: &mut Part| {
                part.rows.push(row(name));
                Ok(())
            }
        };
        let mut part = Part::default();
        part.go_on_in(&file);
        part.share("first", with("first")).expect("done");
        let failed = part.share("second", |part| {
            part.rows.push(row("half"));
            part.missing("someone", "it fell over");
            anyhow::bail!("ended")
        });
        assert!(failed.is_err());
        let text = std::fs::read_to_string(&file).expect("kept after the first");
        let mut part: Part = serde_json::from_str(&text).expect("a part");
        part.share("first", |_| panic!("it is done")).expect("nothing to do");
        part.share("second", with("second")).expect("done");
        let items: Vec<_> = part.rows.iter().map(|row| row.item.as_str()).collect();
        assert_eq!(items, ["first", "second"]);
        assert!(part.missing.is_empty());
    }

    #[test]
    fn results_of_other_code_or_machines_are_not_added_to() {
        let here = Machine { cores: 2, ..Machine::default() };
        let part = Part { commit: "abc".into(), machine: here.clone(), ..Part::default() };
        assert!(part.is_of("abc", &here, false));
        assert!(!part.is_of("abd", &here, false) && !part.is_of("abc", &here, true));
        assert!(!part.is_of("abc", &Machine::default(), false));
        let nowhere = Part { commit: crate::machine::UNKNOWN.into(), ..part };
        assert!(!nowhere.is_of(crate::machine::UNKNOWN, &here, false), "code that is not known differs");
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("results.json");
        let rows = Row::compared(
            "yield",
            "time",
            "ns",
            &[("a".into(), vec![1.0, 2.0, 3.0]), ("b".into(), vec![2.0, 4.0, 6.0]), ("none".into(), vec![])],
        );
        assert_eq!(rows.len(), 2, "no row without a run");
        assert_eq!((rows[0].ratio, rows[1].ratio), (Some(1.0), Some(2.0)));
        let mut results = Results::default();
        results.replace(Part { name: "micro".into(), rows, ..Part::default() });
        results.replace(Part { name: "micro".into(), seconds: 2.0, ..results.parts[0].clone() });
        assert_eq!(results.parts.len(), 1);
        std::fs::write(&path, serde_json::to_string(&results).expect("json")).expect("written");
        assert_eq!(Results::read(&path).expect("read"), results);
        std::fs::write(&path, "{}").expect("written");
        let error = Results::read(&path).expect_err("no results");
        assert!(format!("{error:#}").contains("not the results of a report; move it away"));
        std::fs::remove_file(&path).expect("removed");
        let error = Results::read(&path).expect_err("no file");
        assert!(format!("{error:#}").contains("`zork-report all` makes one"));
    }
}

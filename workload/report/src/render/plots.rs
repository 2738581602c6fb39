//! Pictures, as SVG and as PNG.

use crate::data::{Part, Results, Row};
use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, register_font};
use std::path::Path;

const SIZE: (u32, u32) = (720, 440);
const FONT: &str = "sans-serif";

/// Distinguishable by those who do not see all colours (Okabe and Ito, 2008).
const COLOURS: [RGBColor; 11] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
    RGBColor(170, 140, 0),
    RGBColor(120, 60, 160),
    RGBColor(240, 228, 66),
    RGBColor(0, 0, 0),
];

/// What is drawn.
struct Figure {
    name: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    kind: Kind,
}

enum Kind {
    /// Series against sizes, both logarithmic.
    Lines(Vec<Series>),
    /// For each group a bar for each series, logarithmic.
    Bars(Vec<String>, Vec<Series>),
}

/// A peer, and its points; for bars x is the group's number.
struct Series {
    name: String,
    points: Vec<(f64, f64)>,
}

/// Draws all that there are figures for; gives their names.
pub(crate) fn all(results: &Results, directory: &Path) -> Result<Vec<String>> {
    let letters = epaint_default_fonts::UBUNTU_LIGHT;
    register_font(FONT, FontStyle::Normal, letters).map_err(|_| anyhow!("the font cannot be read"))?;
    let mut drawn = vec![];
    for figure in figures(results) {
        let path = |kind: &str| directory.join(format!("{}.{kind}", figure.name));
        let svg = path("svg");
        let root = SVGBackend::new(&svg, SIZE).into_drawing_area();
        draw(&root, &figure).map_err(|error| anyhow!("{}: {error}", svg.display()))?;
        drop(root);
        let png = path("png");
        let root = BitMapBackend::new(&png, SIZE).into_drawing_area();
        draw(&root, &figure).map_err(|error| anyhow!("{}: {error}", png.display()))?;
        drop(root);
        drawn.push(figure.name.to_owned());
    }
    Ok(drawn)
}

fn figures(results: &Results) -> Vec<Figure> {
    let part = |name: &str| results.part(name).filter(|part| !part.rows.is_empty());
    let lines = |part: &Part, item: &str, metric: &str| {
        Kind::Lines(series(part.rows.iter().filter(|r| r.item == item && r.metric == metric), |row| row.x))
    };
    let mut figures = vec![];
    if let Some(memory) = part("memory") {
        let kind = lines(memory, "waiting", "memory");
        figures.push(Figure {
            name: "memory",
            title: "Memory of a thread that waits",
            x: "threads at the same time",
            y: "bytes each",
            kind,
        });
    }
    if let Some(micro) = part("micro") {
        // Ours in other shapes are in the table.
        let others = |row: &&Row| {
            row.metric == "time"
                && !matches!(
                    row.peer.as_str(),
                    "plain" | "plain with malloc" | "exact-os-threads" | "tokio, 2 workers"
                )
        };
        let compared =
            |item: &str| micro.rows.iter().filter(others).filter(|row| row.item == item).count() > 1;
        let kind = bars(micro, |row| others(&row) && compared(&row.item), |row| row.value);
        figures.push(Figure { name: "micro", title: "Single operations", x: "", y: "nanoseconds", kind });
    }
    if let Some(search) = part("search") {
        let kind = bars(search, |row| row.metric == "wall", |row| row.value);
        figures.push(Figure {
            name: "search",
            title: "The search, hot cache",
            x: "",
            y: "milliseconds",
            kind,
        });
        let kind = bars(search, |row| row.metric == "cold wall", |row| row.value);
        figures.push(Figure {
            name: "search-cold",
            title: "The search, cold cache",
            x: "",
            y: "milliseconds",
            kind,
        });
    }
    if let Some(growth) = part("growth") {
        let wanted = [
            (
                "tasks",
                "time each",
                "growth-tasks",
                "Tasks, all at the same time",
                "tasks",
                "nanoseconds each",
            ),
            ("depth", "time each", "growth-depth", "Recursion", "levels", "nanoseconds a level"),
            ("width", "time a file", "growth-width", "One directory", "files in it", "microseconds a file"),
        ];
        for (item, metric, name, title, x, y) in wanted {
            figures.push(Figure { name, title, x, y, kind: lines(growth, item, metric) });
        }
    }
    if let Some(bounds) = part("bounds") {
        figures.push(Figure {
            name: "bounds",
            title: "Bounds, by bytes at most",
            x: "",
            y: "how many",
            kind: histogram(bounds),
        });
    }
    if let Some(scaling) = part("scaling") {
        let rows = scaling.rows.iter().filter(|row| row.item == "wide" && row.metric == "model, all serial");
        let kind = Kind::Lines(series(rows, |row| row.x));
        let title = "wide: A MODEL beyond two";
        let x = "processors (measured: one and two)";
        figures.push(Figure { name: "scaling", title, x, y: "times as fast, if all loss is serial", kind });
    }
    let has_points = |series: &[Series]| series.iter().any(|s| !s.points.is_empty());
    figures.retain(|figure| match &figure.kind {
        Kind::Lines(series) | Kind::Bars(_, series) => has_points(series),
    });
    figures
}

/// The rows of each peer, in the order of their coming.
fn series<'a>(rows: impl Iterator<Item = &'a Row>, x: impl Fn(&Row) -> Option<f64>) -> Vec<Series> {
    let mut all: Vec<Series> = vec![];
    for row in rows {
        let Some(x) = x(row).filter(|x| *x > 0.0 && row.value > 0.0) else { continue };
        match all.iter_mut().find(|s| s.name == row.peer) {
            Some(series) => series.points.push((x, row.value)),
            None => all.push(Series { name: row.peer.clone(), points: vec![(x, row.value)] }),
        }
    }
    all
}

fn bars(part: &Part, wanted: impl Fn(&Row) -> bool, y: impl Fn(&Row) -> f64) -> Kind {
    let mut groups: Vec<String> = vec![];
    let mut all: Vec<Series> = vec![];
    for row in part.rows.iter().filter(|row| wanted(row) && y(row) > 0.0) {
        if !groups.contains(&row.item) {
            groups.push(row.item.clone());
        }
        let group = groups.iter().position(|g| *g == row.item).unwrap_or(0) as f64;
        match all.iter_mut().find(|s| s.name == row.peer) {
            Some(series) => series.points.push((group, y(row))),
            None => all.push(Series { name: row.peer.clone(), points: vec![(group, y(row))] }),
        }
    }
    Kind::Bars(groups, all)
}

/// How many entries have a chunk, and how many functions a bound, of each class of sizes.
fn histogram(bounds: &Part) -> Kind {
    let what = |row: &Row| match row.metric.as_str() {
        "entries by chunk" => Some("entries"),
        "functions by bound" => Some("functions"),
        _ => None,
    };
    let counted = |row: &&Row| row.x.is_some() && row.value > 0.0 && what(row).is_some();
    let mut classes: Vec<f64> = bounds.rows.iter().filter(counted).filter_map(|row| row.x).collect();
    classes.sort_by(f64::total_cmp);
    classes.dedup();
    let place = |x: f64| classes.iter().position(|class| *class >= x).unwrap_or(0) as f64;
    // The group of a bar in the place of its size.
    let rows: Vec<Row> = bounds
        .rows
        .iter()
        .filter(counted)
        .map(|row| Row {
            // The legend has room for some eighteen letters.
            peer: format!("{}: {}", row.item.trim_start_matches("zork-"), what(row).unwrap_or_default()),
            x: row.x.map(|x| place(x) + 1.0),
            ..row.clone()
        })
        .collect();
    let mut all = series(rows.iter(), |row| row.x);
    all.iter_mut().flat_map(|s| &mut s.points).for_each(|point| point.0 -= 1.0);
    Kind::Bars(classes.iter().map(|class| format!("{class:.0}")).collect(), all)
}

/// From below the least to above the most.
fn range(values: impl Iterator<Item = f64> + Clone, margin: f64) -> std::ops::Range<f64> {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(0.0, f64::max);
    low / margin..high * margin
}

type Failure = Box<dyn std::error::Error>;

fn draw<B: DrawingBackend>(root: &DrawingArea<B, Shift>, figure: &Figure) -> Result<(), Failure>
where
    B::ErrorType: 'static,
{
    root.fill(&WHITE)?;
    let (Kind::Lines(all) | Kind::Bars(_, all)) = &figure.kind;
    let points = all.iter().flat_map(|s| &s.points);
    let y = range(points.clone().map(|p| p.1), 1.6);
    match &figure.kind {
        Kind::Lines(_) => lines(root, figure, all, range(points.map(|p| p.0), 1.1), y)?,
        Kind::Bars(groups, _) => grouped(root, figure, groups, all, y)?,
    }
    root.present()?;
    Ok(())
}

/// Room on the right for the names.
const LEGEND: u32 = 186;

fn legend<B: DrawingBackend>(root: &DrawingArea<B, Shift>, all: &[Series]) -> Result<(), Failure>
where
    B::ErrorType: 'static,
{
    for (index, series) in all.iter().enumerate() {
        let (left, top) = ((SIZE.0 - LEGEND + 12) as i32, 50 + 24 * index as i32);
        root.draw(&Rectangle::new([(left, top), (left + 14, top + 12)], colour(index).filled()))?;
        root.draw(&Text::new(series.name.clone(), (left + 20, top - 5), (FONT, 20).into_font()))?;
    }
    Ok(())
}

fn colour(index: usize) -> RGBColor {
    COLOURS[index % COLOURS.len()]
}

fn lines<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    all: &[Series],
    x: std::ops::Range<f64>,
    y: std::ops::Range<f64>,
) -> Result<(), Failure>
where
    B::ErrorType: 'static,
{
    let mut chart = ChartBuilder::on(root)
        .caption(figure.title, (FONT, 25))
        .margin(12)
        .margin_right(LEGEND)
        .x_label_area_size(54)
        .y_label_area_size(88)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    chart
        .configure_mesh()
        .light_line_style(WHITE)
        .x_desc(figure.x)
        .y_desc(figure.y)
        .x_labels(5)
        .y_labels(6)
        .label_style((FONT, 19))
        .axis_desc_style((FONT, 20))
        .x_label_formatter(&|x| super::table::number(*x))
        .y_label_formatter(&|y| super::table::number(*y))
        .draw()?;
    for (index, series) in all.iter().enumerate() {
        chart.draw_series(LineSeries::new(series.points.iter().copied(), colour(index).stroke_width(2)))?;
        chart
            .draw_series(series.points.iter().map(|point| Circle::new(*point, 4, colour(index).filled())))?;
    }
    legend(root, all)
}

fn grouped<B: DrawingBackend>(
    root: &DrawingArea<B, Shift>,
    figure: &Figure,
    groups: &[String],
    all: &[Series],
    y: std::ops::Range<f64>,
) -> Result<(), Failure>
where
    B::ErrorType: 'static,
{
    let mut chart = ChartBuilder::on(root)
        .caption(figure.title, (FONT, 25))
        .margin(12)
        .margin_right(LEGEND)
        .x_label_area_size(40)
        .y_label_area_size(88)
        .build_cartesian_2d(0.0..groups.len() as f64, y.clone().log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .disable_x_axis()
        .light_line_style(WHITE)
        .y_desc(figure.y)
        .y_labels(6)
        .label_style((FONT, 19))
        .axis_desc_style((FONT, 20))
        .y_label_formatter(&|y| super::table::number(*y))
        .draw()?;
    let has = |series: &Series, group: f64| series.points.iter().any(|point| (point.0 - group).abs() < 0.5);
    let count = |all: &[Series], group: f64| all.iter().filter(|series| has(series, group)).count() as f64;
    let most = (0..groups.len()).map(|group| count(all, group as f64)).fold(1.0, f64::max);
    let width = 0.84 / most;
    for (index, series) in all.iter().enumerate() {
        let bar = |(group, value): &(f64, f64)| {
            // Side by side in the middle, without room for who did not do it.
            let left = group + 0.5 + width * (count(&all[..index], *group) - count(all, *group) / 2.0);
            Rectangle::new([(left, y.start), (left + width * 0.92, *value)], colour(index).filled())
        };
        chart.draw_series(series.points.iter().map(bar))?;
    }
    let (across, down) = chart.plotting_area().get_pixel_range();
    let step = f64::from(across.end - across.start) / groups.len().max(1) as f64;
    for (index, group) in groups.iter().enumerate() {
        // Neighbours that are long would touch.
        let lower = if groups.len() > 6 && index % 2 == 1 { 16 } else { 0 };
        let middle = f64::from(across.start) + step * (index as f64 + 0.5);
        // About seven pixels a letter.
        let left = middle - 3.3 * group.len() as f64;
        root.draw(&Text::new(group.clone(), (left as i32, down.end + 6 + lower), (FONT, 15).into_font()))?;
    }
    legend(root, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_stand_in_their_classes() {
        let rows = vec![
            Row::once("zork", "64 to 128", "functions by bound", "", 3.0).at(128.0),
            Row::once("zork", "0 to 64", "functions by bound", "", 9.0).at(64.0),
            Row::once("zork-probe", "64 to 128", "entries by chunk", "", 2.0).at(128.0),
            Row::once("zork", "exact", "functions", "", 5.0),
        ];
        let Kind::Bars(groups, all) = histogram(&Part { rows, ..Part::default() }) else { panic!("no bars") };
        assert_eq!(groups, ["64", "128"]);
        let drawn: Vec<_> = all.into_iter().map(|s| (s.name, s.points)).collect();
        let functions = ("zork: functions".to_owned(), vec![(1.0, 3.0), (0.0, 9.0)]);
        assert_eq!(drawn, [functions, ("probe: entries".to_owned(), vec![(1.0, 2.0)])]);
    }

    #[test]
    fn titles_have_room_and_a_model_says_so() {
        let model = Row::once("wide", "vthread", "model, all serial", "", 3.4).at(4.0);
        let scaling = Part { name: "scaling".into(), rows: vec![model], ..Part::default() };
        let mut results = crate::render::example::results();
        results.replace(scaling);
        let figures = figures(&results);
        assert!(figures.iter().any(|f| f.name == "scaling" && f.title.contains("A MODEL")));
        // More than some forty letters would be cut off on both sides.
        assert!(figures.iter().all(|f| f.title.len() <= 40));
    }
}

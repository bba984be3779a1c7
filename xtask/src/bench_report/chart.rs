//! The ratios as bars on a logarithmic scale: those to the left of 1 are faster than the baseline.

use std::fmt::Write;

use super::report::{Group, Report, Series, Table};

const WIDTH: f64 = 860.0;
/// Where the names end.
const NAMES: f64 = 250.0;
/// Where the scale's lowest value stands: bars that reach it have their number beside them.
const LEFT: f64 = NAMES + 50.0;
const RIGHT: f64 = WIDTH - 60.0;
const TOP: f64 = 104.0;
const BAR: f64 = 11.0;
const GAP: f64 = 9.0;

/// One of the colours that Okabe and Ito chose for every kind of sight, for each series.
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
];

/// The first table that has ratios, drawn; `None` without one.
pub(super) fn svg(report: &Report) -> Option<String> {
    let (table, baseline) = report
        .tables
        .iter()
        .find_map(|table| Some((table, baseline(table)?)))?;
    let bars: Vec<GroupBars<'_>> = table
        .groups
        .iter()
        .map(|group| GroupBars::new(group, baseline))
        .filter(|group| !group.bars.is_empty())
        .collect();
    let scale = Scale::over(bars.iter().flat_map(GroupBars::ratios))?;
    let names = names(table, baseline);
    let height = TOP + bars.iter().map(GroupBars::height).sum::<f64>() + 16.0;
    let mut svg = head(height, &heading(report, baseline));
    let has_limit = bars.iter().any(|group| group.limit.is_some());
    legend(&mut svg, &names, report, has_limit.then_some(LIMIT));
    grid(&mut svg, &scale, height);
    let mut y = TOP;
    for group in &bars {
        group.draw(&mut svg, &scale, &names, y);
        y += group.height();
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

/// The first of the table's baselines that was measured.
fn baseline(table: &Table) -> Option<&'static str> {
    let series = || table.groups.iter().flat_map(|group| &group.series);
    let baselines = table.baselines.iter();
    let measured = |name: &&str| series().any(|series| series.name == **name);
    baselines.copied().find(measured)
}

/// The series that is a mark and not a bar: nothing runs it for its own sake.
const LIMIT: &str = "memory limit";

struct GroupBars<'a> {
    name: &'a str,
    bars: Vec<Bar<'a>>,
    /// What the memory alone takes.
    limit: Option<f64>,
}

struct Bar<'a> {
    series: &'a str,
    ratio: f64,
}

impl<'a> GroupBars<'a> {
    fn new(group: &'a Group, baseline: &str) -> Self {
        let others = group.series.iter().filter(|series| series.name != baseline);
        let bar = |series: &'a Series| {
            let ratio = *series.ratios.get(baseline)?;
            let series = series.name.as_str();
            (ratio > 0.0).then_some(Bar { series, ratio })
        };
        let (limit, bars): (Vec<_>, Vec<_>) =
            others.filter_map(bar).partition(|bar| bar.series == LIMIT);
        Self {
            name: &group.name,
            bars,
            limit: limit.first().map(|bar| bar.ratio),
        }
    }

    fn ratios(&self) -> impl Iterator<Item = f64> {
        self.bars.iter().map(|bar| bar.ratio).chain(self.limit)
    }

    fn height(&self) -> f64 {
        count(self.bars.len()) * BAR + GAP
    }

    fn draw(&self, svg: &mut String, scale: &Scale, names: &[&str], top: f64) {
        let middle = top + count(self.bars.len()) * BAR / 2.0 + 4.0;
        text(svg, (NAMES, middle), r#"text-anchor="end""#, self.name);
        for (index, bar) in self.bars.iter().enumerate() {
            let y = top + count(index) * BAR;
            let (one, end) = (scale.x(1.0), scale.x(bar.ratio));
            let (x, width) = (one.min(end), (end - one).abs().max(1.0));
            let colour = colour(names, bar.series);
            let height = BAR - 1.0;
            push(
                svg,
                format_args!(
                    r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"/>"#
                ),
            );
            let (x, anchor) = match end < one {
                true => (end - 4.0, r#"class="value" text-anchor="end""#),
                false => (end + 4.0, r#"class="value""#),
            };
            let ratio = format!("{:.2}×", bar.ratio);
            text(svg, (x, y + BAR - 2.0), anchor, &ratio);
        }
        if let Some(limit) = self.limit {
            let bottom = top + count(self.bars.len()) * BAR;
            mark(svg, scale.x(limit), (top - 1.0, bottom));
        }
    }
}

/// A scale from one power of two to another.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// From at most 1/2 to at least 2; `None` without a value.
    fn over(ratios: impl Iterator<Item = f64>) -> Option<Self> {
        let logs: Vec<f64> = ratios.map(f64::log2).collect();
        let low = logs.iter().copied().reduce(f64::min)?;
        let high = logs.iter().copied().reduce(f64::max)?;
        Some(Self {
            low: low.floor().min(-1.0),
            high: high.ceil().max(1.0),
        })
    }

    fn x(&self, ratio: f64) -> f64 {
        let share = (ratio.log2() - self.low) / (self.high - self.low);
        LEFT + share * (RIGHT - LEFT)
    }

    fn powers(&self) -> impl Iterator<Item = f64> {
        let (low, high) = (self.low, self.high);
        std::iter::successors(Some(low), |log| Some(log + 1.0))
            .take_while(move |log| *log <= high)
            .map(f64::exp2)
    }
}

/// Every series that has bars, in the order of the table.
fn names<'a>(table: &'a Table, baseline: &str) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for series in table.groups.iter().flat_map(|group| &group.series) {
        if series.name != baseline && series.name != LIMIT && !names.contains(&series.name.as_str())
        {
            names.push(&series.name);
        }
    }
    names
}

fn colour(names: &[&str], series: &str) -> &'static str {
    let index = names.iter().position(|name| *name == series);
    COLOURS[index.unwrap_or_default() % COLOURS.len()]
}

fn heading(report: &Report, baseline: &str) -> [String; 2] {
    [
        match baseline {
            "ceiling" => "Time of a call relative to a native loop by hand".to_owned(),
            other => format!("Time of a call relative to {other}"),
        },
        format!(
            "logarithmic, left of 1 is faster; one thread, medians; {}",
            report.machine.cpu
        ),
    ]
}

/// A panel of its own behind everything: the page around it may be light or dark.
fn head(height: f64, [title, subtitle]: &[String; 2]) -> String {
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" font-family="system-ui, sans-serif" font-size="12">
<title>{}</title>
<style>
.panel {{ fill: #ffffff; stroke: #d0d7de }} text {{ fill: #1f2328 }} .value, .tick {{ font-size: 10px; fill: #59636e }}
.grid {{ stroke: #d8dee4 }} .one {{ stroke: #1f2328 }} .limit {{ stroke: #d1242f; stroke-width: 2 }}
@media (prefers-color-scheme: dark) {{
.panel {{ fill: #0d1117; stroke: #3d444d }} text {{ fill: #f0f6fc }} .value, .tick {{ fill: #9198a1 }}
.grid {{ stroke: #2f363d }} .one {{ stroke: #f0f6fc }} .limit {{ stroke: #ff7b72 }}
}}
</style>
<rect class="panel" x="0.5" y="0.5" width="{}" height="{}" rx="6"/>
"##,
        escaped(title),
        WIDTH - 1.0,
        height - 1.0
    );
    text(
        &mut svg,
        (16.0, 26.0),
        r#"font-size="15" font-weight="600""#,
        title,
    );
    text(&mut svg, (16.0, 44.0), "", subtitle);
    svg
}

fn legend(svg: &mut String, names: &[&str], report: &Report, limit: Option<&str>) {
    let mut x = 16.0;
    for name in names {
        let colour = colour(names, name);
        push(
            svg,
            format_args!(r#"<rect x="{x:.1}" y="58" width="11" height="11" fill="{colour}"/>"#),
        );
        let label = match report.machine.versions.get(*name) {
            Some(version) => format!("{name} {version}"),
            None => (*name).to_owned(),
        };
        text(svg, (x + 16.0, 68.0), "", &label);
        x += 40.0 + count(label.chars().count()) * 7.0;
    }
    if let Some(limit) = limit {
        mark(svg, x + 5.5, (57.0, 70.0));
        text(svg, (x + 16.0, 68.0), "", limit);
    }
}

fn mark(svg: &mut String, x: f64, (top, bottom): (f64, f64)) {
    push(
        svg,
        format_args!(
            r#"<line class="limit" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}"/>"#
        ),
    );
}

fn grid(svg: &mut String, scale: &Scale, height: f64) {
    for power in scale.powers() {
        let x = scale.x(power);
        let class = if power.log2() == 0.0 { "one" } else { "grid" };
        let (top, bottom) = (TOP - 6.0, height - 10.0);
        push(
            svg,
            format_args!(
                r#"<line class="{class}" x1="{x:.1}" y1="{top:.1}" x2="{x:.1}" y2="{bottom:.1}"/>"#
            ),
        );
        let label = format!("{power}×");
        text(
            svg,
            (x, TOP - 12.0),
            r#"class="tick" text-anchor="middle""#,
            &label,
        );
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, content: &str) {
    let content = escaped(content);
    push(
        svg,
        format_args!(r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{content}</text>"#),
    );
}

fn push(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a string takes every text");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).expect("a few dozen things are drawn"))
}

//! Charts: drawn from numbers as SVG, with no styles of their own, since the content policy allows none in attributes.
//! Each has a name, a summary for those who do not see it, and its numbers as a table.

use leptos::prelude::*;
use taskdeck_core::Timestamp;
use taskdeck_ui::{Erase, TimeAgo, format};

/// The space in which all charts are drawn (their `viewBox`, their grid); the page stretches it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// How long a stroke is at least, to be seen.
const SHORTEST: f64 = 6.0;

/// A row of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Series {
    /// What it is.
    pub(crate) title: &'static str,
    /// Its class: `ok`, `bad`, `accent` or `calm`.
    pub(crate) class: &'static str,
    /// A number for each step; none where there is nothing to tell.
    pub(crate) values: Vec<Option<u64>>,
}

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Bars, one row on the other.
    Bars,
    /// A line for each row.
    Lines,
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chart {
    /// How it is drawn.
    pub(crate) shape: Shape,
    /// When each step begins.
    pub(crate) at: Vec<Timestamp>,
    /// The rows, the lowest first.
    pub(crate) series: Vec<Series>,
}

impl Chart {
    /// The greatest number that is drawn, rounded up to one that reads well; at least 1.
    fn top(&self) -> u64 {
        let steps = 0..self.at.len();
        let highest = match self.shape {
            Shape::Bars => {
                steps.map(|step| self.series.iter().filter_map(|row| value(row, step)).sum()).max()
            }
            Shape::Lines => {
                steps.filter_map(|step| self.series.iter().filter_map(|row| value(row, step)).max()).max()
            }
        };
        let highest = highest.unwrap_or(0);
        match self.shape {
            Shape::Bars => nice(highest),
            Shape::Lines => nice_time(highest),
        }
    }

    /// What is drawn of each row, as the data of a path.
    fn paths(&self) -> Vec<String> {
        let top = self.top();
        match self.shape {
            Shape::Bars => self.bars(top),
            Shape::Lines => self.series.iter().map(|row| self.line(row, top)).collect(),
        }
    }

    fn bars(&self, top: u64) -> Vec<String> {
        let mut floor = vec![0_u64; self.at.len()];
        let width = WIDTH / number(self.at.len().max(1) as u64);
        // A thin gap, so that bars of the same height can be counted.
        let (gap, bar) = (width * 0.1, width * 0.8);
        self.series
            .iter()
            .map(|row| {
                let mut path = String::new();
                for (step, below) in floor.iter_mut().enumerate() {
                    let Some(value) = value(row, step).filter(|value| *value > 0) else { continue };
                    let (low, high) = (height(*below, top), height(*below + value, top));
                    let left = width * number(step as u64) + gap;
                    let [left, low, high, bar] = [left, low, high, bar].map(tenth);
                    path.push_str(&format!("M{left} {low}V{high}h{bar}V{low}z"));
                    *below += value;
                }
                path
            })
            .collect()
    }

    fn line(&self, row: &Series, top: u64) -> String {
        let width = WIDTH / number(self.at.len().max(1) as u64);
        let mut path = String::new();
        let mut drawing = false;
        for step in 0..self.at.len() {
            let Some(value) = value(row, step) else {
                drawing = false;
                continue;
            };
            let (x, y) = (width * (number(step as u64) + 0.5), height(value, top));
            path.push_str(&format!("{}{} {}", if drawing { "L" } else { "M" }, tenth(x), tenth(y)));
            // A point that stands alone is a stroke as long as its step.
            if !drawing && self.stands_alone(row, step) {
                let half = (width / 2.0).max(SHORTEST / 2.0);
                path.push_str(&format!("m-{} 0h{}", tenth(half), tenth(2.0 * half)));
            }
            drawing = true;
        }
        path
    }

    fn stands_alone(&self, row: &Series, step: usize) -> bool {
        value(row, step + 1).is_none()
    }

    /// Whether a step tells anything: a bar of nothing does not, but a time of 0 ms is one.
    fn tells(&self, step: usize) -> bool {
        self.series
            .iter()
            .filter_map(|row| value(row, step))
            .any(|value| value > 0 || self.shape == Shape::Lines)
    }

    /// Whether there is nothing to draw.
    fn is_empty(&self) -> bool {
        !(0..self.at.len()).any(|step| self.tells(step))
    }

    /// The step under a place from 0.0 to 1.0.
    pub(crate) fn step_at(&self, place: f64) -> Option<usize> {
        let steps = self.at.len();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some hundreds at most")]
        let step = (place.clamp(0.0, 1.0) * number(steps as u64)) as usize;
        (steps > 0).then(|| step.min(steps - 1))
    }
}

fn value(row: &Series, step: usize) -> Option<u64> {
    row.values.get(step).copied().flatten()
}

#[expect(clippy::cast_precision_loss, reason = "drawn, not counted")]
fn number(value: u64) -> f64 {
    value as f64
}

/// A place, as it is written.
fn tenth(place: f64) -> String {
    format::decimal(place, 1)
}

fn height(value: u64, top: u64) -> f64 {
    HEIGHT - HEIGHT * number(value) / number(top.max(1))
}

/// 1, 2 or 5 times a power of ten that is not below.
fn nice(highest: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for step in [1, 2, 5] {
            match power.checked_mul(step) {
                Some(top) if top >= highest => return top,
                Some(_) => {}
                None => return highest,
            }
        }
        power = power.saturating_mul(10);
    }
}

/// Times that read well, in milliseconds, between 10 seconds and a day.
const TIMES: [u64; 13] = [
    20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_200_000, 1_800_000, 3_600_000, 7_200_000,
    21_600_000, 43_200_000, 86_400_000,
];

/// A time in milliseconds that reads well and is not below.
fn nice_time(highest: u64) -> u64 {
    let last = TIMES[TIMES.len() - 1];
    match TIMES.into_iter().find(|time| *time >= highest) {
        Some(_) if highest <= 10_000 => nice(highest),
        Some(time) => time,
        None => nice(highest.div_ceil(last)).saturating_mul(last),
    }
}

/// A chart with its name, legend and table.
#[component]
pub(crate) fn ChartPanel(
    /// Its name; ids are made from it.
    title: &'static str,
    /// What it shows.
    chart: Memo<Chart>,
    /// How its numbers are said.
    say: fn(u64) -> String,
    /// What is said when there is nothing to draw.
    nothing: &'static str,
) -> impl IntoView {
    let id = format!("chart-{}", title.to_ascii_lowercase().replace(' ', "-"));
    let described = format!("{id}-text");
    let describes = described.clone();
    let labelled = id.clone();
    let under = RwSignal::new(None::<usize>);
    let top = Memo::new(move |_| chart.with(Chart::top));
    let is_empty = Memo::new(move |_| chart.with(Chart::is_empty));
    let rows = chart
        .with_untracked(|chart| chart.series.iter().map(|row| (row.title, row.class)).collect::<Vec<_>>());
    let shape = chart.with_untracked(|chart| match chart.shape {
        Shape::Bars => "bars",
        Shape::Lines => "lines",
    });
    let drawn: Vec<_> = (0..rows.len())
        .map(|row| {
            let path = Memo::new(move |_| chart.with(|chart| chart.paths().swap_remove(row)));
            let class = rows.get(row).map_or("", |row| row.1);
            view! { <path class=format!("dash-chart-{class}") d=path></path> }
        })
        .collect();
    let legend = rows.iter().enumerate().map(|(row, (name, class))| {
        // Under the pointer the numbers of that step, else their sum or last.
        let number = move || {
            under.get().and_then(|step| chart.with(|chart| value(chart.series.get(row)?, step))).map(say)
        };
        view! {
            <span class="dash-chart-key">
                <span class=format!("dash-chart-dot dash-chart-{class}")></span>
                {*name} " " <span class="num">{number}</span>
            </span>
        }
    });
    let legend = legend.collect_view();
    let when = move || under.get().and_then(|step| chart.with(|chart| chart.at.get(step).copied()));
    let point = move |event: leptos::ev::PointerEvent| {
        let width = event.current_target().and_then(|it| {
            use wasm_bindgen::JsCast;
            it.dyn_into::<web_sys::Element>().ok().map(|it| it.client_width())
        });
        let place = f64::from(event.offset_x()) / f64::from(width.unwrap_or(1).max(1));
        under.set(chart.with_untracked(|chart| chart.step_at(place)));
    };
    let summary = move || chart.with(|chart| summary(chart, say));
    let first = Memo::new(move |_| chart.with(|chart| chart.at.first().copied()));
    let mark = move || {
        let steps = chart.with(|chart| chart.at.len().max(1)) as u64;
        under.get().map(|step| {
            format!("M{} 0V{}", tenth(WIDTH / number(steps) * (number(step as u64) + 0.5)), tenth(HEIGHT))
        })
    };
    view! {
        <figure class="dash-chart" aria-labelledby=labelled>
            <figcaption class="dash-chart-head">
                <h2 id=id>{title}</h2>
                <span class="dash-chart-legend">{legend}</span>
                <span class="dash-chart-when">{move || when().map(|at| view! { <TimeAgo at=at/> })}</span>
            </figcaption>
            <div class="dash-chart-area" data-empty=move || is_empty.get().then_some("")>
                <span class="dash-chart-top num" aria-hidden="true">{move || say(top.get())}</span>
                <svg
                    class=format!("dash-chart-svg dash-chart-is-{shape}")
                    viewBox="0 0 600 120"
                    preserveAspectRatio="none"
                    role="img"
                    aria-label=title
                    aria-describedby=describes
                    on:pointermove=point
                    on:pointerleave=move |_| under.set(None)
                >
                    <path class="dash-chart-grid" d="M0 0H600M0 60H600M0 120H600"></path>
                    {drawn}
                    <path class="dash-chart-mark" d=mark></path>
                </svg>
                <p class="dash-chart-nothing" hidden=move || !is_empty.get()>{nothing}</p>
            </div>
            <p class="dash-chart-axis" aria-hidden="true">
                {move || first.get().map(|at| view! { <TimeAgo at=at/> })}
                <span>"now"</span>
            </p>
            <p class="td-sr-only" id=described>{summary}</p>
            <details class="dash-chart-table">
                <summary>"As a table"</summary>
                <div class="dash-chart-scroll" tabindex="0" role="region" aria-label=format!("{title} as a table")>
                    {move || table(&chart.get(), say)}
                </div>
            </details>
        </figure>
    }
    .erase()
}

/// What a chart says in a sentence.
fn summary(chart: &Chart, say: fn(u64) -> String) -> String {
    let rows = chart.series.iter().map(|row| {
        let known = row.values.iter().flatten();
        let (most, last) = (known.clone().max(), known.last());
        match (most, last) {
            (Some(most), Some(last)) => {
                format!("{}: at most {}, last {}.", row.title, say(*most), say(*last))
            }
            _ => format!("{}: nothing.", row.title),
        }
    });
    rows.collect::<Vec<_>>().join(" ")
}

/// The steps in which something happened, the newest first.
fn table(chart: &Chart, say: fn(u64) -> String) -> AnyView {
    let heads = chart.series.iter().map(|row| view! { <th scope="col">{row.title}</th> }).collect_view();
    let rows = chart.at.iter().enumerate().rev().filter(|(step, _)| chart.tells(*step));
    let rows = rows.map(|(step, at)| {
        let cells = chart.series.iter().map(|row| {
            let text = value(row, step).map_or_else(|| "–".to_owned(), say);
            view! { <td class="num">{text}</td> }
        });
        view! { <tr><th scope="row"><TimeAgo at=*at/></th>{cells.collect_view()}</tr> }
    });
    let rows = rows.collect_view();
    view! {
        <table>
            <thead><tr><th scope="col">"From"</th>{heads}</tr></thead>
            <tbody>{rows}</tbody>
        </table>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(shape: Shape, rows: &[&[Option<u64>]]) -> Chart {
        let steps = rows.first().map_or(0, |row| row.len());
        Chart {
            shape,
            at: (0..steps)
                .map(|step| Timestamp::from_millis(i64::try_from(step).unwrap() * 60_000))
                .collect(),
            series: rows
                .iter()
                .map(|row| Series { title: "Row", class: "ok", values: row.to_vec() })
                .collect(),
        }
    }

    #[test]
    fn the_top_reads_well() {
        assert_eq!([0, 1, 2, 3, 7, 11, 20, 999, 1_001].map(nice), [1, 1, 2, 5, 10, 20, 20, 1_000, 2_000]);
        assert_eq!(nice(u64::MAX), u64::MAX);
        assert_eq!([3, 9_000, 11_000, 61_000, 400_000].map(nice_time), [5, 10_000, 20_000, 120_000, 600_000]);
        assert_eq!([86_400_001, 900_000_000].map(nice_time), [172_800_000, 1_728_000_000]);
    }

    #[test]
    fn bars_stand_on_each_other() {
        let chart = chart(Shape::Bars, &[&[Some(3), Some(0)], &[Some(2), Some(4)]]);
        assert_eq!(chart.top(), 5);
        let paths = chart.paths();
        assert_eq!(paths[0], "M30.0 120.0V48.0h240.0V120.0z");
        assert_eq!(paths[1], "M30.0 48.0V0.0h240.0V48.0zM330.0 120.0V24.0h240.0V120.0z");
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known() {
        let chart = chart(Shape::Lines, &[&[Some(10), Some(5), None, Some(10)]]);
        assert_eq!(chart.paths(), ["M75.0 0.0L225.0 60.0M525.0 0.0m-75.0 0h150.0"]);
    }

    #[test]
    fn times_of_nought_are_drawn_and_bars_of_nought_are_not() {
        let rows: &[&[Option<u64>]] = &[&[None, Some(0)]];
        assert!(chart(Shape::Bars, rows).is_empty() && !chart(Shape::Lines, rows).is_empty());
        assert_eq!([0, 1].map(|step| chart(Shape::Lines, rows).tells(step)), [false, true]);
        assert!(chart(Shape::Lines, &[&[None, None]]).is_empty());
    }

    #[test]
    fn a_place_leads_to_its_step() {
        let of = chart(Shape::Bars, &[&[None, None, None, None]]);
        assert_eq!([-1.0, 0.0, 0.3, 0.99, 1.0].map(|place| of.step_at(place)), [0, 0, 1, 3, 3].map(Some));
        assert_eq!(chart(Shape::Bars, &[]).step_at(0.5), None);
    }
}

//! The charts of the overview, in one row that can be put away.

use leptos::prelude::*;
use taskdeck_core::{Percentiles, Stats, StatsPoint};
use taskdeck_ui::Erase;
use taskdeck_ui::format::{duration, thousands};

use crate::parts::chart::{Chart, ChartPanel, Series, Shape};

/// How much was done, how long it waited, and how long it took.
#[component]
pub(crate) fn Charts(
    /// What is known.
    stats: Memo<Stats>,
) -> impl IntoView {
    let throughput = Memo::new(move |_| stats.with(throughput));
    let waits = Memo::new(move |_| stats.with(|stats| percentiles(stats, |point| point.wait)));
    let runs = Memo::new(move |_| stats.with(|stats| percentiles(stats, |point| point.run)));
    let step =
        move || stats.with(|stats| format!("Each step is {}.", taskdeck_ui::format::span(stats.step_ms)));
    view! {
        <details class="dash-charts" open>
            <summary class="dash-charts-head">"Charts" <span class="dash-charts-step">{step}</span></summary>
            <div class="dash-charts-row">
                <ChartPanel title="Throughput" chart=throughput say=thousands nothing="Nothing ended in this span."/>
                <ChartPanel title="Wait" chart=waits say=time nothing="Nothing began in this span."/>
                <ChartPanel title="Run" chart=runs say=time nothing="Nothing ended in this span."/>
            </div>
        </details>
    }
    .erase()
}

fn time(ms: u64) -> String {
    duration(ms, true)
}

fn throughput(stats: &Stats) -> Chart {
    let row = |title, class, of: fn(&StatsPoint) -> u64| Series {
        title,
        class,
        values: stats.points.iter().map(|point| Some(of(point))).collect(),
    };
    Chart {
        shape: Shape::Bars,
        at: stats.points.iter().map(|point| point.at).collect(),
        series: vec![
            row("Completed", "ok", |point| point.completed),
            row("Failed", "bad", |point| point.failed + point.interrupted),
        ],
    }
}

fn percentiles(stats: &Stats, of: fn(&StatsPoint) -> Option<Percentiles>) -> Chart {
    let row = |title, class, get: fn(Percentiles) -> u64| Series {
        title,
        class,
        values: stats.points.iter().map(|point| of(point).map(get)).collect(),
    };
    Chart {
        shape: Shape::Lines,
        at: stats.points.iter().map(|point| point.at).collect(),
        series: vec![
            row("p50", "accent", |times| times.p50),
            row("p95", "warn", |times| times.p95),
            row("p99", "calm", |times| times.p99),
        ],
    }
}

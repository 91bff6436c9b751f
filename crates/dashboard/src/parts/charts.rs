//! The charts of the overview, in one row that can be put away; or one of them alone, larger.

use leptos::prelude::*;
use taskdeck_core::{Percentiles, Stats, StatsPoint};
use taskdeck_ui::format::{duration, thousands};
use taskdeck_ui::{Erase, Icon};

use crate::parts::chart::{Chart, ChartPanel, Series, Shape};
use crate::parts::range::Look;

/// What a chart is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    /// How much was done.
    Throughput,
    /// How long it waited.
    Wait,
    /// How long it took.
    Run,
}

impl Measure {
    const ALL: [Self; 3] = [Self::Throughput, Self::Wait, Self::Run];

    /// The name in the URL.
    const fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Wait => "wait",
            Self::Run => "run",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Throughput => "Throughput",
            Self::Wait => "Wait",
            Self::Run => "Run",
        }
    }
}

/// Which charts are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ChartChoice {
    /// All, side by side.
    #[default]
    All,
    /// None.
    PutAway,
    /// One, larger.
    One(Measure),
}

impl ChartChoice {
    /// What the URL says; none for what is no choice.
    pub(crate) fn read(name: &str) -> Option<Self> {
        let one = || Measure::ALL.into_iter().find(|measure| measure.name() == name).map(Self::One);
        if name == "off" { Some(Self::PutAway) } else { one() }
    }

    /// What the URL says, but for that of all.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::PutAway => Some("off"),
            Self::One(measure) => Some(measure.name()),
        }
    }

    fn shows(self, measure: Measure) -> bool {
        match self {
            Self::All => true,
            Self::PutAway => false,
            Self::One(one) => one == measure,
        }
    }
}

/// How much was done, how long it waited, and how long it took. Which of them are shown is in the address.
#[component]
pub(crate) fn Charts(
    /// What is known.
    stats: Memo<Stats>,
    /// Which of them.
    shown: ChartChoice,
    /// What the address says by now, which what is shown follows.
    look: Memo<Look>,
) -> impl IntoView {
    let folded = shown == ChartChoice::PutAway;
    let to = move |charts: ChartChoice| move || Look { charts, ..look.get() }.address();
    let turned = to(if folded { ChartChoice::All } else { ChartChoice::PutAway });
    let head = view! {
        <h2>
            <a href=turned aria-expanded=(!folded).to_string() data-noscroll=true>
                <Icon name=if folded { "chevron-right" } else { "chevron-down" }/>
                "Charts"
            </a>
        </h2>
    };
    if folded {
        return view! { <section class="dash-charts"><div class="dash-charts-head">{head}</div></section> }
            .erase();
    }
    let tab = move |charts: ChartChoice, title: &'static str| {
        let current = (shown == charts).then_some("true");
        view! { <a class="dash-tab" href=to(charts) aria-current=current data-noscroll=true>{title}</a> }
    };
    let tabs = Measure::ALL.map(|measure| tab(ChartChoice::One(measure), measure.title()));
    let panels = Measure::ALL.into_iter().filter(|measure| shown.shows(*measure));
    let panels = panels.map(|measure| panel(measure, stats)).collect_view();
    let step = move || stats.with(|stats| format!("Each step is {}.", step(stats.step_ms)));
    view! {
        <section class="dash-charts">
            <div class="dash-charts-head">
                {head}
                <span class="dash-charts-step">{step}</span>
                <nav class="dash-tabs" aria-label="Which chart">{tab(ChartChoice::All, "All")}{tabs}</nav>
            </div>
            <div class="dash-charts-row" data-one=matches!(shown, ChartChoice::One(_)).then_some("")>
                {panels}
            </div>
        </section>
    }
    .erase()
}

fn panel(measure: Measure, stats: Memo<Stats>) -> AnyView {
    type Draw = fn(&Stats) -> Chart;
    type Say = fn(u64) -> String;
    let (draw, say, nothing): (Draw, Say, _) = match measure {
        Measure::Throughput => (throughput, thousands, "Nothing ended in this span."),
        Measure::Wait => {
            (|stats| percentiles(stats, |point| point.wait), time, "Nothing began in this span.")
        }
        Measure::Run => (|stats| percentiles(stats, |point| point.run), time, "Nothing ended in this span."),
    };
    let chart = Memo::new(move |_| stats.with(draw));
    view! { <ChartPanel title=measure.title() chart say nothing/> }.erase()
}

/// How long a step is, in words.
fn step(ms: u64) -> String {
    const UNITS: [(u64, &str, &str); 3] = [
        (86_400_000, "one day", "days"),
        (3_600_000, "one hour", "hours"),
        (60_000, "one minute", "minutes"),
    ];
    let fits = |(unit, ..): &(u64, &str, &str)| ms >= *unit && ms.is_multiple_of(*unit);
    match UNITS.into_iter().find(fits) {
        Some((unit, one, _)) if ms == unit => one.to_owned(),
        Some((unit, _, many)) => format!("{} {many}", ms / unit),
        None => duration(ms, true),
    }
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

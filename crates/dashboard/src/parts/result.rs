//! What a completed task left: its output, the parts that were left out, and the files it made.

use leptos::prelude::*;
use taskdeck_core::{Artifact, PartProblem, ResultBody, TaskId, csv, form};
use taskdeck_ui::format::thousands;
use taskdeck_ui::{Erase, Icon};

use super::copy::CopyButton;
use super::json::JsonView;
use crate::paths;

/// The result of a task.
#[component]
pub(crate) fn ResultPanel(
    /// What it left.
    result: ResultBody,
    /// Of which task.
    task: TaskId,
) -> impl IntoView {
    let ResultBody { result, problems, problem_count, artifacts, .. } = result;
    let json = serde_json::to_string_pretty(&result).unwrap_or_default();
    view! {
        <section class="dash-panel dash-result" aria-labelledby="result-title">
            <header class="dash-panel-head">
                <h2 id="result-title">"Result"</h2>
                <CopyButton text=json label="Copy the result as JSON"/>
                <Export task ending="json"/>
                {csv::rows(&result).is_some().then(|| view! { <Export task ending="csv"/> })}
            </header>
            {(!artifacts.is_empty()).then(|| view! { <Artifacts artifacts/> })}
            <div class="dash-panel-body">
                <JsonView value=result/>
            </div>
        </section>
        {(problem_count > 0).then(|| view! { <Problems problems count=problem_count/> })}
    }
    .erase()
}

/// Takes the result away as a file.
#[component]
fn Export(
    /// Of which task.
    task: TaskId,
    /// `json` or `csv`.
    ending: &'static str,
) -> impl IntoView {
    // `rel=external` keeps the router from taking it for a page.
    view! {
        <a class="td-button td-button-quiet" href=paths::at(&format!("/api/tasks/{task}/result.{ending}")) rel="external" download="">
            <Icon name="download"/>
            {ending.to_ascii_uppercase()}
        </a>
    }
    .erase()
}

#[component]
fn Artifacts(
    /// The files.
    artifacts: Vec<Artifact>,
) -> impl IntoView {
    let files = artifacts
        .into_iter()
        .map(|artifact| {
            let Artifact { name, size, media_type, url } = artifact;
            view! {
                <li class="dash-artifact">
                    <Icon name="file"/>
                    <div class="dash-artifact-what">
                        <span class="dash-artifact-name">{name.clone()}</span>
                        <span class="dash-artifact-facts">{form::bytes(size)} " · " {media_type}</span>
                    </div>
                    // `rel=external` keeps the router from taking it for a page.
                    <a class="td-button" href=paths::at(&url) rel="external" download=name.clone()>
                        <Icon name="download"/>
                        "Download"
                        <span class="td-sr-only">{format!(" {name}")}</span>
                    </a>
                </li>
            }
        })
        .collect_view();
    view! { <ul class="dash-artifacts" aria-label="Files">{files}</ul> }.erase()
}

#[component]
fn Problems(
    /// The first of them.
    problems: Vec<PartProblem>,
    /// How many there are in all.
    count: u64,
) -> impl IntoView {
    let shown = problems.len() as u64;
    let title = match count {
        1 => "1 part was left out".to_owned(),
        _ => format!("{} parts were left out", thousands(count)),
    };
    let rows = problems
        .into_iter()
        .map(|problem| {
            view! {
                <tr>
                    <th scope="row">{problem.part}</th>
                    <td>{problem.message}</td>
                </tr>
            }
        })
        .collect_view();
    let more = (count > shown).then(|| {
        let left = thousands(count - shown);
        view! { <p class="dash-more">{format!("and {left} more, which are not kept")}</p> }
    });
    view! {
        <section class="dash-panel dash-problems" aria-labelledby="problems-title">
            <header class="dash-panel-head">
                <Icon name="triangle-alert"/>
                <h2 id="problems-title">{title}</h2>
            </header>
            <div class="dash-table-frame" tabindex="0" role="region" aria-label="Parts that were left out">
                <table class="dash-table">
                    <thead><tr><th scope="col">"Part"</th><th scope="col">"Why"</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {more}
        </section>
    }
    .erase()
}

//! What must hold of the files when everything has ended, asked with plain SQL: the engine is not believed.

use std::collections::HashSet;
use std::path::Path;

use rusqlite::Connection;

use super::work::{DONE, STEPS};

/// What was found.
pub(super) struct Found {
    pub(super) tasks: u64,
    pub(super) acknowledged: usize,
    pub(super) interrupted_attempts: u64,
}

/// Each is what must not be: the query names the tasks of which it is true.
///
/// Nobody cancels anything here: cancelled are only the children of parents that died as often as they may.
const FAULTS: &[(&str, &str)] = &[
    ("a task has not ended", "SELECT id FROM tasks WHERE status < 4"),
    ("a task has not ended exactly once", "SELECT id FROM tasks WHERE endings <> 1"),
    (
        "the attempts of a task do not add up",
        "SELECT id FROM tasks LEFT JOIN attempts ON task = id GROUP BY id
         HAVING count(attempts.attempt) <> tasks.attempt OR coalesce(max(attempts.attempt), 0) <> tasks.attempt",
    ),
    (
        "the tries of a task are not its failed and interrupted attempts",
        "SELECT id FROM tasks LEFT JOIN attempts ON task = id AND outcome IN ('failed', 'interrupted')
         GROUP BY id HAVING count(outcome) <> tries",
    ),
    ("a task was tried too often", "SELECT id FROM tasks WHERE tries > max_tries"),
    (
        "the last attempt says something else than its task",
        "SELECT id FROM tasks LEFT JOIN attempts ON task = id AND attempts.attempt = tasks.attempt
         WHERE CASE status WHEN 4 THEN outcome <> 'completed'
                           WHEN 5 THEN outcome <> 'failed' OR outcome IS NULL AND tasks.error_code <> 'dependency_failed'
                           WHEN 7 THEN outcome <> 'interrupted' OR tries < tasks.max_tries AND NOT at_most_once
                           WHEN 6 THEN NOT EXISTS (SELECT 1 FROM tasks AS parent
                               WHERE parent.id = tasks.parent AND parent.status = 7)
                           ELSE 1 END",
    ),
    (
        "an attempt before the last has completed",
        "SELECT task FROM attempts JOIN tasks ON id = task
         WHERE outcome = 'completed' AND attempts.attempt <> tasks.attempt",
    ),
    (
        "the stored result is of another attempt",
        "SELECT id FROM tasks JOIN payloads ON task = id
         WHERE status = 4 AND json_extract(result, '$.result') <> attempt",
    ),
    (
        "a completed task has no effect",
        "SELECT id FROM tasks WHERE status = 4 AND NOT EXISTS
             (SELECT 1 FROM effects WHERE task = id AND effects.attempt = tasks.attempt AND step = ?1)",
    ),
    (
        "a task did not fail, but its body never came to its end",
        "SELECT id FROM tasks WHERE status <> 4 AND EXISTS
             (SELECT 1 FROM effects WHERE task = id AND effects.attempt = tasks.attempt AND step = ?1)
         AND NOT EXISTS (SELECT 1 FROM attempts WHERE task = id AND outcome = 'interrupted'
             AND attempts.attempt = tasks.attempt)",
    ),
    (
        "a step of a completed task is missing",
        "SELECT id FROM tasks JOIN payloads ON payloads.task = id
         WHERE status = 4 AND json_extract(params, '$.deed') = 'steps'
             AND (SELECT count(DISTINCT step) FROM effects WHERE effects.task = id AND step BETWEEN 1 AND ?2) <> ?2",
    ),
    (
        "a step was done again after its checkpoint, without a crash between",
        "SELECT task FROM effects WHERE step BETWEEN 1 AND ?2 GROUP BY task, step
         HAVING count(*) > 1 + (SELECT count(*) FROM attempts
             WHERE attempts.task = effects.task AND outcome = 'interrupted')",
    ),
    (
        "a body ran whose attempt is not recorded",
        "SELECT DISTINCT effects.task FROM effects LEFT JOIN attempts USING (task, attempt)
         WHERE attempts.task IS NULL",
    ),
    (
        "a body was begun twice under one claim",
        "SELECT task FROM effects WHERE step = 0 GROUP BY task, attempt HAVING count(*) > 1",
    ),
    (
        "what may run once was begun twice",
        "SELECT id FROM tasks WHERE at_most_once AND attempt > 1",
    ),
    (
        "a task ran before what it runs after had completed",
        "SELECT tasks.id FROM dependencies JOIN tasks ON tasks.id = dependencies.task
             JOIN tasks AS first ON first.id = after
         WHERE CASE first.status WHEN 4 THEN tasks.started_at < first.ended_at OR NOT done
                                 ELSE tasks.status <> 5 OR tasks.attempt > 0 END",
    ),
    (
        "a completed parent has not two ended children",
        "SELECT id FROM tasks JOIN payloads ON payloads.task = id
         WHERE status = 4 AND json_extract(params, '$.deed') = 'family'
             AND (SELECT count(*) FROM tasks AS child WHERE child.parent = tasks.id AND +child.status = 4) <> 2",
    ),
    (
        "a counter is not what a recount gives",
        "SELECT x'' FROM (SELECT queue, kind, status, n FROM counts WHERE n <> 0
             EXCEPT SELECT queue, kind, status, count(*) FROM tasks GROUP BY 1, 2, 3)
         UNION ALL SELECT x'' FROM (SELECT queue, kind, status, count(*) FROM tasks GROUP BY 1, 2, 3
             EXCEPT SELECT queue, kind, status, n FROM counts)",
    ),
    ("a session was left behind", "SELECT id FROM sessions"),
];

pub(super) fn check(folder: &Path) -> Found {
    let conn = Connection::open(folder.join("deck.db")).unwrap();
    let whole: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let effects = folder.join("effects.db");
    conn.execute("ATTACH ?1 AS other", [effects.to_str().unwrap()]).unwrap();
    conn.execute_batch("CREATE INDEX IF NOT EXISTS other.effects_task ON effects (task, attempt, step)")
        .unwrap();
    let mut faults = Vec::new();
    for (fault, sql) in FAULTS {
        let mut select = conn.prepare(sql).unwrap();
        for (name, value) in [("?1", DONE), ("?2", STEPS)] {
            if let Some(index) = select.parameter_index(name).unwrap() {
                select.raw_bind_parameter(index, value).unwrap();
            }
        }
        let mut rows = select.raw_query();
        while let Some(row) = rows.next().unwrap() {
            let id: Vec<u8> = row.get(0).unwrap();
            let what =
                "SELECT 'status ' || status || ', attempt ' || attempt || ', tries ' || tries FROM tasks
                WHERE id = ?1";
            let what: String = conn.query_row(what, [&id], |row| row.get(0)).unwrap_or_default();
            faults.push(format!("{fault}: {} ({what})", uuid::Uuid::from_slice(&id).unwrap_or_default()));
        }
    }
    let acknowledged = acknowledged(folder);
    let mut exists = conn.prepare("SELECT 1 FROM tasks WHERE id = ?1 AND status >= 4").unwrap();
    for id in &acknowledged {
        if !exists.exists([id.as_bytes()]).unwrap() {
            faults.push(format!("an acknowledged start was lost: {id}"));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults[..faults.len().min(20)].join("\n"));
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    Found {
        tasks: count("SELECT count(*) FROM tasks"),
        acknowledged: acknowledged.len(),
        interrupted_attempts: count("SELECT count(*) FROM attempts WHERE outcome = 'interrupted'"),
    }
}

fn acknowledged(folder: &Path) -> HashSet<uuid::Uuid> {
    let text = std::fs::read_to_string(folder.join("acknowledged")).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let ids: HashSet<_> = lines.iter().map(|line| line.parse().unwrap()).collect();
    assert_eq!(ids.len(), lines.len(), "two starts were answered with one id");
    ids
}

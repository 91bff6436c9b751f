-- A million tasks: most have ended, 60,000 are queued in three lanes and 100,000 more for workers of a newer version,
-- some wait for a time, a few run.
INSERT INTO taskdeck.tasks (id, kind, kind_version, queue, priority, label, tags, created_at, status, version,
    attempt, tries, max_tries, at_most_once, queued_at, scheduled_at, session, token, started_at, ended_at,
    expires_at, partition, batch)
SELECT lpad(to_hex(n), 32, '0')::uuid, (ARRAY['sample', 'other', 'third'])[1 + n % 3],
    CASE WHEN n % 100 BETWEEN 50 AND 59 THEN 2 ELSE 1 END, 'default', 0,
    'task ' || n, CASE WHEN n % 100 = 0 THEN '["nightly"]' END, 1700000000000 - 1000000 + n, status, 3,
    1, 0, 3, false, CASE WHEN status = 1 THEN 1700000000000 END,
    CASE WHEN status = 0 THEN 1700000000000 + n END,
    CASE WHEN status = 2 THEN '00000000-0000-0000-0000-000000000001'::uuid END,
    CASE WHEN status = 2 THEN n END, 1700000000000,
    CASE WHEN status > 3 THEN 1700000000000 END, CASE WHEN n % 1000 = 1 AND status = 1 THEN 1800000000000 END,
    'p' || n % 50, CASE WHEN n % 50 = 7 THEN lpad(to_hex(n / 5000), 32, '0')::uuid END
FROM (SELECT n, CASE WHEN n % 100 < 6 OR n % 100 BETWEEN 50 AND 59 THEN 1 WHEN n % 1000 = 10 THEN 0 WHEN n % 50000 = 11 THEN 2
        WHEN n % 20 = 12 THEN 5 ELSE 4 END AS status
    FROM generate_series(1, 1000000) AS n) AS numbers;
INSERT INTO taskdeck.payloads (task, params) SELECT id, '{}' FROM taskdeck.tasks;
INSERT INTO taskdeck.attempts (task, attempt, started_at, ended_at, outcome)
    SELECT id, 1, 0, 0, 'completed' FROM taskdeck.tasks WHERE status = 4;
INSERT INTO taskdeck.log_chunks (task, first_seq, last_seq, lines)
    SELECT id, 1, 1, '[]' FROM taskdeck.tasks WHERE status > 3;
INSERT INTO taskdeck.notices (task, seq, at, text) SELECT id, 1, 0, 'x' FROM taskdeck.tasks WHERE status = 4;
INSERT INTO taskdeck.questions (task, key, question, asked_at)
    SELECT id, 'x', '{}', 0 FROM taskdeck.tasks WHERE status = 4;
INSERT INTO taskdeck.dependencies (after, task, done)
    SELECT id, id, true FROM taskdeck.tasks WHERE status = 4 AND kind = 'sample';
INSERT INTO taskdeck.task_files (task, role, name, file)
    SELECT id, 0, 'file', id FROM taskdeck.tasks WHERE status = 4 AND kind = 'other';
INSERT INTO taskdeck.counts (queue, kind, status, n)
    SELECT queue, kind, status, count(*) FROM taskdeck.tasks GROUP BY queue, kind, status;

INSERT INTO taskdeck.files (id, name, size, media_type, created_at)
    SELECT file, 'rows.csv', 3, 'text/csv', 1600000000000 FROM taskdeck.task_files;
INSERT INTO taskdeck.file_chunks (file, n, bytes)
    SELECT f.id, n, 'abc' FROM taskdeck.files f, generate_series(0, 2) AS n;
-- Uploads that no task came for, and bytes that never became a file: between the others.
INSERT INTO taskdeck.files (id, name, size, media_type, created_at)
    SELECT (lpad(to_hex(n), 31, '0') || 'a')::uuid, 'loose.csv', 3, 'text/csv', 1600000000000
    FROM generate_series(1, 300) AS n ON CONFLICT DO NOTHING;
INSERT INTO taskdeck.file_chunks (file, n, bytes)
    SELECT (lpad(to_hex(n), 31, '0') || 'b')::uuid, 0, 'abc' FROM generate_series(1, 300) AS n
    ON CONFLICT DO NOTHING;
INSERT INTO taskdeck.live (task, token, progress, label, version, tick)
    SELECT id, 1, '{}', label, 1, 1 FROM taskdeck.tasks WHERE status IN (1, 2);
INSERT INTO taskdeck.batches (id, created_at, total)
    SELECT DISTINCT batch, 0, 100 FROM taskdeck.tasks WHERE batch IS NOT NULL;
INSERT INTO taskdeck.batch_counts (batch, status, n)
    SELECT batch, status, count(*) FROM taskdeck.tasks WHERE batch IS NOT NULL GROUP BY 1, 2;
-- Three kinds for 14 days, and what is not folded yet: more than a fold takes at once.
INSERT INTO taskdeck.rollups (minute, kind, started, begun, completed, failed, cancelled, interrupted, wait, run)
    SELECT 28333333 - n, kind, 1, 1, 1, 0, 0, 0, '', '' FROM generate_series(0, 14 * 24 * 60) AS n,
        (VALUES ('sample'), ('other'), ('third')) AS kinds (kind);
INSERT INTO taskdeck.count_deltas (queue, kind, status, n)
    SELECT 'default', 'sample', 4, 0 FROM generate_series(1, 21000);
INSERT INTO taskdeck.batch_deltas (batch, status, n)
    SELECT batch, 4, 0 FROM taskdeck.tasks WHERE batch IS NOT NULL;
INSERT INTO taskdeck.rollup_deltas (minute, kind, started, begun, completed, failed, cancelled, interrupted, wait, run)
    SELECT 28333333 - n / 10, 'sample', 1, 0, 0, 0, 0, 0, '', '' FROM generate_series(1, 21000) AS n;
ANALYZE;

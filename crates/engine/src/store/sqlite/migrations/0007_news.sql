-- What a user may want to hear of: which of their tasks ended last, and what their tasks told. An ending of a task that
-- nobody in particular started, or that a task started, is in no index for it.

ALTER TABLE notices ADD COLUMN user TEXT;
UPDATE notices SET user = (SELECT user FROM tasks WHERE id = notices.task);
CREATE INDEX notices_user ON notices (user, at) WHERE user IS NOT NULL;
CREATE INDEX tasks_news ON tasks (user, ended_at) WHERE ended_at IS NOT NULL AND user IS NOT NULL AND parent IS NULL;

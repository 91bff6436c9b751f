-- What a user may want to hear of: which of their tasks ended last, and what their tasks told. An ending of a task that
-- nobody in particular started, or that a task started, is in no index for it.

ALTER TABLE taskdeck.notices ADD COLUMN user_id text COLLATE "C";
UPDATE taskdeck.notices n SET user_id = t.user_id FROM taskdeck.tasks t WHERE t.id = n.task;
CREATE INDEX notices_user ON taskdeck.notices (user_id, at) WHERE user_id IS NOT NULL;
CREATE INDEX tasks_news ON taskdeck.tasks (user_id, ended_at)
    WHERE ended_at IS NOT NULL AND user_id IS NOT NULL AND parent IS NULL;

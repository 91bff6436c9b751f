-- A batch goes with the last of its tasks; those that are empty already go now.
DELETE FROM batch_counts WHERE n = 0;
DELETE FROM batches WHERE NOT EXISTS (SELECT 1 FROM tasks WHERE tasks.batch = batches.id);

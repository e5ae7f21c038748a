-- A tombstone bears the newest event that the log has given out, and not the newest that its person still has: that one
-- may have been deleted meanwhile, with another errand. A client that had seen it was not told of the removal.
DROP TRIGGER removed_leaves_tombstone;
CREATE TRIGGER removed_leaves_tombstone AFTER INSERT ON removed WHEN new.kind = 'task' BEGIN
  INSERT INTO tombstones (user_id, task_id, event_id)
    SELECT user_id, id, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) FROM tasks WHERE id = new.id;
END;

-- Those of before may bear a number that is too low. Whoever connects next is told of them again, which changes nothing
-- for who knows already.
UPDATE tombstones SET event_id = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), event_id);

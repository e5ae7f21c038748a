-- Full-text search over tasks. The triggers keep it in step in the transaction that changes the task. The index holds no
-- copy of the text. `owner` is the user's id as a word: a search reads only what belongs to that user.
CREATE TABLE searchable (
  id INTEGER PRIMARY KEY, -- the rowid in `search`; ascends with the task's age
  task_id TEXT NOT NULL UNIQUE REFERENCES tasks (id) ON DELETE CASCADE
) STRICT;
CREATE VIRTUAL TABLE search USING fts5 (
  owner, prompt, title, summary, repository,
  content = '', contentless_delete = 1, prefix = '2 3', tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO searchable (task_id) SELECT id FROM tasks ORDER BY id;
INSERT INTO search (rowid, owner, prompt, title, summary, repository)
  SELECT searchable.id, user_id, prompt, title, CASE WHEN json_valid(result) THEN json_extract(result, '$.summary') END, repo_url
  FROM searchable JOIN tasks ON tasks.id = task_id;

CREATE TRIGGER tasks_searchable_on_insert AFTER INSERT ON tasks BEGIN
  INSERT INTO searchable (task_id) VALUES (new.id);
  INSERT INTO search (rowid, owner, prompt, title, summary, repository)
    SELECT id, new.user_id, new.prompt, new.title, CASE WHEN json_valid(new.result) THEN json_extract(new.result, '$.summary') END, new.repo_url
    FROM searchable WHERE task_id = new.id;
END;
CREATE TRIGGER tasks_searchable_on_update AFTER UPDATE OF prompt, title, result, repo_url ON tasks
WHEN (old.prompt, old.title, old.result, old.repo_url) IS NOT (new.prompt, new.title, new.result, new.repo_url) BEGIN
  DELETE FROM search WHERE rowid = (SELECT id FROM searchable WHERE task_id = new.id);
  INSERT INTO search (rowid, owner, prompt, title, summary, repository)
    SELECT id, new.user_id, new.prompt, new.title, CASE WHEN json_valid(new.result) THEN json_extract(new.result, '$.summary') END, new.repo_url
    FROM searchable WHERE task_id = new.id;
END;
-- Before: after it the foreign key has deleted the row that names the rowid.
CREATE TRIGGER tasks_searchable_on_delete BEFORE DELETE ON tasks BEGIN
  DELETE FROM search WHERE rowid = (SELECT id FROM searchable WHERE task_id = old.id);
  DELETE FROM searchable WHERE task_id = old.id;
END;

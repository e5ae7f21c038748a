-- The search finds an errand by each of its repositories. Those beside the first are added after the task.
DROP TRIGGER tasks_searchable_on_update;
CREATE TRIGGER tasks_searchable_on_update AFTER UPDATE OF prompt, title, result, repo_url ON tasks
WHEN (old.prompt, old.title, old.result, old.repo_url) IS NOT (new.prompt, new.title, new.result, new.repo_url) BEGIN
  DELETE FROM search WHERE rowid = (SELECT id FROM searchable WHERE task_id = new.id);
  INSERT INTO search (rowid, owner, prompt, title, summary, repository)
    SELECT id, new.user_id, new.prompt, new.title, CASE WHEN json_valid(new.result) THEN json_extract(new.result, '$.summary') END,
      concat_ws(' ', new.repo_url, (SELECT group_concat(repo_url, ' ') FROM task_repositories WHERE task_id = new.id))
    FROM searchable WHERE task_id = new.id;
END;
CREATE TRIGGER task_repositories_searchable AFTER INSERT ON task_repositories BEGIN
  DELETE FROM search WHERE rowid = (SELECT id FROM searchable WHERE task_id = new.task_id);
  INSERT INTO search (rowid, owner, prompt, title, summary, repository)
    SELECT searchable.id, user_id, prompt, title, CASE WHEN json_valid(result) THEN json_extract(result, '$.summary') END,
      concat_ws(' ', repo_url, (SELECT group_concat(repo_url, ' ') FROM task_repositories WHERE task_id = new.task_id))
    FROM searchable JOIN tasks ON tasks.id = searchable.task_id WHERE searchable.task_id = new.task_id;
END;

DELETE FROM search WHERE rowid IN (SELECT id FROM searchable JOIN task_repositories USING (task_id));
INSERT INTO search (rowid, owner, prompt, title, summary, repository)
  SELECT searchable.id, user_id, prompt, title, CASE WHEN json_valid(result) THEN json_extract(result, '$.summary') END,
    concat_ws(' ', repo_url, (SELECT group_concat(repo_url, ' ') FROM task_repositories WHERE task_id = tasks.id))
  FROM searchable JOIN tasks ON tasks.id = searchable.task_id
  WHERE tasks.id IN (SELECT task_id FROM task_repositories);

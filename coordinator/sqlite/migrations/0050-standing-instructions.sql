-- What the person wants of every errand of the project; null: nothing.
ALTER TABLE projects ADD COLUMN instructions TEXT;

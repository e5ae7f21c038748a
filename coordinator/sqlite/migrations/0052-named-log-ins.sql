-- What the person calls the device of a log-in. Each token takes it over from the one before.
ALTER TABLE refresh_tokens ADD COLUMN name TEXT; -- null: nothing

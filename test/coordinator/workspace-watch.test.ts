import test from 'ava';
import { startServer } from '../support/dispatching.ts';
import { holdsWorkspaceBound, WORKSPACE_BYTES_MAX } from '../support/full-workspace.ts';

test('an errand whose workspace outgrows its bound fails alone, and the workspace goes', async (t) => {
  await holdsWorkspaceBound(t, await startServer(t, { workspace_bytes_max: WORKSPACE_BYTES_MAX }));
});

import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { addTask, addUser, type Server } from './dispatching.ts';
import { until } from './until.ts';

/** The limit of a workspace in these tests, in bytes. */
export const WORKSPACE_BYTES_MAX = 50 * 1024 * 1024;

/** Checks that a task which exceeds its workspace limit fails alone, and that its workspace is removed. */
export async function assertWorkspaceLimit(t: ExecutionContext, server: Server, prompt = 'fill'): Promise<void> {
  const user = addUser(server.db);
  const other = addTask(server.db, user, { prompt: 'listen' });
  const filler = addTask(server.db, user, { prompt });
  server.dispatcher.wake();
  for (const { id } of [other, filler]) await server.reaches(id, 'running');
  const workspace = server.workspaces.path(server.task(filler.id).workspace ?? '');
  t.true(existsSync(workspace));
  // A short disk triggers the measurement at once.
  server.gate.set('disk', 'The disk is short.');
  const failed = await server.reaches(filler.id, 'failed', 60_000);
  t.like(failed, { reason: 'workspace_full', workspace: null });
  t.regex(failed.detail ?? '', /^The workspace has grown to \d+ MB; the server allows 50 MB\.$/);
  await until('the workspace is removed', () => !existsSync(workspace));
  await until('its place is free', () => server.dispatcher.workers.at_work === 1);
  t.is(server.task(other.id).status, 'running');
  server.say(other.id, 'go on');
  await server.reaches(other.id, 'succeeded');
  t.is(server.attempts(other.id).length, 1);
}

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  buildAssignment,
  requireTranscriptFits,
  type AssignmentDependencies,
} from '../../../coordinator/tasks/assignment.ts';
import { checkWith } from '../../../coordinator/base/check-body.ts';
import { ThreadPool } from '../../../coordinator/base/threads.ts';
import { WITHOUT_MEDIA, withoutMedia } from '../../../coordinator/tasks/without-media.ts';
import { insertAttempt } from '../../../coordinator/sqlite/attempts.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { insertEvents } from '../../../coordinator/sqlite/events.ts';
import { insertTaskPush } from '../../../coordinator/sqlite/task-pushes.ts';
import { insertMessage, markMessageTakenIn } from '../../../coordinator/sqlite/messages.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Assignment } from '../../../protocol/worker-schemas.ts';
import { CountingThreads } from '../../support/counting-threads.ts';
import { addTask, addUser, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { readAssignment } from '../../support/read-assignment.ts';

async function openWithTask(t: ExecutionContext) {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  const threads = new CountingThreads();
  t.teardown(async () => {
    await threads.close();
    db.close();
  });
  const deps: AssignmentDependencies = {
    db,
    settings: () => ({
      env: { NPM_TOKEN: 'x' },
      egress: 'registries',
      author: { name: 'Errand', email: 'errand@example.org' },
    }),
    issueToken: async (task_id, n) => `token of ${task_id}/${n}`,
    time_limit_ms: 60_000,
    park_after_ms: 60_000,
    pace: LIMITS,
    threads,
  };
  return { deps, threads, task: addTask(db, addUser(db), { prompt: 'mend it' }) };
}

function addAttempt(db: Db, task_id: string, n: number, last_seq: number): void {
  insertAttempt(db, {
    task_id,
    n,
    status: 'failed',
    reason: null,
    detail: null,
    runner: 'process',
    worker: `errand-000000000${n}`,
    warm: false,
    last_seq,
    setup_command: 'npm ci',
    verify_command: 'npm test',
    started_at: time(),
    ended_at: null,
  });
}

function addEvent(db: Db, task: TaskRow, attempt: number, seq: number | null, type: string, body: unknown): void {
  const { id: task_id, user_id } = task;
  insertEvents(db, [{ task_id, user_id, attempt, seq, type, at: time(), body: JSON.stringify(body) }]);
}

test('the first assignment is complete and has an empty transcript', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 0);
  const assignment = await readAssignment(deps, task.id, 1);
  t.deepEqual(Assignment.parse(assignment), assignment);
  t.like(assignment, {
    contract_version: 1,
    token: `token of ${task.id}/1`,
    prompt: 'mend it',
    branch_prefix: `errand/${task.id}-`,
    verify_command: 'npm test',
    transcript: [],
    messages: [],
  });
  t.false('known' in assignment);
});

test('a later attempt gets the transcript of all attempts, in order, and the last acknowledged seq', async (t) => {
  const { deps, task } = await openWithTask(t);
  for (const [n, last_seq] of [
    [1, 4],
    [2, 1],
    [3, 0],
    [4, 0],
  ] as const)
    addAttempt(deps.db, task.id, n, last_seq);
  addEvent(deps.db, task, 1, 1, 'agent.started', {});
  addEvent(deps.db, task, 1, 2, 'conversation.started', { system: 's' });
  addEvent(deps.db, task, 1, null, 'usage.updated', {});
  addEvent(deps.db, task, 1, 3, 'turn.started', { turn: 1 });
  addEvent(deps.db, task, 1, 4, 'turn.finished', { turn: 1 });
  addEvent(deps.db, task, 2, 1, 'input.added', { text: 'go on' });
  const assignment = await readAssignment(deps, task.id, 4);
  t.deepEqual(Assignment.parse(assignment), assignment);
  t.deepEqual(assignment.transcript, [
    { attempt: 1, type: 'conversation.started', body: { system: 's' } },
    { attempt: 1, type: 'turn.finished', body: { turn: 1 } },
    { attempt: 2, type: 'input.added', body: { text: 'go on' } },
  ]);
  // Attempt 3 never called.
  t.deepEqual(assignment.known, { attempt: 2, last_seq: 1 });
});

test('a worker that restarts within an attempt gets the events that the attempt reported', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 1);
  addEvent(deps.db, task, 1, 1, 'turn.finished', { turn: 1 });
  const { transcript, known } = await readAssignment(deps, task.id, 1);
  t.deepEqual(transcript, [{ attempt: 1, type: 'turn.finished', body: { turn: 1 } }]);
  t.deepEqual(known, { attempt: 1, last_seq: 1 });
});

test('messages that are already in the conversation are not sent again', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 0);
  const [taken_in, pending] = [newId(), newId()];
  for (const id of [taken_in, pending])
    insertMessage(deps.db, { id, task_id: task.id, text: `this is ${id}`, created_at: '2026-01-01T00:00:00.000Z' });
  markMessageTakenIn(deps.db, task.id, taken_in, time());
  const { messages } = await readAssignment(deps, task.id, 1);
  t.deepEqual(messages, [
    { id: pending, text: `this is ${pending}`, at: '2026-01-01T00:00:00.000Z', hear: 'next_call' },
  ]);
});

const TOO_LONG: Record<string, (count_max: number) => { count: number; text: string }> = {
  'of long events': () => ({ count: 40, text: 'x'.repeat(LIMITS.transcript_bytes_max / 32) }),
  'of characters of three bytes': () => ({ count: 40, text: '€'.repeat(LIMITS.transcript_bytes_max / 96) }),
  'of many short events': (count_max) => ({ count: count_max, text: '' }),
};

for (const [what, lengthOf] of Object.entries(TOO_LONG))
  test(`a transcript ${what} above the size limit is refused with an explanation`, async (t) => {
    const { deps, task } = await openWithTask(t);
    addAttempt(deps.db, task.id, 1, 40);
    addAttempt(deps.db, task.id, 2, 0);
    const { count, text } = lengthOf(LIMITS.transcript_bytes_max / 100);
    deps.db.transaction(() => {
      for (let seq = 1; seq <= count; seq++) addEvent(deps.db, task, 1, seq, 'tool.finished', { text });
    })();
    await t.throwsAsync(buildAssignment(deps, task.id, 2), { code: 'too_large', message: /is too long to continue/ });
  });

test('a transcript that is too long only by its pictures is given without them', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 40);
  addAttempt(deps.db, task.id, 2, 0);
  const data = 'A'.repeat(LIMITS.transcript_bytes_max / 36);
  const source = { type: 'base64', media_type: 'image/png', data };
  const said = { type: 'text', text: 'shot.png:' };
  for (let seq = 1; seq <= 39; seq++)
    addEvent(deps.db, task, 1, seq, 'tool.finished', { turn: seq, content: [said, { type: 'image', source }] });
  const whole = { turn: 40, content: [{ type: 'tool_use', input: { type: 'image', source: { type: 'base64' } } }] };
  addEvent(deps.db, task, 1, 40, 'turn.finished', whole);
  const { transcript } = await readAssignment(deps, task.id, 2);
  t.is(transcript.length, 40);
  t.like(transcript[0], {
    type: 'tool.finished',
    body: {
      turn: 1,
      content: [
        said,
        { type: 'text', text: '[an image that is left out here: look at it again if you still need it]' },
      ],
    },
  });
  t.deepEqual(transcript.at(-1)?.body, whole);
  await t.notThrowsAsync(requireTranscriptFits(deps, task.id, 2));
});

const BASE64 = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
const AT_URL = { type: 'url', url: 'https://forge.test/a.png' };

/** What takes the place of a block in an event that has base64; undefined: it stays as it is. */
const BLOCKS: [block: { type: string; source: unknown; text?: string }, words: RegExp | undefined][] = [
  [{ type: 'image', source: BASE64 }, /^\[an image /],
  [{ type: 'document', source: BASE64 }, /^\[a document /],
  [{ type: 'image', source: AT_URL }, undefined],
  [{ type: 'image', source: 1 }, undefined],
  [{ type: 'constructor', source: BASE64, text: 'kept' }, undefined],
  [{ type: '__proto__', source: BASE64, text: 'kept' }, undefined],
];

for (const type of ['conversation.started', 'tool.finished', 'input.added'])
  test(`only an image or document in base64 is left out of ${type}`, async (t) => {
    const body = JSON.stringify({ turn: 1, content: BLOCKS.map(([block]) => block) });
    const run = checkWith(new ThreadPool(), { key: '', charge: () => undefined });
    const [row] = await withoutMedia([{ attempt: 1, type, body }], run);
    const { turn, content } = JSON.parse(row?.body ?? '') as { turn: number; content: { text?: string }[] };
    t.is(turn, 1);
    for (const [i, [block, words]] of BLOCKS.entries())
      if (words === undefined) t.deepEqual(content[i], block);
      else t.regex(content[i]?.text ?? '', words);
  });

test('a transcript that is too long is read for its pictures in threads, a page at a time, whatever is in it', async (t) => {
  const { deps, threads, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 40);
  addAttempt(deps.db, task.id, 2, 0);
  const content = [{ type: 'image', source: BASE64 }, ...Array.from({ length: 240_000 }, () => 0)];
  const text = 'x'.repeat(LIMITS.transcript_bytes_max / 32);
  for (let seq = 1; seq <= 40; seq++)
    if (seq <= 4) addEvent(deps.db, task, 1, seq, 'tool.finished', { turn: seq, content });
    else addEvent(deps.db, task, 1, seq, 'turn.finished', { turn: seq, text });
  await t.throwsAsync(buildAssignment(deps, task.id, 2), { code: 'too_large', message: /is too long to continue/ });
  t.deepEqual(
    threads.jobs.map(({ name, key }) => [name, key]),
    [
      [WITHOUT_MEDIA.name, task.id],
      [WITHOUT_MEDIA.name, task.id],
    ],
  );
});

test('stored bodies are in the assignment as they are, however they are written', async (t) => {
  const { deps, task } = await openWithTask(t);
  const { id: task_id, user_id } = task;
  addAttempt(deps.db, task.id, 1, 2);
  const bodies = ['{ "turn" : 1.0 }', '{"turn":2,"turn":3}'];
  const rows = bodies.map((body, i) => ({ attempt: 1, seq: i + 1, type: 'turn.finished', at: time(), body }));
  insertEvents(
    deps.db,
    rows.map((row) => ({ ...row, task_id, user_id })),
  );
  const { json } = await buildAssignment(deps, task.id, 1);
  const texts = bodies.map((body) => `{"attempt":1,"type":"turn.finished","body":${body}}`);
  t.true(json.toString('utf8').endsWith(`,"transcript":[${texts.join()}]}`));
});

test('a long transcript is read in parts, without what is stored meanwhile, and other work goes on between them', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 6_000);
  deps.db.transaction(() => {
    for (let seq = 1; seq <= 6_000; seq++)
      addEvent(deps.db, task, 1, seq, seq % 3 === 0 ? 'turn.finished' : 'log', { turn: seq });
  })();
  const built = readAssignment(deps, task.id, 1);
  let turns = 0;
  const work = () => {
    if (turns++ === 0) addEvent(deps.db, task, 1, 6_001, 'turn.finished', { turn: 6_001 });
    next = setImmediate(work);
  };
  let next = setImmediate(work);
  const { transcript } = await built;
  clearImmediate(next);
  t.deepEqual(
    transcript.map(({ body }) => body),
    Array.from({ length: 2_000 }, (_, i) => ({ turn: 3 * (i + 1) })),
  );
  t.true(turns >= 2);
});

test('a transcript just below the size limit fits into an assignment', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 30);
  addAttempt(deps.db, task.id, 2, 0);
  const text = 'x'.repeat(LIMITS.transcript_bytes_max / 32);
  for (let seq = 1; seq <= 31; seq++) addEvent(deps.db, task, 1, seq, 'tool.finished', { text });
  const assignment = await readAssignment(deps, task.id, 2);
  t.is(assignment.transcript.length, 31);
  t.true(Buffer.byteLength(JSON.stringify(assignment)) < LIMITS.assignment_bytes_max);
});

test('each assignment of an errand that wants a plan first says so, and no other does', async (t) => {
  const { deps, task } = await openWithTask(t);
  const planned = addTask(deps.db, task.user_id, { plan_first: true });
  for (const { id } of [task, planned]) addAttempt(deps.db, id, 1, 0);
  addAttempt(deps.db, planned.id, 2, 0);
  t.false('plan_first' in (await readAssignment(deps, task.id, 1)));
  for (const n of [1, 2]) t.true((await readAssignment(deps, planned.id, n)).plan_first);
});

test('an attempt that does not exist has no assignment', async (t) => {
  const { deps, task } = await openWithTask(t);
  await t.throwsAsync(buildAssignment(deps, task.id, 1), { code: 'not_found' });
});

test('an assignment says whether an attempt has begun a push, as a success is judged by it', async (t) => {
  const { deps, task } = await openWithTask(t);
  addAttempt(deps.db, task.id, 1, 0);
  t.is((await readAssignment(deps, task.id, 1)).has_pushed, false);
  const pushed = { ref: `refs/heads/${task.branch}`, commit: 'a'.repeat(40), kept: [] };
  insertTaskPush(deps.db, { task_id: task.id, key: null }, pushed);
  addAttempt(deps.db, task.id, 2, 0);
  t.true((await readAssignment(deps, task.id, 2)).has_pushed);
});

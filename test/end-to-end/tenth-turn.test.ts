import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ImplementationFn } from 'ava';
import test from 'ava';
import { dockerTest, whyNot } from '../support/docker.ts';
import { ended, eventsOf, startErrand, type WholeErrand } from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import type { MessagesRequest } from '../support/model/server.ts';
import { workerPid } from '../support/processes.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation, turnOf } from './scenario.ts';

const TURNS = 12;
const TENTH = 9;

/** Each turn appends a line to a file; the tenth turn's command runs until its worker is killed. */
const COUNTING = byConversation((request) => {
  const turn = turnOf(request);
  if (turn === TURNS - 1) return { text: 'Count\n\nCounted.' };
  const command = `echo ${turn} >> counted.txt${turn === TENTH ? '; sleep 600' : ''}`;
  return { thinking: `The number is ${turn}.`, tools: [{ name: 'run_command', input: { command } }] };
});

async function kill(runner: 'docker' | 'process', { data_dir, workers }: WholeErrand): Promise<void> {
  const [name = ''] = workers();
  if (runner === 'docker') return void (await promisify(execFile)('docker', ['kill', '--signal', 'KILL', name]));
  process.kill(workerPid(join(data_dir, 'workers'), name), 'SIGKILL');
}

/** The part of a request that decides about a cache hit: all but the cache marks, which may move. */
const bare = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, part: unknown) => (key === 'cache_control' ? undefined : part)));

/** The lines that the commands have written so far, in the only workspace. */
function countedIn(data_dir: string): number[] {
  const workspaces = join(data_dir, 'workspaces');
  const [name = ''] = readdirSync(workspaces);
  const file = join(workspaces, name, 'repo', 'counted.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
}

type Run = (title: string, body: ImplementationFn<[]>) => void;

function tenthTurn(run: Run, runner: 'docker' | 'process'): void {
  run(`${runner}: after a worker is killed in its tenth turn, the next one continues with the eleventh`, async (t) => {
    const whole = await startErrand(t, { runner, model: COUNTING });
    const ann = await whole.person('ann');
    const phone = ann.phone();
    const project_id = await whole.project(ann, 'adder', BROKEN);
    const { id } = await ann.api.call('createTask', { body: { prompt: 'Count', project_id } });
    await phone.until(({ events }) => events.filter(({ type }) => type === 'tool.started').length > TENTH, 60_000);
    // The event is stored before the shell starts: wait until the command has written its line.
    await until('the command has counted', () => countedIn(whole.data_dir).includes(TENTH));
    await kill(runner, whole);

    const done = await ended(ann, id, 90_000);
    t.is(done.status, 'succeeded', done.detail ?? '');
    t.deepEqual(
      done.attempts.map(({ status, reason }) => [status, reason]),
      [
        ['failed', 'worker_lost'],
        ['succeeded', null],
      ],
    );
    const log = await eventsOf(ann, id);
    const finished = log.filter(({ type }) => type === 'turn.finished');
    t.deepEqual(
      finished.map(({ attempt }) => attempt),
      Array.from({ length: TURNS }, (_, turn) => (turn <= TENTH ? 1 : 2)),
    );

    // Each turn was requested once. The request for the eleventh begins with that for the tenth, byte for byte.
    const requests = whole.model.requests.map(({ body }) => body).filter((body) => body !== undefined);
    t.deepEqual(
      requests.map((body) => turnOf(body)),
      [...Array(TURNS).keys()],
    );
    const [tenth, eleventh] = requests.slice(TENTH) as [MessagesRequest, MessagesRequest];
    t.deepEqual(
      bare([eleventh.model, eleventh.system, eleventh.tools]),
      bare([tenth.model, tenth.system, tenth.tools]),
    );
    t.deepEqual(bare(eleventh.messages.slice(0, tenth.messages.length)), bare(tenth.messages));
    const [before, after] = finished.slice(TENTH).map(({ body }) => body['usage'] as Record<string, number>);
    const prompt = (before?.['cache_read_tokens'] ?? 0) + (before?.['cache_write_tokens'] ?? 0);
    t.true((after?.['cache_read_tokens'] ?? 0) >= prompt, `${JSON.stringify(before)} ${JSON.stringify(after)}`);

    // The model learns that the running command was interrupted; the worker does not run it again.
    t.regex(JSON.stringify(eleventh.messages.at(-1)), /Interrupted: the worker died/);
    const counted = await git(join(whole.forge.root, 'adder.git'), 'show', `${done.branch}:counted.txt`);
    t.deepEqual(counted.split('\n').map(Number), [...Array(TURNS - 1).keys()]);
  });
}

const no_docker = await whyNot('errand-agent');
tenthTurn((title, body) => test.serial(title, body), 'process');
tenthTurn((title, body) => dockerTest(title, body, no_docker), 'docker');

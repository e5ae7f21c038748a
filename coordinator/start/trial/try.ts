import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isEnded, SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { setupLink } from '../../auth/setup-code.ts';
import { readConfig } from '../../base/config.ts';
import { createLogger } from '../../base/logger.ts';
import { openClient } from '../../cli/client-command.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { EXIT } from '../../cli/exit.ts';
import { overviewOf } from '../../cli/help.ts';
import { print, printBeside, SERVER_ENDS, type Io } from '../../cli/io.ts';
import { processIo } from '../../cli/process-io.ts';
import { processOutput } from '../../cli/process-output.ts';
import { columnLines } from '../../cli/render/columns.ts';
import type { Line } from '../../cli/render/line.ts';
import { run } from '../../cli/run.ts';
import { ServersFile } from '../../cli/servers-file.ts';
import { priceFaults } from '../../operations/price-table.ts';
import { start, type Errand } from '../start.ts';
import { MORE_SPACE, OTHER_FOLDER, whyFailed } from './failed.ts';
import { whyHeld } from './held.ts';
import { trialConfig } from './trial-config.ts';

/*
 * `npm run try`: starts a server with a throw-away account and data folder, and runs the sample errand to its pushed
 * branch. The server then runs until Ctrl-C, which removes everything.
 */

const EMAIL = 'you@example.org';
const PROMPT = 'Make the tests pass';
/** How long to wait for workers to stop at the end. */
const WORKERS_END_MS = 20_000;

/** Resolves with the exit code. */
async function tryErrand(io: Io, folder: string): Promise<number> {
  const logger = createLogger('silent');
  const { config, notes } = await trialConfig(readConfig(undefined, priceFaults), join(folder, 'data'), logger);
  for (const note of notes) print(io, [[['dim', note]]]);
  const errand = await start(config, { logger });
  try {
    print(io, aboutServer(errand, config.model, io.columns));
    const code = await runUnlessHeld(io, errand);
    if (code !== EXIT.succeeded) return code;
    const [repository = ''] = await readdir(join(config.data_dir, 'samples'));
    print(io, nextSteps(errand.url, io.password ?? '', join(config.data_dir, 'samples', repository)));
    await interrupted(io.signal);
    return EXIT.succeeded;
  } finally {
    print(io, [[], [['dim', 'Stopping the server, and removing its data.']]]);
    await endWorkers(io, config.data_dir);
    await errand.stop();
  }
}

/** Runs the sample, unless the server starts no errand: then it says why, and what to do. */
async function runUnlessHeld(io: Io, errand: Errand): Promise<number> {
  const over = new AbortController();
  const held = new AbortController();
  const ended = AbortSignal.any([io.signal, over.signal]);
  try {
    let faults = await whyHeld(errand.url, ended, { until_ready: true });
    if (!faults) {
      const watched = whyHeld(errand.url, ended, { waits: () => waitsToStart(io) }).then((found) => {
        faults = found;
        if (found) held.abort(SERVER_ENDS);
      });
      watched.catch(() => undefined);
      const code = await runSample({ ...io, signal: AbortSignal.any([io.signal, held.signal]) }, errand);
      if (!held.signal.aborted) return code;
    }
    print(io, [[], [['red', 'This trial cannot go on, because its server starts no errand:']], ...adviceLines(faults)]);
    return EXIT.trouble;
  } catch (error) {
    if (io.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    over.abort();
  }
}

/** Whether the sample errand is still in the queue, or is not even sent. One that has left it may well end. */
async function waitsToStart(io: Io): Promise<boolean> {
  try {
    const [task] = (await (await openClient(io)).call('listTasks', { query: { limit: 1 } })).items;
    return task === undefined || task.status === 'queued';
  } catch {
    // Nobody has signed up yet.
    return true;
  }
}

function adviceLines(faults: ReadonlyMap<string, string> = new Map()): Line[] {
  const lines = [...faults.values()].map((fault): Line => [`  ${fault}`]);
  if (!faults.has('disk'))
    return [...lines, ['  ', ['command', 'npx errand doctor'], ' checks more, and says what to do.']];
  return [...lines, [`The trial keeps its data in ${tmpdir()}. ${MORE_SPACE}:`], ['  ', ['command', OTHER_FOLDER]]];
}

/** Runs the commands that a newcomer would type. */
async function runSample(io: Io, { url, setup_code = '' }: Errand): Promise<number> {
  const type = (argv: string[]): Promise<number> => {
    const typed = argv.map((word) => (word.includes(' ') ? `"${word}"` : word)).join(' ');
    print(io, [[], [['command', `$ npx errand ${typed}`]]]);
    return run(argv, io, COMMANDS, (columns) => overviewOf(COMMANDS, columns));
  };
  for (const argv of [
    ['signup', setupLink(url, setup_code), '--email', EMAIL],
    ['task', PROMPT, '--repo', SAMPLE_REPO_URL, '--follow'],
  ]) {
    const code = await type(argv);
    if (code !== EXIT.succeeded) return code;
  }
  const client = await openClient(io);
  const [task] = (await client.call('listTasks', { query: { limit: 1 } })).items;
  return type(['diff', task?.id ?? '']);
}

function aboutServer({ url, runner, demo }: Errand, model: string, columns: number): Line[] {
  const answers = demo
    ? 'the demo model, a script that only knows the sample; set ANTHROPIC_API_KEY for Claude'
    : `Claude (${model})`;
  const workers = runner === 'docker' ? 'containers without a network' : 'processes of this machine, without isolation';
  const rows: [string, string][] = [
    ['  model', answers],
    ['  workers', workers],
  ];
  return [['A server for this trial: ', ['bold', url]], ...columnLines(rows, columns, 'plain')];
}

function nextSteps(url: string, password: string, repository: string): Line[] {
  return [
    [],
    [['green', 'The sample errand is done'], ', and its branch is pushed. The server still runs: ', ['bold', url]],
    ['To go on, type in another terminal, in this folder:'],
    ['  ', ['command', `export ERRAND_PASSWORD=${password}`]],
    ['  ', ['command', `npx errand login --email ${EMAIL} \\`]],
    ['      ', ['command', `--server ${url}`]],
    ['  ', ['command', 'npx errand tasks']],
    ['  ', ['command', `git -C ${repository} log --all`]],
    ['For a server that keeps its data: ', ['command', 'npm start']],
    [['bold', 'Ctrl-C'], ' stops this one and removes all that it has stored.'],
  ];
}

async function interrupted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** Cancels running tasks, so that no worker outlives the trial. */
async function endWorkers(io: Io, data_dir: string): Promise<void> {
  const deadline = AbortSignal.timeout(WORKERS_END_MS);
  try {
    const client = await openClient({ ...io, signal: deadline });
    const { items } = await client.call('listTasks', { query: { limit: 200 } });
    for (const { id, status } of items) if (!isEnded(status)) await client.call('cancelTask', { params: { id } });
    while ((await readdir(join(data_dir, 'workers'))).length > 0) await delay(100, undefined, { signal: deadline });
  } catch {
    // Nobody had logged in yet, or a worker does not stop in time: the server is stopped anyway.
  }
}

/**
 * An `Io` that keeps its log-in in `folder`. The first signal ends the trial; later ones are ignored, because npm
 * forwards Ctrl-C a second time.
 */
function trialIo(folder: string): Io {
  const ended = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ended.abort(SERVER_ENDS));
  const password = randomBytes(9).toString('base64url');
  return {
    ...processIo(),
    server: undefined,
    token: undefined,
    servers: new ServersFile(folder),
    password,
    signal: ended.signal,
  };
}

let folder: string | undefined;
try {
  folder = await mkdtemp(join(tmpdir(), 'errand-try-'));
  process.exitCode = await tryErrand(trialIo(folder), folder);
} catch (error) {
  const why = whyFailed(error);
  if (why === undefined) throw error;
  printBeside(
    processOutput(),
    why.split('\n').map((line) => [line]),
  );
  process.exitCode = EXIT.trouble;
} finally {
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { addFault, HELP, runCommand } from './commands.ts';
import { serveRepository } from './git.ts';
import { MockCoordinator } from './mock.ts';
import { serveModel } from './model.ts';
import { printTask } from './print.ts';

const USAGE = `npm run mock-coordinator -- [options]
  --repo PATH_OR_URL     the task's repository (errand://sample)
  --prompt TEXT          the task's prompt
  --base BRANCH          the base branch
  --setup COMMAND        run before the work        --verify COMMAND   run after it
  --model NAME           needs ANTHROPIC_API_KEY; without it the demo model is used
  --port N               the port on 127.0.0.1 (8788)
  --socket PATH          listen on a unix socket instead
  --fail CALL:STATUS[:TIMES] --delay CALL:MS[:TIMES] --cut CALL[:TIMES] --lose CALL[:TIMES] --hang CALL[:TIMES]
  --heartbeat-ms N       the heartbeat interval of the worker (10000)
  --all                  also print heartbeats, minor events and streamed text

`;

const { values } = parseArgs({
  options: {
    repo: { type: 'string', default: 'errand://sample' },
    prompt: { type: 'string', default: 'Make the failing test pass.' },
    base: { type: 'string' },
    setup: { type: 'string' },
    verify: { type: 'string' },
    model: { type: 'string' },
    port: { type: 'string', default: '8788' },
    socket: { type: 'string' },
    fail: { type: 'string', multiple: true, default: [] },
    delay: { type: 'string', multiple: true, default: [] },
    cut: { type: 'string', multiple: true, default: [] },
    lose: { type: 'string', multiple: true, default: [] },
    hang: { type: 'string', multiple: true, default: [] },
    'heartbeat-ms': { type: 'string', default: '10000' },
    all: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}${HELP}\n`);
  process.exit(0);
}

const data_dir = await mkdtemp(join(tmpdir(), 'errand-mock-'));
const [repository, model] = await Promise.all([
  serveRepository(values.repo, data_dir),
  serveModel(process.env, values.model),
]);
const mock: MockCoordinator = new MockCoordinator({
  ...(values.socket === undefined ? { port: Number(values.port) } : { socket_path: values.socket }),
  git: repository.proxy,
  llm: model.proxy,
  control: (line) => runCommand(mock, task, line, NO_PUSH),
});
const task = mock.addTask({
  prompt: values.prompt,
  title: values.prompt.slice(0, 80),
  repo_url: repository.repo_url,
  base_branch: values.base ?? null,
  setup_command: values.setup ?? null,
  verify_command: values.verify ?? null,
  model: model.model,
  heartbeat_ms: Number(values['heartbeat-ms']),
});
/** The mock does not call the worker: its next callback returns what is pending. */
const NO_PUSH = { say: () => {}, cancel: () => {} };
for (const kind of ['fail', 'delay', 'cut', 'lose', 'hang'] as const)
  for (const given of values[kind]) addFault(mock, kind, given);
await mock.start();
printTask(task, process.stdout, values.all);
process.stdout.write(`The mock coordinator is listening; the model is ${model.model}. Start a worker with:

  ERRAND_COORDINATOR=${mock.address} \\
  ERRAND_TASK_ID=${task.id} \\
  ERRAND_TASK_TOKEN=${task.token} \\
  ERRAND_WORKSPACE=${join(data_dir, 'workspace')} \\
  npx node agent-container/main.ts

Type help for a list of commands.
`);

const stop = async () => {
  await Promise.all([mock.stop(), repository.close(), model.close()]);
  await rm(data_dir, { recursive: true, force: true });
  process.exit(0);
};
process.once('SIGINT', () => void stop());
process.once('SIGTERM', () => void stop());
createInterface({ input: process.stdin }).on('line', (line) => {
  if (line.trim() === '') return;
  if (line.trim() === 'quit') return void stop();
  runCommand(mock, task, line, NO_PUSH).then(console.log, (error: unknown) =>
    console.log(error instanceof Error ? error.message : error),
  );
});

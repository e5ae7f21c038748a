import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { errorCode } from '../../../coordinator/base/error-code.ts';
import { addFault, runCommand, type Actions } from './commands.ts';
import { readCredential } from './credential.ts';
import { endWork } from './end-work.ts';
import { MockFolders } from './folders.ts';
import { serveRepository, severalOf, type ServedRepository } from './git.ts';
import { MockCoordinator } from './mock.ts';
import { serveModel, type ServedModel } from './model.ts';
import { readOptions } from './options.ts';
import { printTask } from './print.ts';
import { readPushed } from './pushed-branches.ts';
import { containerLine, processLine } from './start-lines.ts';
import type { MockTask } from './task.ts';

/*
 * A mock coordinator for one worker at a time. It prints how to start a worker, and gives each worker that follows
 * another task. It ends with `quit` or a signal: it waits for the worker, and removes its folders.
 */

const values = readOptions();
const credential = readCredential(values, process.env);
const say = (text: string) => void process.stdout.write(`${text}\n`);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

const stopped = new AbortController();
/** Aborts when it is told to stop once more. */
const hurry = new AbortController();
const stop = (): void => (stopped.signal.aborted ? hurry : stopped).abort();
/** A repeat within this time is the same Ctrl-C: the terminal sends it, and npm may forward it too. */
const REPEAT_MS = 1_000;
let signalled_ms = -Infinity;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (performance.now() - signalled_ms > REPEAT_MS) stop();
    signalled_ms = performance.now();
  });

const folders = await MockFolders.make();
let code = 1;
try {
  const repository = await serveRepository(values.repo, folders.dir, credential, values.also);
  const model = await serveModel(process.env, values.model);
  try {
    code = await serve(repository, model);
  } finally {
    await Promise.all([repository.close(), model.close()]);
  }
} catch (error) {
  const is_port = errorCode(error) === 'EADDRINUSE';
  console.error(is_port ? `Port ${values.port} is in use: name another one with --port.` : messageOf(error));
} finally {
  await folders.remove();
}
process.exit(code);

/** Serves until it is told to stop. Returns the exit code. */
async function serve(repository: ServedRepository, model: ServedModel): Promise<number> {
  const mock: MockCoordinator = new MockCoordinator({
    port: Number(values.port),
    socket_path: folders.socket_path,
    git: repository.proxy,
    llm: model.proxy,
    beforeAssignment: async () => {
      const { result } = task.current;
      // The answer goes to the next attempt of the same task.
      if (result?.status === 'parked') task.nextAttempt();
      else if (result !== undefined) await next(task.base.prompt);
    },
    control: (line) => runCommand(mock, task, line, actions),
  });
  const task = addTask(mock, repository, model);
  const next = async (prompt: string) => {
    await folders.emptyWorkspace();
    task.startAnew(prompt);
  };
  /** The mock does not call the worker: its next callback returns what is pending. */
  const actions: Actions = { say: () => {}, cancel: () => {}, next };
  for (const kind of ['fail', 'delay', 'cut', 'lose', 'hang'] as const)
    for (const given of values[kind]) addFault(mock, kind, given);
  createInterface({ input: process.stdin }).on('line', (line) => {
    if (line.trim() === 'quit') stop();
    else if (line.trim() !== '')
      runCommand(mock, task, line, actions).then(say, (error: unknown) => say(messageOf(error)));
  });
  try {
    await mock.start();
    printTask(task, process.stdout, values.all, 'say TEXT');
    task.watch(({ kind }) => {
      if (kind !== 'result') return;
      for (const { place } of [repository, ...repository.others])
        void readPushed(place, task.base.branch_prefix, credential).then(({ words }) => say(words));
    });
    say(greeting({ mock, task, folders }, model));
    if (!stopped.signal.aborted) await once(stopped.signal, 'abort');
    await endWork(mock, task, say, hurry.signal);
    return 0;
  } finally {
    await mock.stop();
  }
}

function addTask(mock: MockCoordinator, repository: ServedRepository, { model }: ServedModel): MockTask {
  const task = mock.addTask({
    prompt: values.prompt,
    title: values.prompt.slice(0, 80),
    repo_url: repository.repo_url,
    base_branch: values.base ?? null,
    setup_command: values.setup ?? null,
    verify_command: values.verify ?? null,
    model,
    heartbeat_ms: Number(values['heartbeat-ms']),
    ...(values['park-after-ms'] !== undefined && { park_after_ms: Number(values['park-after-ms']) }),
    ...severalOf(repository),
  });
  task.tokens.stays = true;
  return task;
}

function greeting(start: Parameters<typeof processLine>[0], { model }: ServedModel): string {
  return `The mock coordinator is listening; the model is ${model}. Start a worker with:

${processLine(start, values.command)}

or in a container:

${containerLine(start, values.image)}

After its result the same command starts a worker for another task; after \`parked\`, for the next attempt of the same
one. Type help for a list of commands.`;
}

import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { buildWorkerImage, isOwnImage } from '../../coordinator/workers/docker/image.ts';
import { DockerRunner } from '../../coordinator/workers/docker/runner.ts';
import { WorkerDirectories, newWorkerName, type Link } from '../../coordinator/workers/worker-directories.ts';
import { ProcessRunner } from '../../coordinator/workers/process/runner.ts';
import type { Runner } from '../../coordinator/workers/runner.ts';
import { postCancel, postMessages, postTask, readHealth } from '../../coordinator/workers/worker-client.ts';
import { carryRepository } from './mock-coordinator/git.ts';
import { MockCoordinator } from './mock-coordinator/mock.ts';
import { carryModel } from './mock-coordinator/model.ts';
import { printTask } from './mock-coordinator/print.ts';
import type { MockTask } from './mock-coordinator/task.ts';

/*
 * One agent against a mock coordinator, with no account and no database: `npm run agent -- --repo URL_OR_PATH --prompt "…"`. Lines that are
 * typed while it works are messages to it; the first Ctrl-C cancels, the second one kills.
 */

const USAGE = `npm run agent -- --repo URL_OR_PATH --prompt TEXT [options]
  --base BRANCH        the base branch
  --setup COMMAND      run before the work        --verify COMMAND   run after it
  --model NAME         with ANTHROPIC_API_KEY set; else it is the demo model
  --budget USD  --turns N
  --docker             in a container            --image NAME   (errand-agent)
  --entry FILE         another worker's program, which this Node runs
  --all                print heartbeats, quiet events, and text as it is written too
`;

const { values } = parseArgs({
  options: {
    repo: { type: 'string' },
    prompt: { type: 'string' },
    base: { type: 'string' },
    setup: { type: 'string' },
    verify: { type: 'string' },
    model: { type: 'string' },
    budget: { type: 'string', default: '5' },
    turns: { type: 'string', default: '150' },
    docker: { type: 'boolean', default: false },
    image: { type: 'string', default: 'errand-agent' },
    entry: { type: 'string', default: fileURLToPath(new URL('../../agent-container/main.ts', import.meta.url)) },
    all: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.repo === undefined || values.prompt === undefined) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
const { repo, prompt } = values;
const START_MS = 60_000;
const LIMITS = { memory_bytes: 1536 * 1024 * 1024, cpus: 2, pids_max: 512 };

const data_dir = await mkdtemp(join(tmpdir(), 'errand-run-'));
let code = 1;
try {
  code = await run(repo, prompt);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  await rm(data_dir, { recursive: true, force: true });
}
process.exit(code);

async function run(repo: string, prompt: string): Promise<number> {
  const repository = await carryRepository(repo, data_dir);
  const model = await carryModel(process.env, values.model);
  const name = newWorkerName();
  const runner = await chooseRunner(name);
  const folders = new WorkerDirectories(data_dir, runner.owner);
  const link = folders.makeLink(name);
  const mock = new MockCoordinator({
    socket_path: link.coordinator_socket,
    git: repository.surface,
    llm: model.surface,
  });
  const task = mock.addTask({
    prompt,
    title: prompt.split('\n')[0]?.slice(0, 80) ?? '',
    repo_url: repository.repo_url,
    base_branch: values.base ?? null,
    setup_command: values.setup ?? null,
    verify_command: values.verify ?? null,
    model: model.model,
    budget_usd: Number(values.budget),
    max_turns: Number(values.turns),
  });
  try {
    await mock.start();
    printTask(task, process.stdout, values.all);
    await runner.start({ ...link, ...LIMITS, workspace_dir: folders.makeWorkspace(name) });
    return await follow(runner, link, task);
  } finally {
    await runner.remove(name);
    await Promise.all([runner.close(), mock.stop(), repository.close(), model.close()]);
  }
}

async function chooseRunner(name: string): Promise<Runner> {
  if (!values.docker)
    return new ProcessRunner({
      workers_dir: join(data_dir, 'workers'),
      entry: resolve(values.entry),
      env: { PATH: process.env.PATH ?? '', HOME: homedir() },
    });
  const { image } = values;
  const docker_host = process.env.DOCKER_HOST;
  const docker = new DockerRunner({ docker_host, image, instance: name, data_dir, logger: pino({ level: 'silent' }) });
  const found = await docker.readAvailability();
  if (found.kind === 'image_missing' && isOwnImage(image)) {
    console.log(`The image ${image} is being built, once.`);
    await buildWorkerImage(docker_host);
  } else if (found.kind !== 'ready') throw new Error(found.fault);
  return docker;
}

/** The task from its hand-over to its end. Gives the exit code: 0 where it succeeded. */
async function follow(runner: Runner, link: Link, task: MockTask): Promise<number> {
  const ended = runner.ended(link.name);
  await Promise.race([
    untilHealthy(link),
    ended.then(({ output }) => Promise.reject(new Error(`The worker did not start: ${output.trim()}`))),
  ]);
  const taken = await postTask(link, task.assignment(), AbortSignal.timeout(START_MS));
  if (taken.status !== 202) throw new Error(`The worker did not take the task: ${taken.status} ${taken.text}`);
  steer(link, task, () => runner.remove(link.name));
  const { exit_code, output } = await ended;
  if (exit_code !== 0) console.error(`The worker ended with ${exit_code}.\n${output}`);
  for (const breach of task.breaches) console.error(`A breach of the contract: ${breach}`);
  return exit_code === 0 && task.current.result?.status === 'succeeded' ? 0 : 1;
}

async function untilHealthy(link: Link): Promise<void> {
  for (const deadline = Date.now() + START_MS; ; await sleep(20)) {
    try {
      await readHealth(link);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** Lines are messages; an interrupt cancels, the second one kills. */
function steer(link: Link, task: MockTask, kill: () => Promise<void>): void {
  const failed = (error: unknown) => console.error(error instanceof Error ? error.message : error);
  createInterface({ input: process.stdin }).on('line', (text) => {
    if (text.trim() !== '') postMessages(link, [task.say(text)]).catch(failed);
  });
  process.once('SIGINT', () => {
    task.cancel('Cancelled at the terminal.');
    postCancel(link, 'Cancelled at the terminal.').catch(failed);
    process.once('SIGINT', () => void kill().catch(failed));
  });
}

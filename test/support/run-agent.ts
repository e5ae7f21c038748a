import { mkdtemp } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { buildWorkerImage, isOwnImage } from '../../coordinator/workers/docker/image.ts';
import { DockerLauncher } from '../../coordinator/workers/docker/launcher.ts';
import type { Launcher } from '../../coordinator/workers/local/launcher.ts';
import { SocketChannel } from '../../coordinator/workers/local/socket-channel.ts';
import { WorkerDirectories } from '../../coordinator/workers/local/worker-directories.ts';
import { ProcessLauncher } from '../../coordinator/workers/process/launcher.ts';
import type { WorkerChannel } from '../../coordinator/workers/runner.ts';
import { postCancel, postMessages, postTask, readHealth } from '../../coordinator/workers/worker-client.ts';
import { newWorkerName } from '../../coordinator/workers/worker-name.ts';
import { removeTree } from '../../coordinator/workers/remove-tree.ts';
import { Workspaces } from '../../coordinator/workers/workspaces.ts';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { CREDENTIAL_OPTIONS, CREDENTIAL_USAGE, readCredential } from './mock-coordinator/credential.ts';
import { serveRepository, severalOf, type ServedRepository } from './mock-coordinator/git.ts';
import { MockCoordinator } from './mock-coordinator/mock.ts';
import { serveModel } from './mock-coordinator/model.ts';
import { printTask } from './mock-coordinator/print.ts';
import { readPushed, unpushedCommit } from './mock-coordinator/pushed-branches.ts';
import type { MockTask } from './mock-coordinator/task.ts';
import { parseOptions } from './parse-options.ts';

/*
 * Runs one agent against a mock coordinator, without an account or a database:
 * `npm run agent -- --repo URL_OR_PATH --prompt "…"`. Typed lines are sent as messages; the first Ctrl-C cancels, the
 * second one kills. At the end it says where the branch is.
 */

const USAGE = `npm run agent -- --repo URL_OR_PATH --prompt TEXT [options]
  --also URL_OR_PATH     a further repository; may be given several times
${CREDENTIAL_USAGE}  --base BRANCH          the base branch
  --setup COMMAND        run before the work        --verify COMMAND   run after it
  --model NAME           needs ANTHROPIC_API_KEY; without it the demo model is used
  --budget USD  --turns N
  --command COMMAND      run another worker, such as "python3 worker.py"
  --docker               run in a container         --image NAME   (errand-agent)
  --all                  also print heartbeats, minor events and streamed text
`;

const values = parseOptions({
  options: {
    ...CREDENTIAL_OPTIONS,
    repo: { type: 'string' },
    also: { type: 'string', multiple: true, default: [] },
    prompt: { type: 'string' },
    base: { type: 'string' },
    setup: { type: 'string' },
    verify: { type: 'string' },
    model: { type: 'string' },
    budget: { type: 'string', default: '5' },
    turns: { type: 'string', default: '150' },
    docker: { type: 'boolean', default: false },
    image: { type: 'string', default: 'errand-agent' },
    command: { type: 'string' },
    all: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || values.repo === undefined || values.prompt === undefined) {
  process.stdout.write(USAGE);
  process.exit(values.help ? 0 : 2);
}
if (values.docker && values.command !== undefined) {
  console.error('--command starts a process, and --docker a container: use one of them.');
  process.exit(2);
}
// Paths are those of the folder in which npm was called.
process.chdir(process.env.INIT_CWD ?? '.');
const { repo, prompt } = values;
const AGENT = fileURLToPath(new URL('../../agent-container/main.ts', import.meta.url));
const START_MS = 60_000;
const LIMITS = { memory_bytes: 1536 * 1024 * 1024, cpus: 2, pids_max: 512 };

const data_dir = await mkdtemp(join(tmpdir(), 'errand-run-'));
// A sample repository with a branch in it outlives this program.
const sample_dir = repo === SAMPLE_REPO_URL ? await mkdtemp(join(tmpdir(), 'errand-sample-')) : data_dir;
const credential = readCredential(values, process.env);
let code = 1;
let keeps_sample = false;
try {
  code = await run(repo, prompt);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
} finally {
  await removeTree(data_dir);
  if (!keeps_sample) await removeTree(sample_dir);
}
process.exit(code);

async function run(repo: string, prompt: string): Promise<number> {
  const repository = await serveRepository(repo, sample_dir, credential, values.also);
  const model = await serveModel(process.env, values.model);
  const name = newWorkerName();
  const launcher = await chooseLauncher(name);
  const { coordinator_dir, coordinator_socket, worker_dir } = new WorkerDirectories(data_dir, launcher.owner).make(
    name,
  );
  const mock = new MockCoordinator({
    socket_path: coordinator_socket,
    git: repository.proxy,
    llm: model.proxy,
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
    ...severalOf(repository),
  });
  try {
    await mock.start();
    printTask(task, process.stdout, values.all, 'a line, typed here');
    const workspace_dir = new Workspaces(data_dir).make(name, launcher.owner);
    const mounts = { coordinator_dir, worker_dir, workspace_dir };
    await launcher.start({ name, image: values.image, limits: LIMITS, labels: {}, mounts });
    const followed = await follow(launcher, new SocketChannel(name, worker_dir), task);
    const unpushed = await findUnpushed(repository, task);
    for (const words of unpushed) console.error(words);
    return unpushed.length === 0 ? followed : 1;
  } finally {
    await launcher.remove(name);
    for (const { place } of [repository, ...repository.others]) {
      const pushed = await readPushed(place, task.base.branch_prefix, credential);
      console.log(pushed.words);
      keeps_sample ||= pushed.branches.length > 0;
    }
    await Promise.all([launcher.close(), mock.stop(), repository.close(), model.close()]);
  }
}

/** What the result names as pushed that the repositories do not have. */
async function findUnpushed({ place, others }: ServedRepository, { current }: MockTask): Promise<string[]> {
  const { result } = current;
  if (!result) return [];
  const outcomes = [{ ...result, place }];
  for (const outcome of result.repositories ?? [])
    outcomes.push({ ...result, ...outcome, place: others.find(({ key }) => key === outcome.key)?.place ?? '' });
  const found = await Promise.all(outcomes.map((each) => unpushedCommit(each.place, each, credential)));
  return found.filter((words) => words !== null);
}

async function chooseLauncher(name: string): Promise<Launcher> {
  const { command, image } = values;
  if (!values.docker)
    return new ProcessLauncher({
      workers_dir: join(data_dir, 'workers'),
      program: command === undefined ? { entry: AGENT } : { command, cwd: process.cwd() },
      env: { PATH: process.env.PATH ?? '', HOME: homedir() },
    });
  const docker_host = process.env.DOCKER_HOST;
  const docker = new DockerLauncher({
    docker_host,
    image,
    instance: name,
    data_dir,
    logger: pino({ level: 'silent' }),
  });
  const found = await docker.readAvailability();
  if (found.kind === 'image_missing' && isOwnImage(image)) {
    console.log(`Building the image ${image}.`);
    const { HTTPS_PROXY = '', HTTP_PROXY = '', NO_PROXY = '' } = process.env;
    await buildWorkerImage(docker_host, { https_proxy: HTTPS_PROXY, http_proxy: HTTP_PROXY, no_proxy: NO_PROXY });
  } else if (found.kind !== 'ready') throw new Error(found.fault);
  return docker;
}

/** Follows the task from its hand-off to its end. Returns the exit code: 0 if it succeeded. */
async function follow(launcher: Launcher, channel: WorkerChannel, task: MockTask): Promise<number> {
  const ended = launcher.ended(channel.worker);
  const kill = () => void launcher.remove(channel.worker).catch(() => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, kill);
  await Promise.race([
    untilHealthy(channel),
    ended.then(({ output }) => Promise.reject(new Error(`The worker did not start: ${output.trim()}`))),
  ]);
  const taken = await postTask(channel, Buffer.from(JSON.stringify(task.assignment())), AbortSignal.timeout(START_MS));
  if (taken.status !== 202) throw new Error(`The worker did not take the task: ${taken.status} ${taken.text}`);
  steer(channel, task, () => launcher.remove(channel.worker));
  const { exit_code, output } = await ended;
  if (exit_code !== 0) console.error(`The worker ended with ${exit_code}.\n${output}`);
  return exit_code === 0 && task.current.result?.status === 'succeeded' ? 0 : 1;
}

async function untilHealthy(channel: WorkerChannel): Promise<void> {
  for (const deadline = Date.now() + START_MS; ; await sleep(20)) {
    try {
      await readHealth(channel);
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** Sends typed lines as messages; the first interrupt cancels, the second one kills. */
function steer(channel: WorkerChannel, task: MockTask, kill: () => Promise<void>): void {
  const failed = (error: unknown) => console.error(error instanceof Error ? error.message : error);
  createInterface({ input: process.stdin }).on('line', (text) => {
    if (text.trim() !== '') postMessages(channel, [task.say(text)]).catch(failed);
  });
  process.once('SIGINT', () => {
    task.cancel('Cancelled at the terminal.');
    postCancel(channel, 'Cancelled at the terminal.').catch(failed);
    process.once('SIGINT', () => void kill().catch(failed));
  });
}

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Address } from '../../agent-container/config.ts';
import { ensureSampleRepository } from '../../coordinator/demo/sample-repository.ts';
import { workerEnvironment } from '../../coordinator/workers/local/launcher.ts';
import type { AssignedRepository } from '../../protocol/repositories.ts';
import { COORDINATOR_SOCKET, WORKER_SOCKET } from '../../protocol/worker.ts';
import { containerOptions, INSIDE } from '../support/container-args.ts';
import { serveRepository, severalOf, type ServedRepository } from '../support/mock-coordinator/git.ts';
import { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { NEW_WORKSPACE } from '../support/mock-coordinator/folders.ts';
import { describeRefusal } from '../support/mock-coordinator/attempt.ts';
import { serveModel, type ServedModel } from '../support/mock-coordinator/model.ts';

/** One running worker, with its own mock coordinator. */
export type RunningWorker = {
  mock: MockCoordinator;
  repo_url: string;
  /** A further repository, for a task that has several. */
  other: AssignedRepository;
  model: string;
  /** Its workspace on this machine; undefined if the suite did not start the worker. */
  workspace_dir: string | undefined;
  /** The address of its HTTP server. */
  address: Address;
  /** The task that it was handed. Over TCP it requires the task's token from then on. */
  handed?: MockTask;
  /** Resolves with the exit code; undefined if the suite did not start the worker. */
  ended: Promise<number | null> | undefined;
  signal: (name: 'SIGTERM' | 'SIGKILL') => void;
  /** Starts another process on the same folders. Call it only once this one has ended. */
  again: () => Promise<RunningWorker>;
};

/**
 * Provides workers until `close`. `more`: further environment variables. `port`: of this machine, where the worker is
 * to listen in place of its socket.
 */
export type WorkerSource = {
  /** `many`: each start gives a new worker. `one`: there is only one worker, for one task. */
  lives: 'one' | 'many';
  /** Whether a worker can listen at a port that is given to `start`. */
  has_ports: boolean;
  start: (more?: Record<string, string>, port?: number) => Promise<RunningWorker>;
  /** Every line of a file on the branches that begin with the prefix, in the further repository if `is_other`. */
  pushed: (branch_prefix: string, file: string, is_other?: boolean) => Promise<string[]>;
  /** Runs git in the repository of the tasks. Rejects if it fails. */
  git: (...args: string[]) => Promise<string>;
  /** What the mocks refused, and the breaches that they noted, since it was asked last. One line each. */
  objections: () => string[];
  close: () => Promise<void>;
};

type Proxies = { repository: ServedRepository; model: ServedModel };
type Started = Pick<RunningWorker, 'ended' | 'signal'>;
type Dirs = { coordinator_dir: string; worker_dir: string; workspace_dir: string };
/** Starts workers on these folders, with further environment variables. `has_ports`: they are on this network. */
type Starter = { has_ports: boolean; run: (dirs: Dirs, more: Record<string, string>) => Started };

/** Workers that the suite starts, each with its own folders, mock and git server. */
export async function startedWorkers(starter: Starter): Promise<WorkerSource> {
  const root = await mkdtemp(join(tmpdir(), 'errand-conformance-'));
  const proxies = await openProxies(root);
  const running: RunningWorker[] = [];
  const run = (dirs: Dirs, mock: MockCoordinator, more: Record<string, string>, port?: number): RunningWorker => {
    const listen = port === undefined ? {} : { ERRAND_LISTEN: `127.0.0.1:${port}` };
    const worker: RunningWorker = {
      mock,
      ...names(proxies),
      workspace_dir: dirs.workspace_dir,
      address:
        port === undefined
          ? { kind: 'unix', path: join(dirs.worker_dir, WORKER_SOCKET) }
          : { kind: 'tcp', host: '127.0.0.1', port },
      ...starter.run(dirs, { ...listen, ...more }),
      again: () => Promise.resolve(run(dirs, mock, more, port)),
    };
    running.push(worker);
    return worker;
  };
  let n = 0;
  return {
    lives: 'many',
    has_ports: starter.has_ports,
    pushed: (...asked) => readPushed(root, ...asked),
    git: gitOf(root),
    objections: objectionsOf(() => running.map(({ mock }) => mock)),
    start: async (more = {}, port?: number) => {
      const dir = join(root, String(++n));
      const dirs = {
        coordinator_dir: join(dir, 'c'),
        worker_dir: join(dir, 'w'),
        workspace_dir: join(dir, 'workspace'),
      };
      const inner = NEW_WORKSPACE.map((name) => join(dirs.workspace_dir, name));
      for (const path of [...Object.values(dirs), ...inner]) {
        await mkdir(path, { recursive: true });
        // In a container the worker runs as another user.
        await chmod(path, 0o777);
      }
      const mock = new MockCoordinator({
        socket_path: join(dirs.coordinator_dir, COORDINATOR_SOCKET),
        ...proxyOptions(proxies),
      });
      await mock.start();
      return run(dirs, mock, more, port);
    },
    close: async () => {
      for (const worker of running) worker.signal('SIGKILL');
      for (const { ended } of running) await ended?.catch(() => undefined);
      await Promise.all([...running.map(({ mock }) => mock.stop()), proxies.repository.close(), proxies.model.close()]);
      await rm(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

/** Starts workers as processes with this command line. */
export function asProcess(command: string[]): Starter {
  const run: Starter['run'] = (dirs, more) => {
    const [program = '', ...args] = command;
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    const env = { PATH, NODE_COMPILE_CACHE, ...workerEnvironment(dirs), ...more };
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    return { ended: exitOf(child), signal: (name) => child.kill(name) };
  };
  return { has_ports: true, run };
}

/** Starts workers as containers without a network, with a read-only root folder and the three folders. */
export function asContainer(image: string): Starter {
  const run: Starter['run'] = (dirs, more) => {
    const name = `errand-conformance-${process.pid}-${Date.now().toString(36)}`;
    const options = containerOptions(dirs, { ...workerEnvironment(INSIDE), ...more });
    const args = ['run', '--name', name, ...options.flat(), image];
    const child = spawn('docker', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const signal = (given: string) => void spawn('docker', ['kill', '--signal', given, name], { stdio: 'ignore' });
    return { ended: exitOf(child), signal };
  };
  return { has_ports: false, run };
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number | null> {
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  // Whoever waits for it is told that it could not be started.
  ended.catch(() => undefined);
  return ended;
}

/**
 * One worker that was started elsewhere and listens at `address`. Its ERRAND_COORDINATOR must be the mock, which
 * listens on `coordinator` (the path of a socket, or a port).
 */
export async function attachedWorker(
  address: Address,
  coordinator: { socket_path: string } | { port: number },
): Promise<WorkerSource> {
  const root = await mkdtemp(join(tmpdir(), 'errand-conformance-'));
  const proxies = await openProxies(root);
  const mock = new MockCoordinator({ ...coordinator, ...proxyOptions(proxies) });
  await mock.start();
  const worker: RunningWorker = {
    mock,
    ...names(proxies),
    workspace_dir: undefined,
    address,
    ended: undefined,
    signal: () => {},
    again: () => Promise.reject(new Error('This worker was not started by the suite, so it cannot be restarted.')),
  };
  return {
    lives: 'one',
    has_ports: false,
    pushed: (...asked) => readPushed(root, ...asked),
    git: gitOf(root),
    objections: objectionsOf(() => [mock]),
    start: () => Promise.resolve(worker),
    close: async () => {
      await Promise.all([mock.stop(), proxies.repository.close(), proxies.model.close()]);
      await rm(root, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function openProxies(root: string): Promise<Proxies> {
  const [repository, model] = await Promise.all([
    serveRepository('errand://sample', root, undefined, [await ensureSampleRepository(otherDir(root))]),
    serveModel(process.env, undefined),
  ]);
  await addBaseBranch(root);
  return { repository, model };
}

/** A branch beside the repository's own, with a commit more. */
export const BASE_BRANCH = 'a-base';

async function addBaseBranch(root: string): Promise<void> {
  const git = gitOf(root);
  const author = ['-c', 'user.name=Suite', '-c', 'user.email=suite@localhost'];
  const commit = await git(...author, 'commit-tree', 'HEAD^{tree}', '-p', 'HEAD', '-m', 'Begin here');
  await git('update-ref', `refs/heads/${BASE_BRANCH}`, commit.trim());
}

/** Runs git in the sample repository of a folder. */
const gitOf =
  (root: string) =>
  async (...args: string[]) =>
    (await promisify(execFile)('git', ['--git-dir', await ensureSampleRepository(root), ...args])).stdout;

/** Where the further repository is. */
const otherDir = (root: string) => join(root, 'other');

/** Reads a file of the sample repository, on each branch that begins with the prefix. */
async function readPushed(root: string, branch_prefix: string, file: string, is_other = false): Promise<string[]> {
  const git = gitOf(is_other ? otherDir(root) : root);
  const branches = await git('for-each-ref', '--format=%(refname)', `refs/heads/${branch_prefix}*`);
  const texts = branches
    .split('\n')
    .filter((ref) => ref !== '')
    .map((ref) => git('cat-file', 'blob', `${ref}:${file}`).catch(() => null));
  return (await Promise.all(texts)).filter((text) => text !== null);
}

function objectionsOf(mocks: () => MockCoordinator[]): () => string[] {
  const told = new Set<string>();
  return () => {
    const tasks = [...new Set(mocks())].flatMap((mock) => [...mock.tasks.values()]);
    const lines = tasks.flatMap(({ id, refusals, breaches }) =>
      [...refusals.map(describeRefusal), ...breaches].map((line) => ({ line, key: `${id} ${line}` })),
    );
    const fresh = lines.filter(({ key }) => !told.has(key));
    for (const { key } of fresh) told.add(key);
    return [...new Set(fresh.map(({ line }) => line))];
  };
}

function names({ repository, model }: Proxies): Pick<RunningWorker, 'repo_url' | 'other' | 'model'> {
  const [other] = severalOf(repository).repositories ?? [];
  if (!other) throw new Error('There is no further repository.');
  return { repo_url: repository.repo_url, other, model: model.model };
}
const proxyOptions = ({ repository, model }: Proxies) => ({ git: repository.proxy, llm: model.proxy });

import type { ExecutionContext } from 'ava';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { readConfig, type WorkerConfig } from '../../agent-container/config.ts';
import type { Logger } from '../../agent-container/base/logger.ts';
import type { Work, WorkResult, WorkInput } from '../../agent-container/base/work.ts';
import { Worker } from '../../agent-container/worker.ts';
import { ensureSampleRepository } from '../../coordinator/demo/sample-repository.ts';
import { sampleBackend } from '../../coordinator/demo/sample-backend.ts';
import { GitProxy } from '../../coordinator/worker-api/git/git-proxy.ts';
import type { AssignedRepository } from '../../protocol/repositories.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { startGitServer, type Credential, type GitServer } from './git-server.ts';
import { MockCoordinator, type MockOptions } from './mock-coordinator/mock.ts';
import type { MockTask } from './mock-coordinator/task.ts';
import { UNRESTRICTED } from './unrestricted.ts';

/**
 * A mock coordinator with a git proxy to a real git server, a task with a repository there, and folders for a worker.
 */
export type Scene = {
  folder: string;
  mock: MockCoordinator;
  git: GitServer;
  task: MockTask;
  /** The path of the bare repository. */
  bare: string;
  config: (settings?: Record<string, string>) => WorkerConfig;
  /** Starts a worker in this process that listens on a unix socket. */
  start: (work: Work, config?: WorkerConfig, log?: Logger) => Promise<Worker>;
};

type Given = {
  /** The task's further repositories, by their keys. They are `owner/<key>` on the same server. */
  others?: Record<string, Partial<AssignedRepository>>;
  files?: Record<string, string | Buffer>;
  assignment?: Partial<Assignment>;
  credential?: Credential;
  mock?: Partial<MockOptions>;
};

/** Sets up the scene until the test ends. */
export async function setScene(t: ExecutionContext, given: Given = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-worker-'));
  const git = await startGitServer(given.credential);
  const repo_url = await git.createRepository('owner/name', given.files);
  const repositories: AssignedRepository[] = [];
  for (const [key, more] of Object.entries(given.others ?? {})) {
    const other_url = await git.createRepository(`owner/${key}`, { 'README.md': `# ${key}\n` });
    repositories.push({ key, repo_url: other_url, base_branch: null, ...more });
  }
  const mock = new MockCoordinator({
    socket_path: join(folder, 'coordinator.sock'),
    git: new GitProxy({
      ...UNRESTRICTED,
      repository: ({ key }) => ({
        repo_url: (repositories.find((each) => each.key === key) ?? task.base).repo_url,
        credential: given.credential,
      }),
      workBranch: ({ key }) => (repositories.find((each) => each.key === key) ?? task.base).work_branch ?? null,
      private_hosts: [git.host],
      packs_dir: join(folder, 'packs'),
      sample: sampleBackend(() => ensureSampleRepository(folder)),
      logger: pino({ level: 'silent' }),
    }),
    ...given.mock,
  });
  await mock.start();
  const task = mock.addTask({ repo_url, ...(given.others && { repositories }), ...given.assignment });
  const config = (settings: Record<string, string> = {}) =>
    readConfig({
      PATH: process.env.PATH,
      ERRAND_COORDINATOR: mock.address,
      ERRAND_LISTEN: `unix:${folder}/worker.sock`,
      ERRAND_WORKSPACE: join(folder, 'workspace'),
      ERRAND_SPOOL: join(folder, 'spool'),
      ...settings,
    });
  const workers: Worker[] = [];
  t.teardown(async () => {
    for (const worker of workers) worker.terminate();
    await Promise.all(workers.map(({ ended }) => ended));
    await Promise.all([mock.stop(), git.close()]);
    await rm(folder, { recursive: true, force: true });
  });
  return {
    folder,
    mock,
    git,
    task,
    bare: join(git.root, 'owner/name'),
    config,
    start: async (work, own = config(), log = () => {}) => {
      const agent = { agent: 'scripted', version: '1' };
      const worker = new Worker({ config: own, agent, loadWork: () => Promise.resolve(work), log });
      await worker.start();
      workers.push(worker);
      return worker;
    },
  };
}

export const DONE: WorkResult = {
  status: 'succeeded',
  reason: null,
  detail: null,
  summary: 'It is done.',
  commit_message: 'Do it\n\nBecause it was asked for.',
};

/** Work that runs the function and succeeds. */
export function doing(script: (input: WorkInput) => Promise<void>): Work {
  return async (input) => {
    await script(input);
    return DONE;
  };
}

/** Work that runs until it is stopped. */
export function untilStopped({ signal }: WorkInput): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason as Error);
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}

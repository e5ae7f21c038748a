import { totalmem } from 'node:os';
import type { Config } from '../../../base/config.ts';
import { ok, problem, type Finding } from './finding.ts';

const MB = 1024 * 1024;
/** What the system, Docker and the server take. */
const REST_MB = 512;
/** With less than this the agent, git and a test run do not fit into a worker. */
const WORKER_MB_MIN = 384;
const STEP_MB = 128;

type Settings = Pick<Config, 'runner' | 'workers' | 'worker_memory_bytes' | 'docker_host'>;

/** Checks that the workers fit into the memory of the machine: else the kernel ends some of them, or the server. */
export function checkMemory(
  { runner, workers, worker_memory_bytes, docker_host }: Settings,
  total_bytes = totalmem(),
): Finding[] {
  if (runner === 'process' || docker_host?.startsWith('tcp:')) return [];
  const total = Math.floor(total_bytes / MB);
  const each = worker_memory_bytes / MB;
  const said = `${workers} ${workers === 1 ? 'worker' : 'workers'} of ${each} MB`;
  if (workers * each + REST_MB <= total) return [ok('memory', `${total} MB, of which ${said} may use a part`)];
  return [
    problem(
      'memory',
      `${said} and the server do not fit into the ${total} MB of this machine: the kernel would end some of them. ${advice(total, each)}`,
    ),
  ];
}

function advice(total: number, each: number): string {
  const fit = Math.floor((total - REST_MB) / each);
  if (fit > 0) return `Set ERRAND_WORKERS=${fit}, or take a larger machine.`;
  const smaller = Math.floor((total - REST_MB) / STEP_MB) * STEP_MB;
  if (smaller < WORKER_MB_MIN) return 'Take a larger machine.';
  return `Set ERRAND_WORKERS=1 and ERRAND_WORKER_MEMORY_MB=${smaller}, or take a larger machine.`;
}

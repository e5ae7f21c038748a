import { join } from 'node:path';
import { ErrandError } from '../../../protocol/problem.ts';
import { ConfigError, type Config } from '../../base/config.ts';
import { decideRunner, readExposures } from './decide-runner.ts';
import type { Availability, Fault } from '../docker/availability.ts';
import { buildWorkerImage, isOwnImage } from '../docker/image.ts';
import { DockerLauncher } from '../docker/launcher.ts';
import type { Logger } from '../../base/logger.ts';
import { LocalRunner } from '../local/local-runner.ts';
import type { Launcher } from '../local/launcher.ts';
import { WorkerDirectories } from '../local/worker-directories.ts';
import { ProcessLauncher } from '../process/launcher.ts';
import { workerEntry } from '../process/worker-entry.ts';
import type { Runner, WorkerListeners } from '../runner.ts';
import type { Trash } from '../trash.ts';
import type { Workspaces } from '../workspaces.ts';

/** What a runner needs. */
export type RunnerContext = {
  config: Config;
  /** The id of this server among those of the machine. */
  instance: string;
  workspaces: Workspaces;
  listeners: WorkerListeners;
  trash: Trash;
  logger: Logger;
  /** Prints a line for the person at the terminal. */
  say: (line: string) => void;
};

/**
 * Makes the runner that the settings name. Without a setting it is Docker; on a machine without Docker, for a trial
 * only, it is processes. Builds Errand's own worker image if it is missing or too old. Rejects with a `ConfigError` if
 * workers could only run without isolation and the settings do not ask for that.
 */
export async function chooseRunner(context: RunnerContext): Promise<Runner> {
  const { workspaces, listeners, trash, config } = context;
  const launcher = await chooseLauncher(context);
  const directories = new WorkerDirectories(config.data_dir, launcher.owner, trash);
  return new LocalRunner({ launcher, directories, workspaces, listeners });
}

async function chooseLauncher(context: RunnerContext): Promise<Launcher> {
  const { config, say } = context;
  const exposures = readExposures(config);
  const processes = () => openProcesses(config);
  if (config.runner === 'process') {
    warnOfProcesses(say, exposures);
    return processes();
  }
  const docker = openDocker(context);
  const found = await findDocker(docker, context);
  const chosen = decideRunner({ wanted: config.runner, docker: found.kind, exposures });
  if (found.kind === 'ready') return docker;
  if (chosen === 'docker') {
    say(`Workers cannot be started yet: ${found.fault}`);
    say('Errands wait in the queue until they can.');
    return docker;
  }
  await docker.close();
  if (chosen === 'refuse') throw refusal(found, exposures);
  say(found.fault);
  warnOfProcesses(say, exposures);
  return processes();
}

async function openProcesses({ data_dir, worker_command: command, worker_env: env }: Config): Promise<ProcessLauncher> {
  const program = command === undefined ? { entry: await workerEntry() } : { command, cwd: process.cwd() };
  return new ProcessLauncher({ workers_dir: join(data_dir, 'workers'), program, env });
}

function openDocker({ config, instance, logger }: RunnerContext): DockerLauncher {
  const { docker_host, worker_image: image, worker_runtime: runtime, data_dir } = config;
  try {
    return new DockerLauncher({ docker_host, image, runtime, instance, data_dir, logger });
  } catch (error) {
    if (error instanceof ErrandError) throw refusal({ kind: 'unusable', fault: error.message }, []);
    throw error;
  }
}

/** What Errand's own image is where it has to be built. */
const BUILT: Partial<Record<Availability['kind'], string>> = { image_missing: 'missing', image_outdated: 'too old' };

/**
 * Finds out whether Docker can be used, and builds the worker image if only that is missing or too old. A failed build
 * makes Docker unusable, not absent.
 */
async function findDocker(docker: DockerLauncher, { config, logger, say }: RunnerContext): Promise<Availability> {
  const found = await docker.readAvailability();
  const why = BUILT[found.kind];
  if (why === undefined || !isOwnImage(config.worker_image)) return found;
  say(`The workers' image '${config.worker_image}' is ${why}. It is built now, which takes a minute or two.`);
  try {
    await buildWorkerImage(config.docker_host, config.proxy);
  } catch (error) {
    if (!(error instanceof ErrandError)) throw error;
    logger.debug({ err: error }, 'worker image build failed');
    return { kind: 'unusable', fault: error.message };
  }
  const fault = await docker.check();
  return fault === null ? { kind: 'ready' } : { kind: 'unusable', fault };
}

function refusal({ kind, fault }: Fault, exposures: string[]): ConfigError {
  const lines = [`Workers cannot be started in containers: ${fault}`];
  if (kind === 'absent')
    lines.push(
      `Without Docker, Errand starts plain processes only for a trial, and this is not a trial: ${exposures.join('; ')}.`,
    );
  lines.push(
    'Make Docker work, or set ERRAND_RUNNER=process if you want no isolation: workers then run as plain processes of this machine.',
  );
  return new ConfigError(lines.join('\n'));
}

function warnOfProcesses(say: RunnerContext['say'], exposures: string[]): void {
  say('WARNING: workers run as plain processes of this machine, without isolation.');
  say("Commands of an errand can read and change everything that this user can, the server's keys and data too.");
  if (exposures.length > 0) say(`Use this for trials only. Here ${exposures.join('; ')}: use Docker instead.`);
}

import { fileURLToPath } from 'node:url';
import { ConfigError, isLoopback, type Config } from '../base/config.ts';
import { DockerRunner } from './docker/runner.ts';
import { buildWorkerImage } from './docker/image.ts';
import type { Logger } from '../base/logger.ts';
import { ProcessRunner } from './process/runner.ts';
import type { Runner } from './runner.ts';

const WORKER_ENTRY = fileURLToPath(new URL('../../agent-container/main.ts', import.meta.url));

type Deps = {
  config: Config;
  instance: string;
  workers_dir: string;
  logger: Logger;
  /** A line for the person at the terminal. */
  say: (line: string) => void;
};

/**
 * The runner that the settings name; where they name none, Docker if an engine answers, else processes of this machine, which only a server on
 * loopback may use unasked. Where the worker's image is missing it is built, once. Throws a `ConfigError` where there is no way.
 */
export async function chooseRunner({ config, instance, workers_dir, logger, say }: Deps): Promise<Runner> {
  const { runner: wanted, data_dir, docker_host, worker_image: image } = config;
  const processes = () => new ProcessRunner({ workers_dir, entry: WORKER_ENTRY, env: config.worker_env });
  if (wanted === 'process') return processes();
  const docker = new DockerRunner({ docker_host, image, instance, data_dir, logger });
  // Asked for by name: what is missing now may come, and tasks wait for it.
  let fault = await docker.check();
  if (fault !== null && (await docker.lacksImage())) {
    say(`The worker's image '${image}' is missing: it is being built, once. This takes a minute or two.`);
    fault = await buildWorkerImage(docker_host, image).then(
      () => docker.check(),
      (error: unknown) => {
        // Its gist is said to the person; the build's last lines are for whoever looks closer.
        logger.debug({ err: error }, 'the image of the worker could not be built');
        return error instanceof Error ? error.message : 'The image could not be built.';
      },
    );
  }
  if (fault === null || wanted === 'docker') return docker;
  await docker.close();
  if (!isLoopback(config.host))
    throw new ConfigError(
      `Workers cannot be started in containers: ${fault}\n` +
        `Without Docker they would be plain processes of this machine, with all its rights. HOST=${config.host} lets others in, so this is not ` +
        `chosen for you: make Docker work, or set ERRAND_RUNNER=process if you mean it.`,
    );
  say(`Workers cannot be started in containers: ${fault}`);
  say(
    'They run as plain processes of this machine instead, without isolation: fit for a trial, and only from this machine.',
  );
  return processes();
}

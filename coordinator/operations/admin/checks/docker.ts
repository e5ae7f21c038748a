import type { Config } from '../../../base/config.ts';
import { createLogger } from '../../../base/logger.ts';
import type { Availability } from '../../../workers/docker/availability.ts';
import { inspectEngine } from '../../../workers/docker/inspect-engine.ts';
import { DockerLauncher } from '../../../workers/docker/launcher.ts';
import { ok, problem, type Finding } from './finding.ts';

/** Checks the Docker engine and the workers' image. */
export async function checkDocker(config: Config): Promise<Finding[]> {
  const { runner, docker_host, worker_image: image, worker_runtime: runtime, data_dir } = config;
  if (runner === 'process')
    return [ok('docker', 'not used: ERRAND_RUNNER=process. Workers run without isolation, which is for trials only.')];
  const launcher = new DockerLauncher({
    docker_host,
    image,
    runtime,
    instance: 'doctor',
    data_dir,
    logger: createLogger('silent'),
  });
  try {
    const found = await launcher.readAvailability();
    if (found.kind === 'absent' || found.kind === 'unusable') return [problem('docker', found.fault)];
    return [...(await checkEngine(found, config)), ...(await checkImages(launcher, config))];
  } finally {
    await launcher.close();
  }
}

async function checkEngine(
  found: Exclude<Availability, { kind: 'absent' | 'unusable' }>,
  { docker_host, worker_image: image }: Config,
): Promise<Finding[]> {
  const { version, contract_version } = await inspectEngine(docker_host, image);
  const engine = ok('docker', `Docker ${version}`);
  if (found.kind !== 'ready') return [engine, problem('image', found.fault)];
  if (contract_version === undefined) return [engine, problem('image', `${image} was removed just now.`)];
  return [engine, ok('image', `${image}, worker contract ${contract_version}`)];
}

/** The images that projects may name, all at once: each may take as long as an engine that is slow. */
function checkImages(launcher: DockerLauncher, { worker_images }: Config): Promise<Finding[]> {
  const checks = [...worker_images].map(async ([name, image]) => {
    const what = `${name}: ${image}`;
    try {
      const state = await launcher.checkImage(image);
      return state.kind === 'ready' ? ok('image', what) : problem('image', `${what}. ${state.words}`);
    } catch {
      return problem('image', `${what}. Docker did not tell whether it is there.`);
    }
  });
  return Promise.all(checks);
}

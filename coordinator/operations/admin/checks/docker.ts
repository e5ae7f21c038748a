import type { Config } from '../../../base/config.ts';
import { createLogger } from '../../../base/logger.ts';
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
    return [...(await checkEngine(launcher, config)), ...(await checkImages(launcher, config))];
  } finally {
    await launcher.close();
  }
}

async function checkEngine(launcher: DockerLauncher, { docker_host, worker_image: image }: Config): Promise<Finding[]> {
  const found = await launcher.readAvailability();
  if (found.kind === 'absent' || found.kind === 'unusable') return [problem('docker', found.fault)];
  const { version, contract_version } = await inspectEngine(docker_host, image);
  const engine = ok('docker', `Docker ${version}`);
  if (found.kind !== 'ready') return [engine, problem('image', found.fault)];
  if (contract_version === undefined) return [engine, problem('image', `${image} was removed just now.`)];
  return [engine, ok('image', `${image}, worker contract ${contract_version}`)];
}

/** The images that projects may name. An engine that does not answer is told of once. */
async function checkImages(launcher: DockerLauncher, { worker_images }: Config): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const [name, image] of worker_images) {
    const state = await launcher.checkImage(image).catch(() => undefined);
    if (state === undefined) continue;
    const what = `${name}: ${image}`;
    findings.push(state.kind === 'ready' ? ok('image', what) : problem('image', `${what}. ${state.words}`));
  }
  return findings;
}

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import { OWN_WORKER_IMAGE } from '../../base/settings.ts';
import { addressOf } from './engine.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DOCKERFILE = 'agent-container/Dockerfile';
/** What the worker's Dockerfile reads. */
export const CONTEXT = [
  '.npmrc',
  'package.json',
  'package-lock.json',
  'protocol',
  'agent-container',
  'coordinator/package.json',
];
const BUILD_MS = 15 * 60 * 1000;
/** How much of a failed build's output is kept for the log. */
const OUTPUT_LINES_MAX = 40;

const Progress = z.object({ stream: z.string().optional(), error: z.string().optional() }).catch({});

/** Whether this is the image that `buildWorkerImage` makes. Any other name is somebody else's image, or mistyped. */
export function isOwnImage(image: string): boolean {
  return image === OWN_WORKER_IMAGE || image === `${OWN_WORKER_IMAGE}:latest`;
}

/**
 * Builds Errand's own worker image from this checkout. Rejects with `unavailable`, in words, where the build fails or takes longer than a
 * quarter of an hour, or where the sources are not here (a coordinator that runs from its own image); the cause has the build's last lines.
 */
export async function buildWorkerImage(docker_host: string | undefined): Promise<void> {
  if (!existsSync(ROOT + DOCKERFILE))
    throw new ErrandError(
      'unavailable',
      `The workers' image ${OWN_WORKER_IMAGE} is missing, and its sources are not here. Build it in a checkout of Errand: npm run image`,
    );
  const lines: string[] = [];
  try {
    await build(docker_host, (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES_MAX) lines.shift();
    });
  } catch (cause) {
    const said = cause instanceof Error ? cause.message.trim() : 'unknown';
    throw new ErrandError(
      'unavailable',
      `The workers' image ${OWN_WORKER_IMAGE} could not be built: ${said}\nTo see the whole build, run it yourself: npm run image`,
      { cause: new Error(lines.join(''), { cause }) },
    );
  }
}

async function build(docker_host: string | undefined, onOutput: (line: string) => void): Promise<void> {
  const docker = new Docker({ ...addressOf(docker_host), timeout: BUILD_MS });
  const output = await docker.buildImage(
    { context: ROOT, src: CONTEXT },
    { t: OWN_WORKER_IMAGE, dockerfile: DOCKERFILE, rm: true, forcerm: true },
  );
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      output,
      (error) => (error ? reject(error) : resolve()),
      (event: unknown) => {
        const { stream, error } = Progress.parse(event);
        onOutput(error ?? stream ?? '');
        if (error !== undefined) reject(new Error(error));
      },
    );
  });
}

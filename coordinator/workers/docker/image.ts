import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import { OWN_WORKER_IMAGE } from '../../base/settings.ts';
import { addressOf } from './engine.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DOCKERFILE = 'agent-container/Dockerfile';
/** The files that the worker's Dockerfile uses. */
export const CONTEXT = [
  '.npmrc',
  'package.json',
  'package-lock.json',
  'protocol',
  'agent-container',
  'coordinator/package.json',
];
const BUILD_MS = 15 * 60 * 1000;
/** How many lines of a failed build's output are logged. */
const OUTPUT_LINES_MAX = 40;

const Progress = z.object({ stream: z.string().optional(), error: z.string().optional() }).catch({});

/** Whether this is the image that `buildWorkerImage` makes. Any other name is another image, or a typing error. */
export function isOwnImage(image: string): boolean {
  return image === OWN_WORKER_IMAGE || image === `${OWN_WORKER_IMAGE}:latest`;
}

/**
 * Builds Errand's own worker image from this checkout. Rejects with `unavailable`, for people, if the build fails or
 * takes longer than a quarter of an hour, or if the sources are missing (in the coordinator's own image). The error's
 * cause has the last lines of the build.
 */
export async function buildWorkerImage(docker_host: string | undefined): Promise<void> {
  if (!existsSync(ROOT + DOCKERFILE))
    throw new ErrandError(
      'unavailable',
      `The workers' image ${OWN_WORKER_IMAGE} is missing, and so are its sources. Build it in a checkout of Errand: npm run image`,
    );
  const lines: string[] = [];
  try {
    await build(docker_host, (line) => {
      lines.push(line);
      if (lines.length > OUTPUT_LINES_MAX) lines.shift();
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.trim() : 'unknown';
    throw new ErrandError(
      'unavailable',
      `The workers' image ${OWN_WORKER_IMAGE} could not be built: ${reason}\nTo see the whole output, run: npm run image`,
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

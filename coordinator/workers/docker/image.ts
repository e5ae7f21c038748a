import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import type { OutgoingProxy } from '../../base/outgoing.ts';
import { sourcePath } from '../../base/source-path.ts';
import { OWN_WORKER_IMAGE } from '../../base/settings.ts';
import { openEngine } from './engine.ts';

const ROOT = sourcePath('.');
const DOCKERFILE = 'agent-container/Dockerfile';
/** The files that the worker's Dockerfile uses. */
export const CONTEXT = [
  '.npmrc',
  '.node',
  '.bundle',
  'package.json',
  'package-lock.json',
  'protocol',
  'agent-container',
  'coordinator/package.json',
];
/** How many lines of a failed build's output are logged. */
const OUTPUT_LINES_MAX = 40;

const Progress = z.object({ stream: z.string().optional(), error: z.string().optional() }).catch({});

/** Whether this is the image that `buildWorkerImage` makes. Any other name is another image, or a typing error. */
export function isOwnImage(image: string): boolean {
  return image === OWN_WORKER_IMAGE || image === `${OWN_WORKER_IMAGE}:latest`;
}

/**
 * Builds Errand's own worker image from this checkout, behind `proxy` where there is one. Rejects with `unavailable`,
 * for people, if the build fails or takes longer than a quarter of an hour, or if the sources are missing (in the
 * coordinator's own image). The error's cause has the last lines of the build.
 */
export async function buildWorkerImage(docker_host: string | undefined, proxy: OutgoingProxy): Promise<void> {
  if (!existsSync(sourcePath(DOCKERFILE)))
    throw new ErrandError(
      'unavailable',
      `The workers' image ${OWN_WORKER_IMAGE} is missing, and so are its sources. Build it in a checkout of Errand: npm run image`,
    );
  const lines: string[] = [];
  try {
    await build(docker_host, proxy, (line) => {
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

/** The arguments that every build knows, without a line in its Dockerfile. They do not become part of the image. */
function buildArguments({ https_proxy, http_proxy, no_proxy }: OutgoingProxy): Record<string, string> {
  const set = Object.entries({ https_proxy, http_proxy, no_proxy }).filter(([, value]) => value !== '');
  // apt reads the small names alone.
  return Object.fromEntries(set.flatMap(([name, value]) => [name, name.toUpperCase()].map((each) => [each, value])));
}

async function build(
  docker_host: string | undefined,
  proxy: OutgoingProxy,
  onOutput: (line: string) => void,
): Promise<void> {
  const engine = openEngine(docker_host);
  const buildargs = JSON.stringify(buildArguments(proxy));
  const query = { t: OWN_WORKER_IMAGE, dockerfile: DOCKERFILE, rm: 'true', forcerm: 'true', buildargs };
  let fault: string | undefined;
  try {
    await engine.builds.build(archive(), query, (line) => {
      const { stream, error } = Progress.parse(JSON.parse(line));
      onOutput(error ?? stream ?? '');
      fault ??= error;
    });
  } finally {
    engine.close();
  }
  if (fault !== undefined) throw new Error(fault);
}

/** The build's files as a tar archive. */
function archive(): Readable {
  const tar = spawn('tar', ['-cf', '-', '-C', ROOT, ...CONTEXT], { stdio: ['ignore', 'pipe', 'ignore'] });
  tar.once('error', (error) => tar.stdout.destroy(error));
  return tar.stdout;
}

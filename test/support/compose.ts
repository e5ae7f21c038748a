import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Compose is either a program of its own or a Docker plugin. */
const found = await findCompose(['docker-compose'], ['docker', 'compose']);

/** Why tests with compose.yaml cannot run here; undefined: they can. */
export const whyNoCompose = found ? undefined : 'there is no docker-compose';

/** Runs a Compose command on compose.yaml with these settings in its environment; returns its output. */
export async function compose(argv: string[], settings: Record<string, string> = {}): Promise<string> {
  const [program = '', ...words] = found ?? ['docker-compose'];
  const { PATH = '', HOME = '' } = process.env;
  const options = { cwd: ROOT, env: { PATH, HOME, ...settings } };
  return (await run(program, [...words, ...argv], options)).stdout.trim();
}

async function findCompose(...candidates: string[][]): Promise<string[] | undefined> {
  for (const [program = '', ...words] of candidates) {
    const works = await run(program, [...words, 'version']).then(
      () => true,
      () => false,
    );
    if (works) return [program, ...words];
  }
  return undefined;
}

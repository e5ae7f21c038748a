import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Compose comes as a program of its own, or as a part of Docker's. */
const compose = await findCompose(['docker-compose'], ['docker', 'compose']);
const title = (name: string): string => (compose ? name : `${name} (skipped: there is no docker-compose)`);
const composeTest = compose || process.env.CI === 'true' ? test : test.skip;

composeTest(title('compose.yaml is accepted, and publishes the server to this machine alone'), async (t) => {
  const config = await read({});
  t.regex(config, /127\.0\.0\.1:8787:8787|host_ip: 127\.0\.0\.1/);
  t.regex(config, /\/var\/run\/docker\.sock/);
  t.regex(config, /readyz/);
});

composeTest(title('compose.yaml passes the settings on, and only those that are set'), async (t) => {
  const config = await read({ ERRAND_WORKERS: '7', ANTHROPIC_API_KEY: 'sk-test', PORT: '9000' });
  t.regex(config, /ERRAND_WORKERS: '?7'?/);
  t.regex(config, /ANTHROPIC_API_KEY: sk-test/);
  t.regex(config, /9000:8787|published: '?"?9000/);
  t.regex(config, /ERRAND_MODEL: null|^(?![\s\S]*ERRAND_MODEL)/);
});

async function read(env: Record<string, string>): Promise<string> {
  const [program = '', ...words] = compose ?? ['docker-compose'];
  const { PATH = '', HOME = '' } = process.env;
  return (await run(program, [...words, 'config'], { cwd: ROOT, env: { PATH, HOME, ...env } })).stdout;
}

async function findCompose(...candidates: string[][]): Promise<string[] | undefined> {
  for (const [program = '', ...words] of candidates)
    if (
      await run(program, [...words, 'version']).then(
        () => true,
        () => false,
      )
    )
      return [program, ...words];
  return undefined;
}

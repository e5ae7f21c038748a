/*
 * A process with a shell, as a worker has it: runs each argument as a command, and prints what came of them as JSON.
 * The commands know its id as WORKER.
 */
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Secrets } from '../../agent-container/base/secrets.ts';
import { commandEnv } from '../../agent-container/shell/command-env.ts';
import { writeGlobalPrefix } from '../../agent-container/shell/global-prefix.ts';
import { Shell } from '../../agent-container/shell/shell.ts';

const folder = await mkdtemp(join(tmpdir(), 'errand-guarded-'));
const [home, tmp] = [join(folder, 'home'), join(folder, 'tmp')];
await Promise.all([home, tmp].map((dir) => mkdir(dir)));
await writeGlobalPrefix(home);
const author = { name: 'Ann', email: 'ann@errand.test' };
const assignment = { author, egress: 'none' as const, env: { WORKER: String(process.pid) } };
const inherited = { PATH: process.env['PATH'] ?? '' };
const shell = new Shell({
  repo_dir: folder,
  scratch_dir: folder,
  env: commandEnv(assignment, { inherited, home, tmp, proxy_url: '', git_settings: [] }),
  secrets: new Secrets({ env: {} }),
  label: 'command',
  signal: new AbortController().signal,
});
const results = [];
for (const command of process.argv.slice(2)) {
  const { output, exit_code } = await shell.run(command, 30_000, () => undefined);
  results.push({ output, exit_code });
}
await shell.close();
process.stdout.write(JSON.stringify(results));

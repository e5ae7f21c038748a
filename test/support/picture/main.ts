import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setupLink } from '../../../coordinator/auth/setup-code.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { start } from '../../../coordinator/start/start.ts';
import { toSvg } from './svg.ts';
import { Terminal, type Cell } from './terminal.ts';

/*
 * Draws the README's picture, `.github/errand.svg`: a server with the demo model does the sample errand, and the
 * picture shows the command line during the second run of the tests. It needs `script` from util-linux.
 */

const CLI = fileURLToPath(new URL('../../../coordinator/cli/main.ts', import.meta.url));
const PICTURE = fileURLToPath(new URL('../../../.github/errand.svg', import.meta.url));
const [COLUMNS, ROWS] = [86, 45];
const TASK = ['task', 'Make the tests pass', '--repo', 'errand://sample', '--follow'];
const TITLE = 'npx errand task "Make the tests pass" --repo errand://sample --follow';

const folder = await mkdtemp(join(tmpdir(), 'errand-picture-'));
const { PATH, DOCKER_HOST } = process.env;
const config = readConfig({ PATH, DOCKER_HOST, ERRAND_DATA: folder, PORT: '0', ERRAND_CALLBACK_PORT: '0' });
const errand = await start(config, { logger: createLogger('silent') });
const ENV = { PATH, TERM: 'xterm-256color', XDG_CONFIG_HOME: folder, ERRAND_PASSWORD: 'correct horse battery' };
try {
  await errandCommand(
    ['signup', setupLink(errand.url, errand.setup_code ?? ''), '--email', 'you@example.org'],
    new Terminal(COLUMNS),
  );
  const rows = await followErrand();
  await mkdir(join(PICTURE, '..'), { recursive: true });
  await writeFile(PICTURE, toSvg(fromParagraph(rows.slice(-ROWS)), COLUMNS, TITLE));
  console.log(`${PICTURE} was written.`);
} finally {
  await errand.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Follows the errand to its end. Returns the terminal's rows during the second run of the tests. */
async function followErrand(): Promise<Cell[][]> {
  const terminal = new Terminal(COLUMNS);
  let kept: Cell[][] | undefined;
  await errandCommand(TASK, terminal, () => {
    // The plan is below the output of the tests.
    if (/Now the tests again[^]*\n {2}│ ✔[^]*▣ Run the tests again[^]*● running · runs npm test/.test(terminal.text))
      kept ??= terminal.rows.map((row) => [...row]);
  });
  if (!kept) throw new Error(`The second run of the tests was not shown:\n${terminal.text}`);
  return kept.slice(0, -1);
}

/** The rows from the first complete paragraph on. */
function fromParagraph(rows: Cell[][]): Cell[][] {
  return rows.slice(rows.findIndex((row) => row.length === 0) + 1);
}

/** Runs the command line in a terminal of its own. Rejects unless it ends with 0. */
async function errandCommand(argv: string[], terminal: Terminal, seen = () => {}): Promise<void> {
  const words = [process.execPath, CLI, ...argv].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${COLUMNS} rows ${ROWS} && ${words}`;
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    env: ENV,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    terminal.write(text);
    seen();
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${argv[0]} ended with ${code}:\n${terminal.text}`);
}

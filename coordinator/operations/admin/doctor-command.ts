import { ConfigError, type Config } from '../../base/config.ts';
import { ADMIN_COMMANDS } from '../../cli/admin-commands.ts';
import { command, JSON_OPTION } from '../../cli/command.ts';
import { EXIT } from '../../cli/exit.ts';
import { print, printJson } from '../../cli/io.ts';
import type { Line } from '../../cli/render/line.ts';
import { wrap } from '../../cli/render/text.ts';
import { readServerConfig } from '../server-config.ts';
import { ok, problem, type Finding } from './checks/finding.ts';

export const doctor = command({
  ...ADMIN_COMMANDS.doctor,
  options: { json: JSON_OPTION },
  run: async ({ values }, io) => {
    const findings = await examine();
    if (values.json === true) for (const finding of findings) printJson(io, finding);
    else
      print(
        io,
        findings.flatMap((finding) => findingLines(finding, io.live ? io.columns : Infinity)),
      );
    return findings.every((finding) => finding.ok) ? EXIT.succeeded : EXIT.failed;
  },
});

/** Runs all checks. If the settings are wrong, that is the only finding: the other checks depend on them. */
async function examine(): Promise<Finding[]> {
  const config = configOrFinding();
  if ('check' in config) return [config];
  const found = await Promise.all([
    outcome('docker', async () => (await import('./checks/docker.ts')).checkDocker(config)),
    outcome('memory', async () => (await import('./checks/memory.ts')).checkMemory(config)),
    outcome('model', async () => (await import('./checks/model.ts')).checkModel(config)),
    outcome('proxy', async () => (await import('./checks/reach.ts')).checkMachine(config)),
    outcome('data', async () => (await import('./checks/storage.ts')).checkStorage(config)),
    outcome('backup', async () => (await import('./checks/backup.ts')).checkBackup(config)),
    outcome('server', async () => (await import('./checks/server.ts')).checkServer(config)),
    outcome('tls', async () => (await import('./checks/reach.ts')).checkPublicAddress(config)),
  ]);
  return [ok('settings', 'can be used'), ...found.flat()];
}

/** Runs one check. If it throws, that is its finding, and the other checks go on. */
async function outcome(name: string, run: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await run();
  } catch (error) {
    return [problem(name, `could not be checked: ${error instanceof Error ? error.message : String(error)}`)];
  }
}

function configOrFinding(): Config | Finding {
  try {
    return readServerConfig();
  } catch (error) {
    if (error instanceof ConfigError) return problem('settings', error.message);
    throw error;
  }
}

const MARK_COLUMNS = 9;
const CHECK_COLUMNS = 10;

function findingLines({ check, ok, detail }: Finding, columns: number): Line[] {
  const indent = ' '.repeat(MARK_COLUMNS + CHECK_COLUMNS);
  const [first = '', ...more] = wrap(detail, columns - indent.length);
  const mark = ok
    ? (['green', 'ok'.padEnd(MARK_COLUMNS)] as const)
    : (['red', 'problem'.padEnd(MARK_COLUMNS)] as const);
  return [[mark, ['bold', check.padEnd(CHECK_COLUMNS)], first], ...more.map((line) => [indent + line])];
}

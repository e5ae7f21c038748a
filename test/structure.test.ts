import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { z } from 'zod';
import { folders } from '../.oxlint/folders.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const { check } = z
  .object({ scripts: z.object({ check: z.string() }) })
  .parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))).scripts;
const TABLE = 'see the table in .oxlint/folders.ts';
const Report = z.object({ diagnostics: z.array(z.object({ filename: z.string(), message: z.string() })) });

/** A file that breaks a rule, and the message of lint. */
type Fault = { file: string; text: string; says: string };

const importing = (specifier: string) => `import * as all from '${specifier}';\nconsole.log(all);\n`;

/** A file in `folder` that imports the file `target`. `named`: how the table names its folder. */
const importsFile = (folder: string, target: string, named = dirname(target)): Fault => ({
  file: `${folder}/imports-${target.replaceAll('/', '-')}`,
  text: importing(relative(folder, target).replace(/^(?!\.)/, './')),
  says: `${folder} may not import ${named}: ${TABLE}`,
});

/** A file outside `owner` that imports a package which only `owner` may import. */
const importsPackage = (folder: string, name: string, owner: string): Fault => ({
  file: `${folder}/imports-package.ts`,
  text: importing(name),
  says: `Only ${owner} may import ${name}: ${TABLE}`,
});

const FAULTS: Fault[] = [
  importsFile('coordinator/sqlite', 'coordinator/http/app.ts'),
  importsFile('coordinator/domain', 'coordinator/base/logger.ts'),
  importsFile('coordinator/workers', 'coordinator/workers/docker/launcher.ts'),
  importsFile('coordinator/demo', 'coordinator/start/start.ts'),
  importsFile('coordinator/client', 'coordinator/base/logger.ts'),
  importsFile('coordinator/client', 'coordinator/web/store/database.ts'),
  importsFile('coordinator/cli', 'coordinator/sqlite/users.ts'),
  importsFile('coordinator/web/store', 'coordinator/auth/auth.ts'),
  importsFile('coordinator/web', 'coordinator/http/app.ts'),
  importsFile('coordinator/base', 'agent-container/main.ts'),
  importsFile('agent-container/git', 'coordinator/base/retry.ts'),
  importsFile('agent-container/shell', 'agent-container/git/git.ts'),
  importsFile('protocol', 'coordinator/main.ts'),
  importsFile('coordinator', 'test/support/until.ts', 'test/**'),
  importsFile('coordinator/tasks', 'coordinator/unknown/a.ts'),
  importsPackage('coordinator/tasks', 'better-sqlite3', 'coordinator/sqlite'),
  importsPackage('agent-container/loop', '@anthropic-ai/sdk/resources/messages', 'agent-container/model'),
  importsPackage('coordinator/operations/backup', '@aws-sdk/client-s3', 'coordinator/operations/backup/s3'),
  ...[
    "import type { A } from '../http/a.ts';\nexport const a: A = 1;\n",
    "export { a } from '../http/a.ts';\n",
    "export * from '../http/a.ts';\n",
    "export const a = () => import('../http/a.ts');\n",
    "export type A = import('../http/a.ts').A;\n",
  ].map((text, i) => ({
    file: `coordinator/sqlite/form-${i}.ts`,
    text,
    says: `coordinator/sqlite may not import coordinator/http: ${TABLE}`,
  })),
  {
    file: 'coordinator/billing/new.ts',
    text: 'export const a = 1;\n',
    says: `coordinator/billing has no row: ${TABLE}`,
  },
  {
    file: 'coordinator/tasks/sql.ts',
    text: "export const a = 'SELECT 1';\n",
    says: 'Only coordinator/sqlite holds SQL: add a function there, beside its table',
  },
  {
    file: 'coordinator/tasks/template.ts',
    text: 'export const a = (id: string) => `\n  DELETE FROM tasks WHERE id = ${id}`;\n',
    says: 'Only coordinator/sqlite holds SQL: add a function there, beside its table',
  },
  {
    file: 'coordinator/tasks/env.ts',
    text: 'export const a = process.env.HOME;\n',
    says: 'Disallowed usage of `process.env`.',
  },
  {
    file: 'coordinator/tasks/long.ts',
    text: `${'// A line\n'.repeat(300)}export const a = 1;\n`,
    says: 'File has too many lines (301).',
  },
  {
    file: 'coordinator/tasks/function.ts',
    text: `export function long(): void {\n${'  // A line\n'.repeat(59)}}\n`,
    says: 'The function `long` has too many lines (61). Maximum allowed is 60.',
  },
  ...['one', 'two'].map((name, i, names) => ({
    file: `coordinator/tasks/${name}.ts`,
    text: `import { ${names[1 - i]} as other } from './${names[1 - i]}.ts';\nexport const ${name} = (): unknown => other;\n`,
    says: 'Dependency cycle detected',
  })),
  ...['Three', 'Four'].map((name, i, names) => ({
    file: `coordinator/tasks/type-${name}.ts`,
    text: `import type { ${names[1 - i]} } from './type-${names[1 - i]}.ts';\nexport type ${name} = ${names[1 - i]} | undefined;\n`,
    says: 'Dependency cycle detected',
  })),
];

const FINE: Record<string, string> = {
  'coordinator/http/fine.ts':
    "export * from '../tasks/a.ts';\nexport * from './b.ts';\nexport * from '../../protocol/c.ts';\n",
  'coordinator/workers/docker/fine.ts': "export * from '../runner.ts';\n",
  'coordinator/sqlite/fine.ts': "export const a = 'SELECT 1';\n",
  'coordinator/base/config.ts': 'export const a = process.env.HOME;\n',
  'coordinator/cli/fine.ts': "export * from '../client/a.ts';\nexport * from './render/b.ts';\n",
  'test/anywhere/fine.ts':
    "export * from '../../coordinator/start/start.ts';\nexport * from '../../agent-container/main.ts';\n",
};

/** Runs `npm run check:lint` on a tree of these files, with the configuration of this one. */
async function lint(files: Record<string, string>) {
  const tree = await mkdtemp(join(tmpdir(), 'errand-lint-'));
  try {
    for (const name of ['.oxlint', '.oxlintrc.json', 'package.json', 'tsconfig.json'])
      await cp(join(ROOT, name), join(tree, name), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(tree, name)), { recursive: true });
      await writeFile(join(tree, name), text);
    }
    const args = ['run', '--silent', 'check:lint', '--', '--format', 'json'];
    return await new Promise<{ code: unknown; found: Map<string, string[]> }>((resolve) =>
      execFile('npm', args, { cwd: tree, maxBuffer: 1e8 }, (error, stdout) => {
        const { diagnostics } = Report.parse(JSON.parse(stdout));
        const found = Map.groupBy(diagnostics, ({ filename }) => filename);
        resolve({
          code: error?.code ?? 0,
          found: new Map([...found].map(([name, all]) => [name, all.map(({ message }) => message)])),
        });
      }),
    );
  } finally {
    await rm(tree, { recursive: true });
  }
}

const linted = await lint({ ...Object.fromEntries(FAULTS.map(({ file, text }) => [file, text])), ...FINE });

for (const { file, says } of FAULTS)
  test(`lint reports of ${file}: ${says}`, (t) => {
    t.true(linted.found.get(file)?.includes(says), linted.found.get(file)?.join('\n') ?? 'nothing');
  });

test('a broken rule fails the check', (t) => {
  t.is(linted.code, 1);
  t.regex(check, /npm run check:lint/);
});

test('what the table allows passes', (t) => {
  for (const file of Object.keys(FINE)) t.deepEqual(linted.found.get(file) ?? [], [], file);
});

test('each row names a folder that exists, and allows imports only of rows above it', (t) => {
  const above: string[] = [];
  for (const { folder, imports: names } of folders) {
    t.true(existsSync(join(ROOT, folder.replace('/**', ''))), folder);
    for (const name of names)
      t.true(
        above.some((row) => `${row}/`.startsWith(`${name}/`)),
        `${folder} names ${name}`,
      );
    above.push(folder);
  }
});

/** What stands at the root of the server, a folder or a file, and what each of them imports of the others. */
function roomsOfServer(): Map<string, Set<string>> {
  const roomOf = (path: string) => path.split('/')[1] ?? '';
  const rooms = new Map<string, Set<string>>();
  for (const file of globSync('coordinator/**/*.{ts,tsx}', { cwd: ROOT, exclude: ['**/node_modules/**'] })) {
    const specifiers = readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g);
    const targets = [...specifiers].map(([, specifier = '']) => join(dirname(file), specifier));
    const others = targets.filter((target) => target.startsWith('coordinator/')).map(roomOf);
    rooms.set(roomOf(file), new Set([...(rooms.get(roomOf(file)) ?? []), ...others]));
  }
  for (const [room, others] of rooms) others.delete(room);
  return rooms;
}

test('the server has at most 18 folders, in at most 12 levels: each imports only what is below it', (t) => {
  const rooms = roomsOfServer();
  const folders_of_server = [...rooms.keys()].filter((room) => !room.endsWith('.ts'));
  t.true(folders_of_server.length > 10 && folders_of_server.length <= 18, folders_of_server.join(' '));
  const levelOf = (room: string, above: readonly string[] = []): number => {
    if (above.includes(room)) throw new Error(`These import each other: ${[...above, room].join(' ')}`);
    const below = [...(rooms.get(room) ?? [])].map((other) => levelOf(other, [...above, room]));
    return 1 + Math.max(0, ...below);
  };
  const levels = Math.max(...[...rooms.keys()].map((room) => levelOf(room)));
  t.true(levels > 5 && levels <= 12, `${levels} levels`);
});

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type * as esbuild from 'esbuild';

import { withBundler } from './bundler.ts';
import { protocolForBrowsers } from './protocol-for-browsers.ts';
import { depthOf, isRoute, ROUTES } from './store/routes.ts';
import { shellHtml } from './shell.ts';
import { versionOfSources } from './sources-version.ts';

/**
 * The version of the sources from which `.bundle` made the server. Not defined where the server runs from its
 * sources.
 */
declare const WEB_VERSION: string | undefined;

/** Both this file and the bundle of the server (see `.bundle`) are two folders below it. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const HERE = join(ROOT, 'coordinator/web');
const ENTRY = join(HERE, 'main.tsx');
const DIST = join(HERE, 'dist');
const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  webmanifest: 'application/manifest+json',
};
/** The texts in other languages than English: of the first view, and of what comes after it. */
const LANGUAGE_FILES = ['de.ts', 'de-screens.ts'];
/** The page for the addresses that are so many folders below the first one. */
const shellName = (depth: number) => `shell-${depth}.html`;
const SHELL = shellName(0);
const DEPTHS = [...new Set(Object.values(ROUTES).map(depthOf))];
/** What has a name of its own at the root of the server. */
const AT_ROOT = new Set([...DEPTHS.map(shellName), 'sw.js', 'manifest.webmanifest']);
const compress = promisify(brotliCompress);

/** A file as it is served. `immutable`: its name has the hash of its content. */
type WebFile = { body: Buffer; brotli: Buffer | undefined; type: string; etag: string; immutable: boolean };

/** A built file by its name: with `.br` behind it, the same in brotli. */
type Built = Map<string, Buffer>;

/**
 * The app as the server serves it. It is built if there is no build of these sources yet, and kept beside them; where
 * that folder cannot be written, the build is kept in memory alone.
 */
export async function openWebApp(): Promise<{
  files: Map<string, WebFile>;
  pageAt: (path: string) => WebFile | undefined;
}> {
  const version = typeof WEB_VERSION === 'string' ? WEB_VERSION : versionOfSources(ROOT);
  const folder = join(DIST, version);
  const built = existsSync(join(folder, SHELL))
    ? await readBuilt(folder)
    : await withBundler((bundle) => build(version, bundle));
  if (!existsSync(join(folder, SHELL))) await keep(built, folder).catch(() => undefined);
  const files = [...built].filter(([name]) => !name.endsWith('.br')).map(([name, body]) => toFile(built, name, body));
  const by_path = new Map(files);
  const pages = new Map(DEPTHS.map((depth) => [depth, by_path.get(`/${shellName(depth)}`)]));
  for (const depth of DEPTHS) by_path.delete(`/${shellName(depth)}`);
  return { files: by_path, pageAt: (path) => (isRoute(path) ? pages.get(depthOf(path)) : undefined) };
}

function toFile(built: Built, name: string, body: Buffer): [string, WebFile] {
  const at_root = AT_ROOT.has(name);
  const brotli = built.get(`${name}.br`);
  const etag = `"${hash(body)}"`;
  const type = TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
  return [at_root ? `/${name}` : `/app/${name}`, { body, brotli, type, etag, immutable: !at_root }];
}

async function build(version: string, bundle: typeof esbuild.build): Promise<Built> {
  const built = await bundleApp(bundle);
  for (const name of await readdir(join(HERE, 'icons'))) {
    const body = await readFile(join(HERE, 'icons', name));
    built.set(name.replace('.', `-${hash(body).slice(0, 8).toUpperCase()}.`), body);
  }
  const find = (start: string, end: string) =>
    [...built.keys()].find((name) => name.startsWith(start) && name.endsWith(end)) ?? '';
  const icon = (start: string, end: string) => `app/${find(start, end)}`;
  built.set('manifest.webmanifest', Buffer.from(manifest(icon)));
  const names = {
    script: takeEntry(built),
    style: find('app-', '.css'),
    icon: icon('icon-', '.svg'),
    touch_icon: icon('touch-', '.png'),
  };
  const precache = [...built.keys()].filter((name) => !AT_ROOT.has(name)).map((name) => `app/${name}`);
  for (const depth of DEPTHS) {
    const base = depth === 0 ? './' : '../'.repeat(depth);
    built.set(shellName(depth), Buffer.from(shellHtml({ base, ...names })));
  }
  const worker = await bundle({
    ...COMMON,
    entryPoints: [join(HERE, 'worker/service-worker.ts')],
    define: { FILES: JSON.stringify(['', 'manifest.webmanifest', ...precache]), VERSION: JSON.stringify(version) },
  });
  built.set('sw.js', Buffer.from(worker.outputFiles[0]?.contents ?? []));
  await addCompressed(built);
  return built;
}

/** Bundles the app, the worker that colours its code, the texts of other languages than English, and the style. */
async function bundleApp(bundle: typeof esbuild.build): Promise<Built> {
  const common = { ...COMMON, outdir: '/', entryNames: '[name]-[hash]' };
  const highlighter = await bundle({ ...common, entryPoints: [join(HERE, 'worker/highlighter.ts')] });
  const entryPoints = LANGUAGE_FILES.map((name) => join(HERE, 'strings', name));
  const languages = await bundle({ ...common, entryPoints });
  const style = await bundle({ ...common, entryPoints: [join(HERE, 'app/screens.css')] });
  const app = await bundle({
    ...common,
    plugins: [
      sharedWithEntry,
      ...common.plugins,
      languagesApart(languages.outputFiles.map(({ path }) => basename(path))),
    ],
    define: { HIGHLIGHTER: addressOf(highlighter), SCREENS_STYLE: addressOf(style) },
    entryPoints: [
      { in: ENTRY, out: 'main' },
      { in: join(HERE, 'app.css'), out: 'app' },
    ],
    chunkNames: 'part-[hash]',
    splitting: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
  });
  const outputs = [app, highlighter, languages, style].flatMap(({ outputFiles }) => outputFiles);
  return new Map(outputs.map(({ path, contents }) => [basename(path), Buffer.from(contents)]));
}

/** The address of the only file of a build below that of the app, as a literal of the code that loads it. */
function addressOf({ outputFiles: [file] }: { outputFiles: esbuild.OutputFile[] }): string {
  return JSON.stringify(`/app/${basename(file?.path ?? '')}`);
}

/**
 * Has the app import texts from their own bundles. Were they parts of the app's, what they share with it would be a
 * part of its own, and one more request of the first view.
 */
function languagesApart(built: readonly string[]): esbuild.Plugin {
  return {
    name: 'languages apart',
    setup: (app) =>
      app.onResolve({ filter: /^\.\/de[\w-]*\.ts$/ }, ({ path, kind }) => {
        if (kind !== 'dynamic-import') return undefined;
        const found = built[LANGUAGE_FILES.indexOf(basename(path))];
        return { path: `./${found}`, external: true };
      }),
  };
}

/**
 * Has the parts that come later import the entry, which has run by then. So all of the entry is one part, and not one
 * for each set of them that shares something of it: each would be one more request of the first view.
 */
const sharedWithEntry: esbuild.Plugin = {
  name: 'shared with the entry',
  setup: (app) =>
    app.onLoad(
      { filter: /\/(app\/screens|client\/wire|sync\/logs|store\/(file-tools|push-subscription))\.ts$/ },
      async ({ path }) => ({
        loader: 'ts',
        contents: `import ${JSON.stringify(ENTRY)};\n${await readFile(path, 'utf8')}`,
      }),
    ),
};

/** Takes the entry out of a build: it only imports the part that has all of it. Returns the name of that part. */
function takeEntry(built: Built): string {
  const name = [...built.keys()].find((each) => each.startsWith('main-')) ?? '';
  const part = /^import"\.\/(part-[A-Z0-9]+\.js)";\s*$/.exec(built.get(name)?.toString('utf8') ?? '')?.[1];
  if (part === undefined) throw new Error('A part that comes later does not share all of the entry of the app.');
  built.delete(name);
  return part;
}

async function addCompressed(built: Built): Promise<void> {
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  await Promise.all(
    [...built].map(async ([name, body]) => {
      const smaller = await compress(body, { params });
      if (smaller.length < body.length * 0.95) built.set(`${name}.br`, smaller);
    }),
  );
}

/** Writes a build so that nobody reads half of one, and removes those of other versions. */
async function keep(built: Built, folder: string): Promise<void> {
  await mkdir(DIST, { recursive: true });
  const temporary = await mkdtemp(join(DIST, 'new-'));
  try {
    for (const [name, body] of built) await writeFile(join(temporary, name), body);
    await chmod(temporary, 0o755);
    await rename(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  for (const name of await readdir(DIST))
    if (name !== basename(folder) && !name.startsWith('new-')) await rm(join(DIST, name), { recursive: true });
}

async function readBuilt(folder: string): Promise<Built> {
  const names = await readdir(folder);
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)));
}

function hash(body: Buffer): string {
  return createHash('sha256').update(body).digest('base64url').slice(0, 22);
}

function manifest(icon: (start: string, end: string) => string): string {
  return JSON.stringify({
    name: 'Errand',
    short_name: 'Errand',
    // All of it is relative: a proxy may serve the app below a path.
    id: './',
    start_url: './',
    scope: './',
    display: 'standalone',
    background_color: '#fbfaf8',
    theme_color: '#fbfaf8',
    icons: [
      { src: icon('icon-', '.svg'), sizes: 'any', type: 'image/svg+xml' },
      { src: icon('touch-', '.png'), sizes: '180x180', type: 'image/png' },
    ],
    share_target: {
      action: 'share',
      method: 'POST',
      enctype: 'multipart/form-data',
      params: {
        title: 'title',
        text: 'text',
        url: 'url',
        files: [
          { name: 'files', accept: ['image/*', 'application/pdf', 'text/*', 'application/json', '.log', '.zip'] },
        ],
      },
    },
    shortcuts: [{ name: 'New errand', url: 'new' }],
  });
}

const COMMON = {
  bundle: true,
  minify: true,
  write: false as const,
  format: 'esm' as const,
  target: ['es2023', 'safari17.4', 'chrome123', 'firefox125'],
  legalComments: 'none' as const,
  plugins: [protocolForBrowsers],
} satisfies esbuild.BuildOptions;

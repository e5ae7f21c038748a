import { basename, dirname, join } from 'node:path';
import { IGNORED_FOLDERS } from './own-repository.ts';

/* Names that say of a folder or file that a program wrote it, and nobody edits it. */

/** Caches, which nobody misses in a commit. */
export const CACHES = new Set([
  ...IGNORED_FOLDERS,
  '.bundle',
  '.cache',
  '.coverage',
  '.DS_Store',
  '.eslintcache',
  '.gradle',
  '.next',
  '.nuxt',
  '.nyc_output',
  '.parcel-cache',
  '.pnpm-store',
  '.terraform',
  '.turbo',
  'bower_components',
  'venv',
]);
/** Files of the same kind. */
export const CACHE_FILES = /\.(pyc|pyo|swp|tsbuildinfo|pid|o|a|so|class|gcda|gcno)$/;

/** What builds and tests write, by names that no source has. */
const OUTPUTS = new Set([
  '.angular',
  '.astro',
  '.build',
  '.dart_tool',
  '.docusaurus',
  '.output',
  '.stack-work',
  '.svelte-kit',
  '.vercel',
  '.vite',
  '.zig-cache',
  '_build',
  'DerivedData',
  'dist-newstyle',
  'htmlcov',
  'playwright-report',
  'storybook-static',
  'test-results',
  'TestResults',
  'zig-out',
]);

/** What builds, tests and package managers write beside their manifest. Elsewhere folders of these names are source. */
const OUTPUTS_BESIDE: readonly (readonly [manifest: RegExp, names: readonly string[]])[] = [
  [/^(?:package\.json|deno\.jsonc?)$/, ['.yarn', 'build', 'coverage', 'dist', 'out']],
  [/^(?:Cargo\.toml|pom\.xml|build\.sbt)$/, ['target']],
  [/^build\.(?:gradle|gradle\.kts|xml)$/, ['build', 'dist', 'out']],
  [/^(?:go\.mod|composer\.json)$/, ['vendor']],
  [/^composer\.json$/, ['var']],
  [/^(?:pyproject\.toml|setup\.(?:py|cfg)|requirements\.txt|Pipfile|manage\.py)$/, ['build', 'dist']],
  [/^(?:Gemfile|Rakefile|config\.ru|.+\.gemspec)$/, ['coverage', 'log', 'tmp', 'vendor', 'vendor/bundle']],
  [/^(?:mix\.exs|rebar\.config)$/, ['cover', 'deps']],
  [/^pubspec\.yaml$/, ['build', 'coverage']],
  [/^.+\.cabal$/, ['dist']],
  [/^.+\.(?:cs|fs|vb)proj$/, ['bin', 'obj']],
  [
    /^(?:CMakeLists\.txt|(?:GNUm|M|m)akefile|Makefile\.(?:am|in)|meson\.build|configure\.ac|WORKSPACE(?:\.bazel)?|MODULE\.bazel|SConstruct|.+\.(?:slnx?|vcxproj))$/,
    ['build', 'dist', 'obj', 'out'],
  ],
  [/^Package\.swift$/, ['build']],
];
/** What programs of any kind may write anywhere in a repository that has a manifest. */
const PERHAPS_OUTPUTS = new Set([
  'build',
  'cover',
  'coverage',
  'dist',
  'log',
  'logs',
  'obj',
  'out',
  'target',
  'temp',
  'tmp',
]);
/** Files that people write, and hardly any build. */
const SOURCE =
  /(?<!\.d)\.(?:[cm]?ts|tsx|astro|c|cc|clj|cpp|cs|cxx|dart|erl|exs?|fs|go|h|hh|hpp|hs|java|jl|kts?|lua|mm?|php|pl|proto|py|rb|rs|scala|sh|sql|svelte|swift|tf|vb|vue|zig)$/;
/** Files that people write, and the builds of pages too. */
const SOURCE_OF_PAGES = /\.(?:[cm]?js|jsx|css|less|s[ac]ss)$/;
/** What keeps a folder without other files in a repository. */
export const KEEPER = /^\.(?:git)?(?:keep|ignore)$/;

/** What is around the manifests among some files. */
export type Packages = {
  /** The folders that have a manifest. */
  folders: Set<string>;
  /** Whether builds and tests write the folder, by its name and by the manifests beside it. */
  isOutput: (folder: string) => boolean;
  /** Whether programs may have written the folder: its name alone says so, and not for sure. */
  isPerhapsOutput: (folder: string) => boolean;
  /** Whether a file in such a folder is one that people write. */
  isSourceIn: (folder: string, file: string) => boolean;
  /** Whether the folder has files of its own, and none is source or a manifest. */
  isOfData: (folder: string) => boolean;
};

/** Finds the packages that these files are of. */
export function packagesOf(paths: string[]): Packages {
  const folders = new Set<string>();
  const outputs = new Set<string>();
  const of_pages = new Set<string>();
  const of_source = new Set<string>();
  const of_any = new Set<string>();
  for (const path of paths) {
    const folder = dirname(path);
    for (const [manifest, names] of OUTPUTS_BESIDE) {
      if (!manifest.test(basename(path))) continue;
      folders.add(folder);
      for (const name of names) outputs.add(join(folder, name));
    }
    if (SOURCE_OF_PAGES.test(path)) of_pages.add(folder);
    if (SOURCE.test(path)) of_source.add(folder);
    if (!KEEPER.test(basename(path))) of_any.add(folder);
  }
  return {
    folders,
    isOutput: (folder) => OUTPUTS.has(basename(folder)) || outputs.has(folder.replace(/\/$/, '')),
    isPerhapsOutput: (folder) => folders.size > 0 && PERHAPS_OUTPUTS.has(basename(folder)),
    isSourceIn: (folder, file) =>
      SOURCE.test(file) ||
      // Reports of the coverage are pages.
      (SOURCE_OF_PAGES.test(file) && of_pages.has(dirname(folder)) && basename(folder) !== 'coverage'),
    isOfData: (folder) => of_any.has(folder) && ![folders, of_source, of_pages].some((each) => each.has(folder)),
  };
}

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
  [/^(?:pyproject\.toml|setup\.(?:py|cfg))$/, ['build', 'dist']],
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
/** What keeps a folder without other files in a repository. */
export const KEEPER = /^\.(?:git)?(?:keep|ignore)$/;

/** What is around the manifests among some files. */
export type Packages = {
  /** The folders that have a manifest. */
  folders: Set<string>;
  /** Whether builds and tests write the folder, by its name and by the manifests beside it. */
  isOutput: (folder: string) => boolean;
};

/** Finds the packages that these files are of. */
export function packagesOf(paths: string[]): Packages {
  const folders = new Set<string>();
  const outputs = new Set<string>();
  for (const path of paths) {
    for (const [manifest, names] of OUTPUTS_BESIDE) {
      if (!manifest.test(basename(path))) continue;
      folders.add(dirname(path));
      for (const name of names) outputs.add(join(dirname(path), name));
    }
  }
  return { folders, isOutput: (folder) => OUTPUTS.has(basename(folder)) || outputs.has(folder.replace(/\/$/, '')) };
}

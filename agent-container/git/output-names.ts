import { basename, dirname } from 'node:path';
import { IGNORED_FOLDERS } from './own-repository.ts';

/* Names that say of a folder or file that a program wrote it, and nobody edits it. */

/** Caches and logs, which nobody misses in a commit. */
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
  '.yarn',
  'bower_components',
  'coverage',
  'venv',
]);
/** Files of the same kind. */
export const CACHE_FILES = /\.(pyc|pyo|swp|log|tsbuildinfo|pid|o|a|so|class|gcda|gcno)$/;

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

/** What builds, tests and package managers write beside a manifest. Elsewhere these may be source. */
const OUTPUTS_OF_PACKAGES = new Set(['build', 'deps', 'dist', 'log', 'obj', 'out', 'target', 'tmp', 'vendor']);
const MANIFEST =
  /^(?:package\.json|deno\.jsonc?|Cargo\.toml|go\.mod|pom\.xml|build\.(?:gradle|gradle\.kts|sbt|xml)|pyproject\.toml|setup\.(?:py|cfg)|composer\.json|Gemfile|Rakefile|config\.ru|mix\.exs|rebar\.config|pubspec\.yaml|Package\.swift|CMakeLists\.txt|(?:GNUm|M|m)akefile|Makefile\.(?:am|in)|meson\.build|configure\.ac|WORKSPACE(?:\.bazel)?|MODULE\.bazel|SConstruct|.+\.(?:sln|slnx|csproj|fsproj|vbproj|vcxproj|cabal|gemspec))$/;
/** What keeps a folder without other files in a repository. */
export const KEEPER = /^\.(?:git)?(?:keep|ignore)$/;

/** The folders of the packages that these files are of. */
export function packagesIn(paths: string[]): Set<string> {
  return new Set(paths.filter((path) => MANIFEST.test(basename(path))).map(dirname));
}

/** Whether builds and tests write the folder, by its name and by the packages around it. */
export function isOutputFolder(folder: string, packages: Set<string>): boolean {
  const name = basename(folder);
  return OUTPUTS.has(name) || (OUTPUTS_OF_PACKAGES.has(name) && packages.has(dirname(folder)));
}

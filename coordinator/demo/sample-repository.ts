import { cpSync, existsSync, renameSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Id } from '../../protocol/ids.ts';
import { sourcePath } from '../base/source-path.ts';
import type { Samples } from '../operations/retention.ts';
import { runGit } from '../worker-api/git/process.ts';

const SAMPLES = 'samples';
const SUFFIX = '.git';

/** Constant, so that the sample's first commit has the same hash on every server. */
const AUTHOR = { NAME: 'Errand', EMAIL: 'errand@users.noreply.invalid', DATE: '2026-11-01T09:00:00Z' };
const COMMIT_ENVIRONMENT = Object.fromEntries(
  Object.entries(AUTHOR).flatMap(([name, value]) => [
    [`GIT_AUTHOR_${name}`, value],
    [`GIT_COMMITTER_${name}`, value],
  ]),
);

/**
 * Returns the path of the bare sample repository, `<data_dir>/sample.git`. Creates it from
 * `coordinator/demo/sample-repository/` if it is missing. Rejects if git is missing or the disk is not writable.
 */
export async function ensureSampleRepository(data_dir: string): Promise<string> {
  const path = join(data_dir, 'sample.git');
  if (existsSync(path)) return path;
  await mkdir(data_dir, { recursive: true });
  // Renamed into place when complete, so that a crash leaves nothing that looks like a repository.
  const draft = await mkdtemp(join(data_dir, 'sample-'));
  try {
    await makeRepository(draft, sourcePath('coordinator/demo/sample-repository'));
    await rename(draft, path).catch((error: unknown) => {
      // A concurrent call created it first.
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return path;
}

/**
 * Returns the path of a task's own copy of the sample, `<data_dir>/samples/<task_id>.git`; makes it if it is missing.
 * What one errand pushes is in nobody else's way.
 */
export async function ensureSampleOf(data_dir: string, task_id: string): Promise<string> {
  const path = sampleOf(data_dir, task_id);
  if (existsSync(path)) return path;
  const sample = await ensureSampleRepository(data_dir);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(data_dir, 'sample-'));
  try {
    // Five small files: in one turn, since somebody waits. As many turns of the disk's threads take longer.
    cpSync(sample, draft, { recursive: true });
    await rename(draft, path).catch((error: unknown) => {
      if (!existsSync(path)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return path;
}

/** The copies of the sample that tasks have. */
export function samplesIn(data_dir: string): Samples {
  const path = (task_id: string) => sampleOf(data_dir, task_id);
  return {
    path,
    list: async () => {
      const names = await readdir(join(data_dir, SAMPLES)).catch(() => []);
      return names.flatMap((name) => (name.endsWith(SUFFIX) ? [name.slice(0, -SUFFIX.length)] : []));
    },
    remove: async (task_id) => {
      // In this turn of the event loop: a task that begins again gets a new copy, never what is left of this one.
      const gone = `${path(task_id)}.removed`;
      if (existsSync(path(task_id)) && !existsSync(gone)) renameSync(path(task_id), gone);
      await rm(gone, { recursive: true, force: true });
    },
  };
}

function sampleOf(data_dir: string, task_id: string): string {
  return join(data_dir, SAMPLES, `${Id.parse(task_id)}${SUFFIX}`);
}

async function makeRepository(git_dir: string, files: string): Promise<void> {
  const git = (...args: string[]) => runGit([`--git-dir=${git_dir}`, ...args], COMMIT_ENVIRONMENT);
  await git('init', '--quiet', '--bare', '--template=', '--initial-branch=main');
  await git(`--work-tree=${files}`, 'add', '--all', '--', '.');
  await git(`--work-tree=${files}`, 'commit', '--quiet', '--message=Split a bill among friends');
  // It is copied for each errand while somebody waits: as few files.
  await git('-c', 'repack.writeBitmaps=false', 'repack', '-a', '-d', '-n', '--quiet');
  await git('pack-refs', '--all');
  for (const name of ['COMMIT_EDITMSG', 'index', 'logs']) await rm(join(git_dir, name), { recursive: true });
}

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Diff } from '../../../../protocol/api.ts';
import { openNeeds } from '../../../../protocol/without-schemas.ts';
import { useSession } from '../../parts/context.ts';
import type { DiffFile } from './diff-file.ts';
import { parseDiff } from './parse.ts';
import { NOTHING_NEW, sinceLook, type SinceLook } from './since-look.ts';

/**
 * What changed in one repository. `repository`: its key; undefined: the errand has one alone. `diff` undefined: it is
 * not read yet.
 */
export type RepositoryDiff = {
  repository: string | undefined;
  diff: Diff | undefined;
  files: readonly DiffFile[];
  since: SinceLook;
  failed: boolean;
};

type Read = Omit<RepositoryDiff, 'repository'>;
const UNREAD: Read = { diff: undefined, files: [], since: NOTHING_NEW, failed: false };

/**
 * The diffs of all repositories of an errand, the first one first. They are read again when it has ended anew, or
 * asks.
 */
export function useDiffs(id: string): RepositoryDiff[] {
  const session = useSession();
  const read = useSignal<Record<string, Read>>({});
  const task = session.tasks.value?.find((each) => each.id === id);
  const live = session.live.value?.kind === 'live';
  const asked =
    task &&
    openNeeds(task)
      .map((need) => need.id)
      .join();
  const names = JSON.stringify(task?.repositories?.map(({ key }) => key) ?? [null]);
  const keys = JSON.parse(names) as (string | null)[];
  useEffect(() => {
    /** An answer that is late does not replace a newer one. */
    let is_newest = true;
    for (const key of JSON.parse(names) as (string | null)[]) {
      const set = (change: Partial<Read>): void => {
        if (is_newest) read.value = { ...read.value, [key ?? '']: { ...UNREAD, ...read.value[key ?? ''], ...change } };
      };
      session.diffs
        .read(id, key ?? undefined, (diff, before) => set(parse(diff, before)))
        .then(
          () => set({ failed: false }),
          () => set({ failed: true }),
        );
    }
    return () => void (is_newest = false);
  }, [session, id, names, task?.ended_at, asked, live]);
  return keys.map((key) => ({ repository: key ?? undefined, ...(read.value[key ?? ''] ?? UNREAD) }));
}

function parse(diff: Diff, before: Diff | undefined): Pick<Read, 'diff' | 'files' | 'since'> {
  const files = parseDiff(diff.diff);
  return { diff, files, since: sinceLook(files, before) };
}

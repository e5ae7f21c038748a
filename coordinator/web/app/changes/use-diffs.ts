import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Diff } from '../../../../protocol/api.ts';
import { openNeeds } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { parseDiff, type DiffFile } from './parse.ts';

/** What changed in one repository. `repository`: its key; undefined: the errand has one alone. `diff` undefined: it is not read yet. */
export type RepositoryDiff = {
  repository: string | undefined;
  diff: Diff | undefined;
  files: DiffFile[];
  failed: boolean;
};

type Read = { diff?: Diff; failed?: boolean };

/** The diffs of all repositories of an errand, the first one first. They are read again when it has ended anew, or asks. */
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
    for (const key of JSON.parse(names) as (string | null)[]) {
      const set = (change: Read): void => {
        read.value = { ...read.value, [key ?? '']: { ...read.value[key ?? ''], ...change } };
      };
      session
        .diff(id, key ?? undefined, (diff) => set({ diff }))
        .then(
          () => set({ failed: false }),
          () => set({ failed: true }),
        );
    }
  }, [session, id, names, task?.ended_at, asked, live]);
  const files = useComputed(
    () => new Map(Object.entries(read.value).map(([key, { diff }]) => [key, diff ? parseDiff(diff.diff) : []])),
  );
  return keys.map((key) => ({
    repository: key ?? undefined,
    diff: read.value[key ?? '']?.diff,
    files: files.value.get(key ?? '') ?? [],
    failed: read.value[key ?? '']?.failed === true,
  }));
}

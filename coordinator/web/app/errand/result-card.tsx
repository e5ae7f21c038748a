import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { t } from '../../parts/speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { pathOf } from '../../store/routes.ts';
import { Copyable } from './details.tsx';

/** What an errand left: its branch, and the way to its changes. */
export function ResultCard({ task: { id, result } }: { task: Task }): JSX.Element | null {
  if (!result || result.branch === null) return null;
  const { branch, diff_stat } = result;
  return (
    <div class="result">
      <Copyable text={branch} />
      {diff_stat.files > 0 && (
        <a class="choice" href={pathOf('changes', { id })}>
          {t.changes.title} <small>{t.changes.files(diff_stat.files)}</small> <Stat {...diff_stat} />
        </a>
      )}
    </div>
  );
}

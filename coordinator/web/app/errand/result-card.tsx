import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { changesOf } from '../../parts/repositories.ts';
import { Stat } from '../../parts/stat.tsx';
import { pathOf } from '../../store/routes.ts';
import { s } from '../screen-speech.ts';
import { UnsentComments } from './unsent-comments.tsx';
import { Copyable } from './details.tsx';

/** What an errand left: its branch in each repository that it changed, and the way to its changes. */
export function ResultCard({ task }: { task: Task }): JSX.Element | null {
  const { id, result, repositories } = task;
  const changed = changesOf(task);
  const has_branch = [result, ...(repositories ?? [])].some((one) => typeof one?.branch === 'string');
  if (!changed || !has_branch) return null;
  const pushed = repositories?.flatMap(({ branch }) => branch ?? []) ?? [];
  const shared = pushed.length > 1 && new Set(pushed).size === 1 ? pushed[0] : undefined;
  return (
    <div class="result">
      {repositories?.map(({ key, branch }) => (
        <div key={key} class="pushed-in">
          <b dir="ltr">{key}</b>
          {branch === null ? (
            <small>{s.repositories.unchanged}</small>
          ) : (
            shared === undefined && <Copyable text={branch} />
          )}
        </div>
      ))}
      {!repositories && <Copyable text={result?.branch ?? ''} />}
      {shared !== undefined && <Copyable text={shared} />}
      {changed.files > 0 && (
        <a class="choice" href={pathOf('changes', { id })}>
          {s.changes.title} <small>{s.changes.files(changed.files)}</small> <Stat {...changed} />
          <UnsentComments id={id} />
        </a>
      )}
    </div>
  );
}

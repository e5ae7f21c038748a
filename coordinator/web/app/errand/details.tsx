import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Task } from '../../../../protocol/task.ts';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import { baseOf, hasConflicts, pushedBranch } from '../../../client/errand/update-base.ts';
import { LikeThis } from './like-this.tsx';
import { Mute } from './mute.tsx';
import { copyText } from '../../parts/copy-text.ts';
import { Sheet } from '../../parts/screen.tsx';
import { format, t } from '../../parts/speech.ts';
import { repositoryAddress } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { s } from '../screen-speech.ts';
import { UpdateBase } from './update-base.tsx';

type DetailsProps = {
  task: Task;
  fault: string;
  onArchive: () => void;
  onDelete: () => void;
  onClose: () => void;
};

/** What one seldom needs of an errand: its settings, and the ways to put it away or to delete it. */
export function Details({ task, fault, onArchive, onDelete, onClose }: DetailsProps): JSX.Element {
  const branch = pushedBranch(task);
  return (
    <Sheet label={s.errand.details} onClose={onClose}>
      <h2>{s.errand.details}</h2>
      <Facts task={task} branch={branch} />
      {fault !== '' && <p class="fault">{fault}</p>}
      <Mute id={task.id} />
      {branch !== null && (
        <UpdateBase task_id={task.id} base={baseOf(task)} conflicts={hasConflicts(task)} onAsked={onClose} />
      )}
      <LikeThis task={task} />
      {isEnded(task.status) && (
        <>
          <button type="button" class="choice" onClick={onArchive}>
            {s.archive.acts[task.archived === true ? 'unarchive' : 'archive']}
          </button>
          <button type="button" class="choice danger" onClick={onDelete}>
            {s.errand.delete}
          </button>
        </>
      )}
      <button type="button" class="choice" onClick={onClose}>
        {t.close}
      </button>
    </Sheet>
  );
}

function Facts({ task, branch }: { task: Task; branch: string | null }): JSX.Element {
  const { model, effort, repo_url, repositories, schedule_id, attempt, usage, budget_usd } = task;
  return (
    <dl class="facts">
      <dt>{s.errand.repository}</dt>
      {(repositories ?? [{ repo_url }]).map((one) => (
        <dd key={one.repo_url}>{repositoryAddress(one.repo_url)}</dd>
      ))}
      {branch !== null && (
        <>
          <dt>{s.errand.branch}</dt>
          <dd>
            <Copyable text={branch} />
          </dd>
        </>
      )}
      {typeof schedule_id === 'string' && (
        <>
          <dt>{s.schedules.started_by}</dt>
          <dd>
            <a href={pathOf('schedule', { id: schedule_id })}>{s.schedules.one}</a>
          </dd>
        </>
      )}
      <dt>{s.errand.model}</dt>
      <dd>
        {task.model_used ?? model}, {t.effort[(task.model_used ? task.effort_used : effort) ?? effort]}
        {isOtherNext(task) && <small>{s.errand.next_model(model, t.effort[effort])}</small>}
      </dd>
      <dt>{s.errand.money}</dt>
      <dd>
        {t.errand.of(format.money(usage.cost_usd), format.money(budget_usd))}, {s.errand.attempts(attempt)}
      </dd>
    </dl>
  );
}

/** A text that a touch copies. */
export function Copyable({ text }: { text: string }): JSX.Element {
  const copied = useSignal(false);
  return (
    <button
      type="button"
      class="copyable"
      title={s.errand.copy}
      onClick={({ currentTarget }) => void copyText(text, currentTarget).then((done) => (copied.value = done))}
    >
      <code>{text}</code> <span role="status">{copied.value ? s.errand.copied : ''}</span>
    </button>
  );
}

/** Whether the next request is made with another model or effort than the newest answer came from. */
function isOtherNext({ model, effort, model_used, effort_used }: Task): boolean {
  if (!model_used) return false;
  return model !== model_used || (effort_used !== null && effort_used !== undefined && effort !== effort_used);
}

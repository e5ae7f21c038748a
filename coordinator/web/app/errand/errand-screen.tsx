import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Task } from '../../../../protocol/task.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { useVisible } from '../../parts/visible.ts';
import { Icon } from '../../parts/icons.tsx';
import { LiveBadge } from '../../parts/live-badge.tsx';
import { Back, Confirm } from '../../parts/screen.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { changesOf, whereWords } from '../../parts/repositories.ts';
import { Stat } from '../../parts/stat.tsx';
import { faultWords } from '../../parts/words.ts';
import type { OpenErrand } from '../../store/open-errand.ts';
import { pathOf } from '../../store/routes.ts';
import { setArchived } from '../inbox/archive-undo.tsx';
import { Composer } from './composer.tsx';
import { ConversationView } from './conversation-view.tsx';
import { Details } from './details.tsx';
import { Goal } from './goal.tsx';
import { NotHere } from './not-here.tsx';
import { useSaying } from './use-saying.ts';

/** Whoever writes there has little room: a keyboard takes half of a phone. */
const IS_TIGHT = '(pointer: coarse), (max-height: 40rem)';

/** One errand, live: its goal and state, the conversation, and what one says to it. */
export function ErrandScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  useEffect(() => session.open(id), [session, id]);
  useEffect(() => session.push.show(id), [session, id]);
  const errand = session.errand(id).value;
  const task = session.tasks.value?.find((each) => each.id === id);
  const changed = task && changesOf(task);
  const visible = useVisible();
  const live = session.live.value?.kind === 'live';
  useEffect(() => {
    if (visible && errand.loaded && task?.unread === true) session.seen(id);
  }, [session, id, visible, live, errand.loaded, task?.unread]);
  useTitle(task?.title ?? t.app);
  return (
    <section class="screen errand" aria-label={task?.title ?? t.app}>
      <header class="small">
        <Back name="inbox" />
        <span class="where">{task && whereWords(task)}</span>
        {changed && changed.files > 0 && (
          <a class="chip" href={pathOf('changes', { id })}>
            <span class={changed.insertions + changed.deletions > 0 ? 'hidden' : ''}>{s.changes.title}</span>
            <Stat {...changed} />
          </a>
        )}
        <LiveBadge />
        {task && <Menu task={task} />}
      </header>
      {task ? <Talk task={task} errand={errand} /> : <NotHere errand={errand} />}
    </section>
  );
}

function Talk({ task, errand }: { task: Task; errand: OpenErrand }): JSX.Element {
  const session = useSession();
  const folded = useSignal(false);
  const saying = useSaying(task);
  const onBudget = (budget_usd: number): void => {
    if (saying.canSend()) saying.send(budget_usd);
    else void session.acts.retry(task.id, budget_usd);
  };
  return (
    <>
      <Goal task={task} folded={folded.value} onToggle={() => (folded.value = !folded.value)} />
      <ConversationView task={task} errand={errand} onBudget={onBudget} onScroll={() => (folded.value = true)} />
      <Composer task={task} saying={saying} onFocus={() => (folded.value ||= matchMedia(IS_TIGHT).matches)} />
    </>
  );
}

function Menu({ task }: { task: Task }): JSX.Element {
  const [open, deletes] = [useSignal(false), useSignal(false)];
  const fault = useSignal('');
  const session = useSession();
  const router = useRouter();
  const close = (): void => {
    [open.value, fault.value] = [false, ''];
  };
  const archive = (): void => {
    close();
    const archived = task.archived !== true;
    setArchived(session, task, archived);
    if (archived) router.go('inbox', {}, true);
  };
  const remove = (): void => {
    session
      .remove(task.id)
      .then(router.unlessGone(() => router.go('inbox', {}, true)))
      .catch((error: unknown) => {
        fault.value = faultWords(error);
        open.value = true;
      });
  };
  return (
    <>
      <button type="button" class="icon-button" aria-label={s.errand.details} onClick={() => (open.value = true)}>
        <Icon name="more" />
      </button>
      {open.value && (
        <Details
          task={task}
          fault={fault.value}
          onArchive={archive}
          onDelete={() => {
            close();
            deletes.value = true;
          }}
          onClose={close}
        />
      )}
      {deletes.value && (
        <Confirm
          title={s.errand.delete_title}
          about={task.title}
          text={s.errand.delete_text}
          yes={s.errand.delete}
          danger
          onYes={remove}
          onClose={() => (deletes.value = false)}
        />
      )}
    </>
  );
}

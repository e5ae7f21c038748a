import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import type { Hear, Task } from '../../../../protocol/task.ts';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import type { PersonItem } from '../../../client/errand/items.ts';
import type { Entry } from '../../../client/sync/outbox-entry.ts';
import { FileList, useKeptFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { entryWords } from '../../parts/entry-words.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { format, t } from '../../parts/speech.ts';
import { TakeBack } from '../../parts/take-back.tsx';
import { isTooLong, TooLong } from '../../parts/too-long.tsx';
import { useOnce } from '../../parts/use-once.ts';
import { useText } from '../../parts/use-text.ts';
import { CancelText } from '../cancel-text.tsx';
import { s } from '../screen-speech.ts';
import { SaidText } from './said-text.tsx';

/** What a message needs to know of its errand. */
export type TaskNow = Pick<Task, 'id' | 'status'>;

/** What a person said, and what became of it. Until it is heard it can be changed and taken back. */
export function Message({ item, task }: { item: PersonItem; task: TaskNow }): JSX.Element {
  const { id: task_id, status } = task;
  const session = useSession();
  const { entries } = session.acts;
  const { message_id, heard_at, attachments } = item;
  const edited = useSignal<Changeable | undefined>(undefined);
  const waiting = entries.value.filter(
    ({ action }) => (action.do === 'reword' || action.do === 'unsay') && action.message_id === message_id,
  );
  const { text, hear, revision } = onceChanged(item, waiting);
  const gone = waiting.some(({ action, refused }) => action.do === 'unsay' && !refused);
  const can_change = message_id !== null && heard_at === null;
  const { value: before } = edited;
  return (
    <>
      {before && message_id !== null ? (
        // Also of a message that is heard meanwhile, or changed by another device: what is written must not go, nor
        // replace words that were not seen. The server refuses it, and it comes back.
        <Editor
          draft={`edit ${task_id} ${message_id}`}
          text={before.text}
          onSave={async (next) =>
            next === before.text || session.acts.reword(task_id, message_id, { revision: before.revision, text: next })
          }
          onClose={() => (edited.value = undefined)}
        />
      ) : (
        <Said text={can_change ? text : item.text} files={attachments} struck={can_change && gone} />
      )}
      {can_change && <small>{gone ? s.errand.taking_back : whenHeard(hear, status)}</small>}
      {message_id !== null && heard_at !== null && <small>{s.errand.heard_at(format.clock(heard_at))}</small>}
      {can_change && !gone && !before && (
        <Actions
          {...{ hear, revision, task_id, message_id }}
          onEdit={() => (edited.value = { text, hear, revision })}
        />
      )}
      <Refused entries={waiting} />
    </>
  );
}

/** When the agent hears what waits for it. */
function whenHeard(hear: Hear, status: TaskNow['status']): string {
  return isEnded(status) ? s.errand.heard_later : s.errand.heard[hear];
}

type Changeable = Pick<PersonItem, 'text' | 'hear' | 'revision'>;

/** A message once the changes on their way have arrived: they show at once, and the next one follows them. */
function onceChanged({ text, hear, revision }: PersonItem, entries: readonly Entry[]): Changeable {
  return entries.reduce<Changeable>(
    (before, { action, refused }) =>
      action.do !== 'reword' || refused
        ? before
        : {
            text: action.body.text ?? before.text,
            hear: action.body.hear ?? before.hear,
            revision: Math.max(before.revision, action.body.revision + 1),
          },
    { text, hear, revision },
  );
}

type SaidProps = { text: string; files: PersonItem['attachments']; struck?: boolean };

function Said({ text, files, struck = false }: SaidProps): JSX.Element {
  return (
    <div class={struck ? 'mine struck' : 'mine'} dir="auto">
      <SaidText text={text} />
      <FileList files={files} />
    </div>
  );
}

type ActionsProps = Pick<PersonItem, 'hear' | 'revision'> & {
  task_id: string;
  message_id: string;
  onEdit: () => void;
};

function Actions({ hear, revision, task_id, message_id, onEdit }: ActionsProps): JSX.Element {
  const session = useSession();
  const other: Hear = hear === 'next_call' ? 'after_turn' : 'next_call';
  return (
    <div class="message-actions">
      <button type="button" class="quiet" onClick={onEdit}>
        {s.errand.change}
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => void session.acts.reword(task_id, message_id, { revision, hear: other })}
      >
        {s.errand.hear[other]}
      </button>
      <button type="button" class="quiet" onClick={() => void session.acts.unsay(task_id, message_id)}>
        {t.errand.take_back}
      </button>
    </div>
  );
}

type EditorProps = {
  /** Where the text is kept while it is written. */
  draft: string;
  text: string;
  /** Resolves with whether the text is stored now. */
  onSave: (text: string) => Promise<boolean>;
  onClose: () => void;
  /** The text can be changed no more; what was written goes there. */
  over?: ((written: string) => void) | undefined;
};

function Editor({ draft, text, onSave, onClose, over }: EditorProps): JSX.Element {
  const now = useText(draft, text);
  const once = useOnce();
  const next = now.value.trim();
  const close = (): void => {
    now.value = '';
    onClose();
  };
  useLayoutEffect(() => {
    if (!over) return;
    if (next !== '' && next !== text) over(next);
    close();
  }, [over === undefined]);
  const save = (): void =>
    once(async () => {
      if (await onSave(next)) close();
    });
  return (
    <div class="mine edited">
      <GrowingField autofocus value={now.value} label={s.errand.change} onInput={(written) => (now.value = written)} />
      <TooLong text={now.value} />
      <CancelText loses={next !== '' && next !== text} onCancel={close} />
      <button type="button" class="quiet" disabled={next === '' || isTooLong(next)} onClick={save}>
        {s.errand.save}
      </button>
    </div>
  );
}

/** Changes that came too late, that another device has overtaken, or that did not arrive, with their words. */
function Refused({ entries }: { entries: readonly Entry[] }): JSX.Element {
  const live = useSession().live.value;
  return (
    <>
      {entries.map(
        (entry) =>
          (entry.refused ?? entry.failed) && (
            <div key={entry.key} class="unsent" role="status">
              {entry.refused && entry.action.do === 'reword' && entry.action.body.text !== undefined && (
                <div class="mine" dir="auto">
                  {entry.action.body.text}
                </div>
              )}
              <small class="fault">
                {entryWords(entry, live)}
                <TakeBack entry={entry} />
              </small>
            </div>
          ),
      )}
    </>
  );
}

/** A message that the server has not confirmed yet. */
export function UnsentMessage({ entry, status }: { entry: Entry } & Pick<TaskNow, 'status'>): JSX.Element | null {
  const session = useSession();
  const edits = useSignal(false);
  const { action, tried, refused, failed, message_id, key } = entry;
  if (action.do !== 'say') return <UnsentAct entry={entry} />;
  const { text, hear = 'next_call' } = action.body;
  const words = message_id === undefined ? entryWords(entry, session.live.value) : whenHeard(hear, status);
  const save = async (next: string): Promise<boolean> => next === text || session.acts.change(key, next);
  // It is being sent as it was: what it should have become is said next.
  const sayNext = (written: string): void => void session.texts.give(`say ${action.task_id}`, { add: written });
  return (
    <li class="person unsent">
      {edits.value ? (
        <Editor
          draft={`edit ${action.task_id} ${key}`}
          text={text}
          onSave={save}
          onClose={() => (edits.value = false)}
          over={tried ? sayNext : undefined}
        />
      ) : (
        <div class="mine" dir="auto">
          {text}
          <UnsentFiles ids={action.body.attachments ?? []} />
        </div>
      )}
      <small class={(refused ?? failed) ? 'fault' : ''}>
        {words}
        {!tried && !edits.value && (
          <button type="button" class="quiet" onClick={() => (edits.value = true)}>
            {s.errand.change}
          </button>
        )}
        <TakeBack entry={entry} />
      </small>
    </li>
  );
}

function UnsentFiles({ ids }: { ids: readonly string[] }): JSX.Element {
  const files = useKeptFiles(ids);
  return <FileList files={files} />;
}

/**
 * What a person did that is no message, and that waits for the network, or was refused: an answer may come too late,
 * and a budget may be more than they may spend.
 */
function UnsentAct({ entry }: { entry: Entry }): JSX.Element | null {
  const live = useSession().live.value;
  const name = nameOf(entry.action);
  if (name === undefined) return null;
  return (
    <li class="person unsent" role="status">
      <small class={(entry.refused ?? entry.failed) ? 'fault' : ''}>
        {name}: {entryWords(entry, live)}
        <TakeBack entry={entry} />
      </small>
    </li>
  );
}

function nameOf(action: Entry['action']): string | undefined {
  switch (action.do) {
    case 'stop':
      return s.archive.acts.stop;
    case 'retry':
      return s.archive.acts.again;
    case 'archive':
      return s.archive.acts[action.archived ? 'archive' : 'unarchive'];
    case 'answer':
      return s.archive.answer;
    default:
      return undefined;
  }
}

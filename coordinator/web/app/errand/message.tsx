import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { LIMITS } from '../../../../protocol/limits.ts';
import type { Hear } from '../../../../protocol/task.ts';
import type { PersonItem } from '../../../client/errand/items.ts';
import type { Entry } from '../../../client/sync/outbox-entry.ts';
import { FileList, useKeptFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { entryWords } from '../../parts/entry-words.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { format, t } from '../../parts/speech.ts';
import { TakeBack } from '../../parts/take-back.tsx';
import { useText } from '../../parts/use-text.ts';
import { s } from '../screen-speech.ts';
import { SaidText } from './said-text.tsx';

/** What a person said, and what became of it. Until it is heard it can be changed and taken back. */
export function Message({ item, task_id }: { item: PersonItem; task_id: string }): JSX.Element {
  const session = useSession();
  const { entries } = session.acts;
  const { message_id, heard_at, hear, attachments } = item;
  const edits = useSignal(false);
  const waiting = entries.value.filter(
    ({ action }) => (action.do === 'reword' || action.do === 'unsay') && action.message_id === message_id,
  );
  // What was changed here shows at once.
  const changed = waiting.findLast(({ action, refused }) => action.do === 'reword' && !refused)?.action;
  const text = (changed?.do === 'reword' && changed.body.text) || item.text;
  const gone = waiting.some(({ action, refused }) => action.do === 'unsay' && !refused);
  if (message_id === null || heard_at !== null)
    return (
      <>
        <Said text={item.text} files={attachments} />
        {message_id !== null && heard_at !== null && <small>{s.errand.heard_at(format.clock(heard_at))}</small>}
        <Refused entries={waiting} />
      </>
    );
  return (
    <>
      {edits.value ? (
        <Editor
          draft={`edit ${message_id}`}
          text={text}
          onSave={(next) => {
            edits.value = false;
            if (next !== text) void session.acts.reword(task_id, message_id, { revision: item.revision, text: next });
          }}
        />
      ) : (
        <Said text={text} files={attachments} struck={gone} />
      )}
      <small>{gone ? s.errand.taking_back : s.errand.heard[hear]}</small>
      {!gone && !edits.value && (
        <Actions item={item} task_id={task_id} message_id={message_id} onEdit={() => (edits.value = true)} />
      )}
      <Refused entries={waiting} />
    </>
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

type ActionsProps = { item: PersonItem; task_id: string; message_id: string; onEdit: () => void };

function Actions({ item: { hear, revision }, task_id, message_id, onEdit }: ActionsProps): JSX.Element {
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

type EditorProps = { draft: string; text: string; onSave: (text: string) => void };

/** `draft`: where the text is kept while it is written. */
function Editor({ draft, text, onSave }: EditorProps): JSX.Element {
  const now = useText(draft, text);
  const next = now.value.trim();
  const end = (saved: string): void => {
    now.value = '';
    onSave(saved);
  };
  const is_valid = next !== '' && next.length <= LIMITS.text_chars_max;
  return (
    <div class="mine edited">
      <GrowingField autofocus value={now.value} label={s.errand.change} onInput={(written) => (now.value = written)} />
      <button type="button" class="quiet" onClick={() => end(text)}>
        {t.cancel}
      </button>
      <button type="button" class="quiet" disabled={!is_valid} onClick={() => end(next)}>
        {s.errand.save}
      </button>
    </div>
  );
}

/** Changes that came too late, that another device has overtaken, or that did not arrive. */
function Refused({ entries }: { entries: readonly Entry[] }): JSX.Element {
  return (
    <>
      {entries.map(
        (entry) =>
          (entry.refused ?? entry.failed) && (
            <small key={entry.key} class="fault" role="status">
              {entryWords(entry)}
              <TakeBack entry={entry} />
            </small>
          ),
      )}
    </>
  );
}

/** A message that the server has not confirmed yet. */
export function UnsentMessage({ entry }: { entry: Entry }): JSX.Element | null {
  const session = useSession();
  const edits = useSignal(false);
  const { action, tried, refused, failed, message_id, key } = entry;
  if (action.do !== 'say') return <UnsentAct entry={entry} />;
  const { text, hear = 'next_call' } = action.body;
  const words = message_id === undefined ? entryWords(entry) : s.errand.heard[hear];
  const save = (next: string): void => {
    edits.value = false;
    if (next !== text) void session.acts.change(key, next);
  };
  return (
    <li class="person unsent">
      {edits.value && !tried ? (
        <Editor draft={`edit ${key}`} text={text} onSave={save} />
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
 * What a person did that is no message, and that waits for the network, or was refused: an answer may come too late, and
 * a budget may be more than they may spend.
 */
function UnsentAct({ entry }: { entry: Entry }): JSX.Element | null {
  const name = nameOf(entry.action);
  if (name === undefined) return null;
  return (
    <li class="person unsent" role="status">
      <small class={(entry.refused ?? entry.failed) ? 'fault' : ''}>
        {name}: {entryWords(entry)}
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

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { LIMITS } from '../../../../protocol/limits.ts';
import type { Hear } from '../../../../protocol/task.ts';
import type { PersonItem } from '../../../client/errand/items.ts';
import type { Entry } from '../../../client/sync/outbox.ts';
import { FileList, useKeptFiles } from '../../parts/attach.tsx';
import { useSession } from '../../parts/context.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { format, t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { SaidText } from './said-text.tsx';

/** What a person said, and what became of it. Until it is heard it can be changed and taken back. */
export function Message({ item, task_id }: { item: PersonItem; task_id: string }): JSX.Element {
  const session = useSession();
  const { entries } = session;
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
        {message_id !== null && heard_at !== null && <small>{t.errand.heard_at(format.clock(heard_at))}</small>}
        <Refused entries={waiting} />
      </>
    );
  return (
    <>
      {edits.value ? (
        <Editor
          text={text}
          onSave={(next) => {
            edits.value = false;
            if (next !== text) void session.reword(task_id, message_id, { revision: item.revision, text: next });
          }}
        />
      ) : (
        <Said text={text} files={attachments} struck={gone} />
      )}
      <small>{gone ? t.errand.taking_back : t.errand.heard[hear]}</small>
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
        {t.errand.change}
      </button>
      <button
        type="button"
        class="quiet"
        onClick={() => void session.reword(task_id, message_id, { revision, hear: other })}
      >
        {t.errand.hear[other]}
      </button>
      <button type="button" class="quiet" onClick={() => void session.unsay(task_id, message_id)}>
        {t.errand.take_back}
      </button>
    </div>
  );
}

function Editor({ text, onSave }: { text: string; onSave: (text: string) => void }): JSX.Element {
  const now = useSignal(text);
  const next = now.value.trim();
  const is_valid = next !== '' && next.length <= LIMITS.text_chars_max;
  return (
    <div class="mine edited">
      <GrowingField autofocus value={now.value} label={t.errand.change} onInput={(written) => (now.value = written)} />
      <button type="button" class="quiet" onClick={() => onSave(text)}>
        {t.cancel}
      </button>
      <button type="button" class="quiet" disabled={!is_valid} onClick={() => onSave(next)}>
        {t.errand.save}
      </button>
    </div>
  );
}

/** Changes that came too late, or that another device has overtaken. */
function Refused({ entries }: { entries: readonly Entry[] }): JSX.Element {
  const session = useSession();
  return (
    <>
      {entries.map(
        ({ key, refused }) =>
          refused && (
            <small key={key} class="fault" role="status">
              {t.errand.refused(refused.detail)}
              <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
                {t.errand.dismiss}
              </button>
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
  const { action, tried, refused, message_id, key } = entry;
  if (action.do !== 'say') return <UnsentAct entry={entry} />;
  const { text, hear = 'next_call' } = action.body;
  const words = refused
    ? t.errand.refused(refused.detail)
    : message_id !== undefined
      ? t.errand.heard[hear]
      : tried
        ? t.errand.sending
        : t.errand.waits_to_be_sent;
  const save = (next: string): void => {
    edits.value = false;
    if (next !== text) void session.change(key, next);
  };
  return (
    <li class="person unsent">
      {edits.value && !tried ? (
        <Editor text={text} onSave={save} />
      ) : (
        <div class="mine" dir="auto">
          {text}
          <UnsentFiles ids={action.body.attachments ?? []} />
        </div>
      )}
      <small class={refused ? 'fault' : ''}>
        {words}
        {!tried && !edits.value && (
          <button type="button" class="quiet" onClick={() => (edits.value = true)}>
            {t.errand.change}
          </button>
        )}
        {(!tried || refused) && (
          <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
            {refused ? t.errand.dismiss : t.errand.take_back}
          </button>
        )}
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
function UnsentAct({ entry: { key, action, tried, refused } }: { entry: Entry }): JSX.Element | null {
  const session = useSession();
  const name = nameOf(action);
  if (name === undefined) return null;
  const words = refused ? t.errand.refused(refused.detail) : tried ? t.errand.sending : t.errand.waits_to_be_sent;
  return (
    <li class="person unsent" role="status">
      <small class={refused ? 'fault' : ''}>
        {name}: {words}
        {(!tried || refused) && (
          <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
            {refused ? t.errand.dismiss : t.errand.take_back}
          </button>
        )}
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

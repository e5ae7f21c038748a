import { Component, type JSX } from 'preact';
import type { CommandItem, Item, NoteItem, PersonItem, QuestionItem, ReadsItem } from '../../../client/errand/items.ts';
import type { Entry } from '../../../client/sync/outbox.ts';
import { useSession } from '../../parts/context.ts';
import { Markdown } from '../../parts/markdown.tsx';
import { Output } from '../../parts/output.tsx';
import { format, t } from '../../parts/speech.ts';
import { firstLine } from '../../parts/words.ts';
import { noteWords } from './note-words.ts';
import { Fold, ToolRow } from './tool-row.tsx';

type RowProps = { row: Item | ReadsItem; writing: string | undefined };

/** One row. It is drawn again only when it is another object. */
export class ItemRow extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    return next.row !== this.props.row || next.writing !== this.props.writing;
  }

  override render(): JSX.Element {
    const { row, writing } = this.props;
    return <li class={row.kind}>{contentOf(row, writing)}</li>;
  }
}

function contentOf(row: Item | ReadsItem, writing: string | undefined): JSX.Element {
  switch (row.kind) {
    case 'said':
      return <Markdown text={row.text} />;
    case 'result':
      return <Markdown text={row.summary} />;
    case 'thinking':
      return (
        <Fold name={t.errand.thought} code="" end="">
          <p class="thought-text">{row.text}</p>
        </Fold>
      );
    case 'tool':
      return <ToolRow tool={row} writing={writing} />;
    case 'reads':
      return <ReadsRow reads={row} />;
    case 'person':
      return <Message item={row} />;
    case 'question':
      return <Question item={row} />;
    case 'command':
      return <Command item={row} />;
    case 'note':
      return <NoteRow item={row} />;
  }
}

function ReadsRow({ reads: { tools } }: { reads: ReadsItem }): JSX.Element {
  const searches = tools.filter(({ name }) => name === 'search').length;
  const reads = tools.length - searches;
  const words = [
    ...(reads > 0 ? [t.errand.read_files(reads)] : []),
    ...(searches > 0 ? [t.errand.searched(searches)] : []),
  ];
  const took = tools.reduce((sum, { duration_ms }) => sum + (duration_ms ?? 0), 0);
  return (
    <Fold name="" code={words.join(', ')} end={format.duration(took)}>
      {tools.map((tool) => (
        <ToolRow key={tool.key} tool={tool} writing={undefined} />
      ))}
    </Fold>
  );
}

function Message({ item: { text, message_id, heard_at } }: { item: PersonItem }): JSX.Element {
  return (
    <>
      <div class="mine" dir="auto">
        {text}
      </div>
      {message_id !== null && (
        <small>{heard_at === null ? t.errand.not_heard : t.errand.heard_at(format.clock(heard_at))}</small>
      )}
    </>
  );
}

/** A message that the server has not confirmed yet. */
export function UnsentMessage({ entry }: { entry: Entry }): JSX.Element | null {
  const session = useSession();
  const { action, tried, refused, message_id, key } = entry;
  if (action.do === 'answer' && refused) return <RefusedAnswer entry={entry} why={refused.detail} />;
  if (action.do !== 'say') return null;
  const words = refused
    ? t.errand.refused(refused.detail)
    : message_id !== undefined
      ? t.errand.not_heard
      : tried
        ? t.errand.sending
        : t.errand.waits_to_be_sent;
  return (
    <li class="person unsent">
      <div class="mine" dir="auto">
        {action.body.text}
      </div>
      <small class={refused ? 'fault' : ''}>
        {words}
        {(!tried || refused) && (
          <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
            {refused ? t.errand.dismiss : t.errand.take_back}
          </button>
        )}
      </small>
    </li>
  );
}

/** An answer that came too late: the server says how the decision was made. */
function RefusedAnswer({ entry: { key }, why }: { entry: Entry; why: string }): JSX.Element {
  const session = useSession();
  return (
    <li class="person unsent" role="status">
      <small class="fault">
        {t.errand.refused(why)}
        <button type="button" class="quiet" onClick={() => void session.takeBack(key)}>
          {t.errand.dismiss}
        </button>
      </small>
    </li>
  );
}

function Question({ item: { question, state, until } }: { item: QuestionItem }): JSX.Element {
  return (
    <div class={state === 'open' ? 'card asked' : 'card asked closed'}>
      <Markdown text={question} />
      {state === 'open'
        ? until !== null && <small>{t.errand.until(format.clock(until))}</small>
        : state === 'unanswered' && <small>{t.errand.unanswered}</small>}
    </div>
  );
}

function Command({ item: { step, command, passed, exit_code, output, duration_ms } }: { item: CommandItem }) {
  const outcome = passed ? '✓' : exit_code === null ? t.errand.killed : t.errand.exit(String(exit_code));
  const end = `${outcome} · ${format.duration(duration_ms)}`;
  return (
    <Fold
      name={step === 'setup' ? t.errand.setup : t.errand.verify}
      code={firstLine(command)}
      end={end}
      failed={!passed}
    >
      <Output text={output} />
    </Fold>
  );
}

function NoteRow({ item: { note, at } }: { item: NoteItem }): JSX.Element {
  return (
    <p class={note.what === 'log' ? `line ${note.level}` : 'line'} dir="auto" title={format.clock(at)}>
      {noteWords(note)}
    </p>
  );
}

import { Component, type JSX } from 'preact';
import { isEnded } from '../../../../protocol/without-schemas.ts';
import type { CommandItem, Item, NoteItem, QuestionItem, ReadsItem } from '../../../client/errand/items.ts';
import { Markdown } from '../../parts/markdown.tsx';
import { Output } from '../../parts/output.tsx';
import { format } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { firstLine } from '../../parts/words.ts';
import { Message, type TaskNow } from './message.tsx';
import { noteWords } from './note-words.ts';
import { showsPicture, ShownPicture } from './picture.tsx';
import { Fold, ToolRow, type OnCut } from './tool-row.tsx';

type RowProps = {
  row: Item | ReadsItem;
  writing: string | undefined;
  task: TaskNow;
  /** These events are not whole, and somebody looks at them. */
  onCut: OnCut;
};

/** One row. It is drawn again only when it is another object. */
export class ItemRow extends Component<RowProps> {
  override shouldComponentUpdate(next: Readonly<RowProps>): boolean {
    const { row, writing, task } = this.props;
    return next.row !== row || next.writing !== writing || next.task.status !== task.status;
  }

  /** What a person reads without opening it is read whole. The rest when it is opened. */
  override componentDidMount(): void {
    this.#readWhole();
  }

  override componentDidUpdate(): void {
    this.#readWhole();
  }

  #readWhole(): void {
    const { row, onCut } = this.props;
    if (showsAll(row) && row.cut && row.cut.length > 0) onCut(row.cut);
  }

  override render(): JSX.Element {
    const { row } = this.props;
    return <li class={row.kind}>{contentOf(row, this.props)}</li>;
  }
}

/** Whether all of it is there to read without opening it. */
function showsAll(row: Item | ReadsItem): row is Item {
  if (row.kind === 'tool') return showsPicture(row);
  return row.kind === 'said' || row.kind === 'person' || row.kind === 'result';
}

function contentOf(row: Item | ReadsItem, { writing, task, onCut }: RowProps): JSX.Element {
  switch (row.kind) {
    case 'said':
      return <Markdown text={row.text} />;
    case 'result':
      return <Markdown text={row.summary} />;
    case 'thinking':
      return (
        <Fold name={s.errand.thought} code="" end="" cut={row.cut} onCut={onCut}>
          <p class="thought-text">{row.text}</p>
        </Fold>
      );
    case 'tool':
      if (showsPicture(row)) return <ShownPicture tool={row} />;
      return <ToolRow tool={row} writing={writing} works={!isEnded(task.status)} onCut={onCut} />;
    case 'reads':
      return <ReadsRow reads={row} onCut={onCut} />;
    case 'person':
      return <Message item={row} task={task} />;
    case 'question':
      return <Question item={row} />;
    case 'command':
      return <Command item={row} onCut={onCut} />;
    case 'note':
      return <NoteRow item={row} />;
  }
}

function ReadsRow({ reads: { tools }, onCut }: { reads: ReadsItem; onCut: OnCut }): JSX.Element {
  const searches = tools.filter(({ name }) => name === 'search').length;
  const reads = tools.length - searches;
  const words = [
    ...(reads > 0 ? [s.errand.read_files(reads)] : []),
    ...(searches > 0 ? [s.errand.searched(searches)] : []),
  ];
  const took = tools.reduce((sum, { duration_ms }) => sum + (duration_ms ?? 0), 0);
  return (
    <Fold name="" code={words.join(', ')} end={format.duration(took)}>
      {tools.map((tool) => (
        <ToolRow key={tool.key} tool={tool} writing={undefined} works={false} onCut={onCut} />
      ))}
    </Fold>
  );
}

function Question({ item: { question, state, until } }: { item: QuestionItem }): JSX.Element {
  return (
    <div class={state === 'open' ? 'card asked' : 'card asked closed'}>
      <Markdown text={question} />
      {state === 'open'
        ? until !== null && <small>{s.errand.until(format.clock(until))}</small>
        : state === 'unanswered' && <small>{s.errand.unanswered}</small>}
    </div>
  );
}

function Command({ item, onCut }: { item: CommandItem; onCut: OnCut }) {
  const { step, command, passed, exit_code, output, duration_ms } = item;
  const outcome = passed ? '✓' : exit_code === null ? s.errand.killed : s.errand.exit(String(exit_code));
  const end = `${outcome} · ${format.duration(duration_ms)}`;
  return (
    <Fold
      name={step === 'setup' ? s.errand.setup : s.errand.verify}
      code={firstLine(command)}
      end={end}
      failed={!passed}
      cut={item.cut}
      onCut={onCut}
    >
      <Output text={output} />
    </Fold>
  );
}

function NoteRow({ item: { note, at } }: { item: NoteItem }): JSX.Element {
  const level = note.what === 'log' ? note.level : note.what === 'thread' && note.problem !== null ? 'warn' : '';
  return (
    <p class={`line ${level}`} dir="auto" title={format.clock(at)}>
      {noteWords(note)}
    </p>
  );
}

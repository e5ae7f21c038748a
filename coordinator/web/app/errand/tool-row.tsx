import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ToolItem } from '../../../client/errand/items.ts';
import { Icon } from '../../parts/icons.tsx';
import { now } from '../../parts/now.ts';
import { Output } from '../../parts/output.tsx';
import { format } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { Stat } from '../../parts/stat.tsx';
import { describeTool } from './describe-tool.ts';
import { addressesOf, Picture } from './picture.tsx';

type FoldProps = {
  /** What was done, before the code that it was done with. */
  name: string;
  code: string;
  end: ComponentChildren;
  failed?: boolean;
  /** The events of what is in it that are not whole. */
  cut?: readonly number[] | undefined;
  onCut?: OnCut;
  children: ComponentChildren;
};

/** One line that opens. What is in it is drawn, and read whole, while it is open. */
export function Fold({ name, code, end, failed = false, cut = [], onCut, children }: FoldProps): JSX.Element {
  const open = useSignal(false);
  useEffect(() => {
    if (open.value && cut.length > 0) onCut?.(cut);
  }, [open.value, cut.join(' ')]);
  return (
    <>
      <button type="button" class="call" aria-expanded={open.value} onClick={() => (open.value = !open.value)}>
        <Icon name="open" />
        <code dir="auto">
          {name !== '' && <span class="verb">{name} </span>}
          {code}
        </code>
        <span class={failed ? 'end no' : 'end'}>{end}</span>
      </button>
      {open.value && <div class="opened">{children}</div>}
    </>
  );
}

/** Called with the ids of events that are not whole, once somebody looks at them. */
export type OnCut = (event_ids: readonly number[]) => void;

type ToolRowProps = {
  tool: ToolItem;
  writing: string | undefined;
  /** Whether somebody runs what has not ended. */
  works: boolean;
  onCut: OnCut;
};

/** A call of a tool: its name, the one argument that matters, its outcome, and how long it took. */
export function ToolRow({ tool, writing, works, onCut }: ToolRowProps): JSX.Element {
  const { verb, argument, change, input } = describeTool(tool);
  return (
    <>
      <Fold
        name={verb}
        code={argument}
        end={<End {...{ tool, change, works }} />}
        failed={tool.state === 'failed'}
        cut={tool.cut}
        onCut={onCut}
      >
        {input !== '' && <pre class="out input">{input}</pre>}
        {tool.state !== 'running' && (tool.output !== '' || tool.pictures.length === 0) && (
          <Output text={tool.output} />
        )}
        {addressesOf(tool).map((src, i) => (
          <Picture key={i} src={src} label={s.errand.picture(`${verb} ${argument}`.trim())} />
        ))}
      </Fold>
      {tool.state === 'running' && writing !== undefined && <Output text={writing} />}
    </>
  );
}

type EndProps = Pick<ToolRowProps, 'works'> & {
  tool: ToolItem;
  change: { insertions: number; deletions: number } | undefined;
};

function End({ tool: { state, exit_code, duration_ms, at }, change, works }: EndProps): JSX.Element {
  if (state === 'running' && !works) return <>{s.errand.cut_off}</>;
  if (state === 'running') return <>{format.duration(now.value - Date.parse(at))}</>;
  const took = format.duration(duration_ms ?? 0);
  if (state === 'failed') {
    const why =
      exit_code === null
        ? s.errand.killed
        : exit_code === undefined
          ? s.errand.failed
          : s.errand.exit(String(exit_code));
    // A call that was cut off is closed later, and nobody knows how long it took.
    return <>{[why, ...(duration_ms === 0 ? [] : [took])].join(' · ')}</>;
  }
  return change ? <Stat {...change} /> : <>{took}</>;
}

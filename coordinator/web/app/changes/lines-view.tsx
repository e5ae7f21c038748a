import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { s } from '../screen-speech.ts';
import { keyOf } from './comments.ts';
import { coloursOf, type Colours } from './file-colours.ts';
import { foldHunk, nextOf } from './fold.ts';
import { Line } from './line-view.tsx';
import { useOneStop } from './use-one-stop.ts';
import type { DiffFile, DiffLine } from './diff-file.ts';
import type { Comments } from './use-comments.ts';

type LinesProps = {
  /** The key of its repository, where the errand has several. */
  repository: string | undefined;
  file: DiffFile;
  /** The lines that were not there at the last look. */
  fresh: ReadonlySet<DiffLine>;
  comments: Comments;
};

/** The lines of a file's diff. What did not change is folded, and opens at a touch. */
export function Lines({ repository, file, fresh, comments }: LinesProps): JSX.Element {
  const { path, hunks, binary } = file;
  const colours = useColours(file);
  const opened = useSignal<ReadonlySet<string>>(new Set());
  const box = useOneStop();
  if (binary) return <p class="gap">{s.changes.binary}</p>;
  const own = new Map(
    comments.placed.flatMap((comment, i) => (comment.lost === true ? [] : [[keyOf(comment), i] as const])),
  );
  const placeOf = ({ line, type, code }: DiffLine) => {
    const place = { ...(repository !== undefined && { repository }), path, line, removed: type === 'removed', code };
    return { place, key: keyOf(place) };
  };
  const show = (line: DiffLine): JSX.Element => {
    const { place, key } = placeOf(line);
    return (
      <Line
        key={key}
        line={line}
        fresh={fresh.has(line)}
        pieces={colours?.get(line)}
        comments={comments}
        index={own.get(key)}
        onTouch={() => comments.touch(place)}
      />
    );
  };
  const isOpen = (line: DiffLine): boolean => {
    const { key } = placeOf(line);
    return opened.value.has(key) || own.has(key);
  };
  const open = (folded: readonly DiffLine[]) =>
    (opened.value = new Set([...opened.value, ...nextOf(folded).map((line) => placeOf(line).key)]));
  return (
    <div class="diff" ref={box}>
      {hunks.map((hunk, i) => (
        <div key={i}>
          {hunk.gap > 0 && <p class="gap">{s.changes.gap(hunk.gap)}</p>}
          {foldHunk(hunk, isOpen).map(({ folded, lines }) =>
            folded ? <Fold key={`fold ${lines[0]?.line}`} lines={lines} onOpen={() => open(lines)} /> : lines.map(show),
          )}
        </div>
      ))}
    </div>
  );
}

/** Unchanged lines. The focus goes on at the first that it opens. */
function Fold({ lines, onOpen }: { lines: readonly DiffLine[]; onOpen: () => void }): JSX.Element {
  return (
    <button
      type="button"
      class="gap"
      aria-expanded={false}
      onClick={({ currentTarget: { parentElement: box, previousElementSibling: before } }) => {
        onOpen();
        requestAnimationFrame(() => {
          const first = before ? before.nextElementSibling : box?.firstElementChild;
          if (first instanceof HTMLElement) first.focus({ preventScroll: true });
        });
      }}
    >
      {s.changes.unfold(lines.length)}
    </button>
  );
}

/** The colours of a file; undefined until they are there. */
function useColours(file: DiffFile): Colours | undefined {
  const colours = useSignal<Colours | undefined>(undefined);
  useEffect(() => {
    let is_shown = true;
    void coloursOf(file).then((found) => {
      if (is_shown) colours.value = found;
    });
    return () => void (is_shown = false);
  }, [file, colours]);
  return colours.value;
}

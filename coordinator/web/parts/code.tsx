import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { highlight } from '../code/highlight.ts';
import type { Piece } from '../code/pieces.ts';

/** The pieces of a line of code, in their colours. */
export function Pieces({ pieces }: { pieces: readonly Piece[] }): JSX.Element {
  return (
    <>
      {pieces.map(({ text, kind }, i): ComponentChildren =>
        kind ? (
          <span key={i} class={`code-${kind}`}>
            {text}
          </span>
        ) : (
          text
        ),
      )}
    </>
  );
}

/** A block of code. Its colours come when they are there. */
export function CodeBlock({ text, language }: { text: string; language: string }): JSX.Element {
  const [lines, setLines] = useState<readonly Piece[][] | undefined>(undefined);
  useEffect(() => {
    let is_shown = true;
    setLines(undefined);
    void highlight(language, text).then((found) => is_shown && setLines(found));
    return () => void (is_shown = false);
  }, [text, language]);
  return (
    <pre class="code" tabIndex={0}>
      <code>
        {lines?.map((pieces, i) => (
          <span key={i}>
            {i > 0 && '\n'}
            <Pieces pieces={pieces} />
          </span>
        )) ?? text}
      </code>
    </pre>
  );
}

import type { JSX } from 'preact';

/** How the server marks what comes from a forge: a review, the log of a failed check, a thread. */
const MATERIAL = /<(review|log|thread)-[0-9a-z]+>/;

/** What was said to an errand. With material from a forge, which is for the model, it folds to its first paragraph. */
export function SaidText({ text }: { text: string }): JSX.Element {
  const end = text.indexOf('\n\n');
  if (end < 0 || !MATERIAL.test(text)) return <>{text}</>;
  return (
    <details>
      <summary>{text.slice(0, end)}</summary>
      <p>{text.slice(end).trimStart()}</p>
    </details>
  );
}

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { pathOf } from '../store/routes.ts';
import { Markdown } from './markdown.tsx';
import { t } from './speech.ts';

/** What the agent asks. Where its place is too low for all of it, it fades out, and leads to the whole. */
export function Question({ text, task_id }: { text: string; task_id: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const is_cut = useSignal(false);
  useEffect(() => {
    const { current } = box;
    if (!current) return;
    const watch = new ResizeObserver(() => (is_cut.value = current.scrollHeight > current.clientHeight + 1));
    for (const each of [current, ...current.children]) watch.observe(each);
    return () => watch.disconnect();
  }, [text]);
  return (
    <>
      <div ref={box} class={is_cut.value ? 'question cut' : 'question'}>
        <Markdown text={text} />
      </div>
      {is_cut.value && (
        <a class="see" href={pathOf('errand', { id: task_id })}>
          {t.needs.open_errand}
        </a>
      )}
    </>
  );
}

import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

type GrowingProps = {
  value: string;
  label: string;
  class?: string;
  autofocus?: boolean;
  onFocus?: () => void;
  /** With a keyboard, Enter sends; on a phone it is a new line. Control and Enter send everywhere. */
  onSend?: () => void;
  onInput: (text: string) => void;
};

/** A field that grows with its text, as far as its style lets it. */
export function GrowingField({ value, label, autofocus = false, onSend, onInput, ...rest }: GrowingProps): JSX.Element {
  const field = useRef<HTMLTextAreaElement>(null);
  // The label shows in an empty field.
  useLayoutEffect(() => fit(field.current), [value, label]);
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    let width = element.clientWidth;
    const resized = new ResizeObserver(() => {
      if (element.clientWidth === width) return;
      width = element.clientWidth;
      // Not here: a new height would be one more change of size to tell of.
      requestAnimationFrame(() => fit(element));
    });
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (autofocus) field.current?.focus();
  }, [autofocus]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || event.isComposing || event.shiftKey || !onSend) return;
    const sends = event.ctrlKey || event.metaKey || matchMedia('(hover: hover) and (pointer: fine)').matches;
    if (!sends) return;
    event.preventDefault();
    onSend();
  };
  return (
    <textarea
      ref={field}
      {...rest}
      rows={1}
      dir="auto"
      value={value}
      placeholder={label}
      aria-label={label}
      onKeyDown={onKeyDown}
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  );
}

function fit(field: HTMLTextAreaElement | null): void {
  const frame = field?.parentElement;
  if (!field || !frame) return;
  // What is above would move while the field is low.
  frame.style.minBlockSize = `${frame.offsetHeight}px`;
  field.style.blockSize = 'auto';
  field.style.blockSize = `${field.scrollHeight + 2}px`;
  frame.style.minBlockSize = '';
}

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useRouter } from '../parts/context.ts';
import { Sheet } from '../parts/screen.tsx';
import type { Router } from '../store/router.ts';
import { focusScreen } from './screen-focus.ts';
import { s } from './screen-speech.ts';

/** How long `g` waits for the key that follows it. */
const PREFIX_MS = 1_500;
/** How long after a key somebody still writes who wrote in a field that is gone. */
const WRITES_ON_MS = 1_500;

/** The keys of the app, each with what it does; `?` shows them. */
const KEYS = [
  ['j', 'next'],
  ['k', 'previous'],
  ['enter', 'open'],
  ['/', 'search'],
  ['c', 'new_errand'],
  ['r', 'reply'],
  ['d', 'changes'],
  ['g i', 'inbox'],
  ['g s', 'settings'],
  ['esc', 'back'],
  ['?', 'help'],
] as const;
type Act = (typeof KEYS)[number][1];

/** Those that the changes of an errand listen for themselves. */
const KEYS_OF_CHANGES = [
  ['↑ ↓', 'lines'],
  ['ctrl enter', 'send_comments'],
] as const;

/** Listens for the keys of the app, and shows them at `?`. */
export function Shortcuts(): JSX.Element | null {
  const router = useRouter();
  const helps = useSignal(false);
  useEffect(() => {
    let prefix_at = -Infinity;
    const writing = followWriting();
    const onKey = (event: KeyboardEvent): void => {
      const writes_on = writing.goesOn(event);
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
      if (document.querySelector('dialog[open]')) return;
      if (isField(event.target)) {
        if (event.key === 'Escape') leaveField(event, event.target);
        return;
      }
      if (writes_on) return;
      const key = event.key === 'Escape' ? 'esc' : event.key === 'Enter' ? 'enter' : event.key;
      const whole = event.timeStamp - prefix_at < PREFIX_MS ? `g ${key}` : key;
      prefix_at = whole === 'g' ? event.timeStamp : -Infinity;
      const act = KEYS.find(([keys]) => keys === whole)?.[1];
      if (act === undefined) return;
      if (act === 'open') return goInto(event.target);
      event.preventDefault();
      if (act === 'help') helps.value = true;
      else run(act, router);
    };
    addEventListener('keydown', onKey);
    return () => {
      removeEventListener('keydown', onKey);
      writing.stop();
    };
  }, [router, helps]);
  if (!helps.value) return null;
  return (
    <Sheet label={s.keys.title} onClose={() => (helps.value = false)}>
      <h2>{s.keys.title}</h2>
      <dl class="keys">
        {[...KEYS, ...KEYS_OF_CHANGES].map(([keys, act]) => (
          <div key={keys}>
            <dt>
              {keys.split(' ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{s.keys[act]}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}

/** Follows whether somebody who wrote in a field that is gone writes on, as each key is told with `goesOn`. */
function followWriting(): { goesOn: (event: KeyboardEvent) => boolean; stop: () => void } {
  /** The field in which somebody wrote last, and when. */
  let written: { field: HTMLElement; at: number } | undefined;
  const goesOn = (event: KeyboardEvent): boolean => {
    const { target, timeStamp: at } = event;
    // Also a key that the field takes itself, as to send.
    if (isField(target)) written = leaves(event) ? undefined : { field: target, at };
    if (!written || written.field.isConnected || at - written.at >= WRITES_ON_MS) return false;
    written.at = at;
    return true;
  };
  const onPointer = (): void => (written = undefined);
  const onFocus = ({ target }: FocusEvent): void => {
    // Where the field has gone, the app has moved the focus.
    if (written?.field.isConnected && target !== written.field) written = undefined;
  };
  addEventListener('pointerdown', onPointer);
  addEventListener('focusin', onFocus);
  const stop = (): void => {
    removeEventListener('pointerdown', onPointer);
    removeEventListener('focusin', onFocus);
  };
  return { goesOn, stop };
}

/** Whether somebody is done with a field by this key. One that chooses a word of an input method is a part of it. */
function leaves({ key, isComposing }: KeyboardEvent): boolean {
  return !isComposing && ['Enter', 'Escape'].includes(key);
}

function isField(target: EventTarget | null): target is HTMLElement {
  return target instanceof HTMLElement && target.matches('input:not([type=checkbox], [type=radio]), textarea, select');
}

/**
 * Out of a field with Escape: that of the search closes, else the browser would empty it and leave the list as it is.
 */
function leaveField(event: KeyboardEvent, field: HTMLElement): void {
  const toggle = field.closest('.search') && document.querySelector<HTMLElement>('[data-key=search]');
  if (!toggle) return field.blur();
  event.preventDefault();
  toggle.click();
  toggle.focus();
}

/** Where the list stays, the focus would stay in it with the link. The errand is drawn once the key is through. */
function goInto(target: EventTarget | null): void {
  if (target instanceof HTMLElement && target.matches('.inbox .task > a')) setTimeout(focusScreen);
}

function run(act: Exclude<Act, 'open' | 'help'>, router: Router): void {
  const { name, params } = router.place.peek();
  switch (act) {
    case 'next':
      return step(1);
    case 'previous':
      return step(-1);
    case 'search':
      return search();
    case 'new_errand':
      return router.go('new_errand');
    case 'reply':
      return document.querySelector<HTMLElement>('.composer textarea, .talk .answer textarea')?.focus();
    case 'changes':
      return name === 'errand' ? router.go('changes', params) : undefined;
    case 'inbox':
      return router.go('inbox');
    case 'settings':
      return router.go('settings');
    case 'back':
      return leave(router);
  }
}

/** Opens the search, or goes to it. */
function search(): void {
  const field = document.querySelector<HTMLElement>('.search input');
  if (field) field.focus();
  else document.querySelector<HTMLElement>('[data-key=search]')?.click();
}

/** Moves the focus to the next errand of the list, or the one before; on a screen without the list, nothing moves. */
function step(by: 1 | -1): void {
  const links = [...document.querySelectorAll<HTMLElement>('.inbox .task > a')];
  const at = links.findIndex((link) => link === document.activeElement);
  const open = links.findIndex((link) => link.getAttribute('aria-current') === 'page');
  const from = at >= 0 ? at : open >= 0 ? open : by > 0 ? -1 : 0;
  links[Math.min(Math.max(from + by, 0), links.length - 1)]?.focus();
}

/** Up by one: the screen that stands above this one. */
function leave(router: Router): void {
  const { name, params } = router.place.peek();
  switch (name) {
    case 'inbox':
    case 'signed_in':
      return;
    case 'changes':
    case 'decision':
      return router.back('errand', params);
    case 'errand':
    case 'new_errand':
    case 'archived':
    case 'settings':
      return router.back('inbox');
    case 'accounts':
    case 'notifications':
    case 'owner':
    case 'projects':
    case 'schedules':
      return router.back('settings');
    case 'new_schedule':
    case 'schedule':
      return router.back('schedules');
    case 'new_project':
    case 'project':
      return router.back('projects');
  }
}

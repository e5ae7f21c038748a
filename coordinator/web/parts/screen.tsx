import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { RouteName } from '../store/routes.ts';
import { useRouter } from './context.ts';
import { Icon } from './icons.tsx';
import { LiveBadge } from './live-badge.tsx';
import { t } from './speech.ts';
import { useTitle } from './use-title.ts';

type Parent = { name: RouteName; params?: { id?: string } };

/** The way back to where one came from; to the parent if one came from outside. */
export function Back({ name, params = {} }: Parent): JSX.Element {
  const router = useRouter();
  return (
    <button type="button" class="back" aria-label={t.back} onClick={() => router.back(name, params)}>
      <Icon name="back" />
    </button>
  );
}

type ScreenProps = {
  title: string;
  parent: Parent;
  /** Beside the title. */
  beside?: ComponentChildren;
  children: ComponentChildren;
};

/** A screen below another one: its header, and what it shows. */
export function Screen({ title, parent, beside, children }: ScreenProps): JSX.Element {
  useTitle(title);
  return (
    <section class="screen" aria-label={title}>
      <header class="small">
        <Back {...parent} />
        <h1 dir="auto">{title}</h1>
        {beside}
        <LiveBadge />
      </header>
      {children}
    </section>
  );
}

type SheetProps = {
  onClose: () => void;
  label: string;
  /** Something was written in it that would be lost: a touch beside it does not close it. */
  holds?: boolean;
  children: ComponentChildren;
};

/**
 * A sheet over the page, opened by its presence. Escape and a touch beside it close it. However it goes, the focus is
 * where it was before.
 */
export function Sheet({ onClose, label, holds = false, children }: SheetProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const latest = useRef(onClose);
  latest.current = onClose;
  /** Whether the touch began beside it: one that marks a text ends there at times. */
  const began_beside = useRef(false);
  useLayoutEffect(() => {
    const element = dialog.current;
    if (!element) return;
    const onClosed = (): void => latest.current();
    element.addEventListener('close', onClosed);
    element.showModal();
    // The browser shows its first button, which may be below what it is about.
    element.scrollTop = 0;
    return () => {
      element.removeEventListener('close', onClosed);
      // A sheet that is only taken out of the page takes the focus with it.
      element.close();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={label}
      // Firefox would tell a form around the sheet that it is to be sent.
      onSubmit={(event) => event.stopPropagation()}
      onPointerDown={(event) => (began_beside.current = isBeside(event, dialog.current))}
      onClick={(event) => {
        if (!holds && began_beside.current && isBeside(event, dialog.current)) onClose();
      }}
    >
      {children}
    </dialog>
  );
}

/** Whether a touch is beside a sheet: what is behind it belongs to it as an element. */
function isBeside({ target, clientX, clientY }: MouseEvent, sheet: HTMLElement | null): boolean {
  if (!sheet || target !== sheet) return false;
  const { left, right, top, bottom } = sheet.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}

type ConfirmProps = {
  title: string;
  /** The name of what it is about. */
  about?: string;
  text: string;
  yes: string;
  no?: string;
  danger?: boolean;
  onYes: () => void;
  onClose: () => void;
};

/** Asks before something that cannot be undone. */
export function Confirm({
  title,
  about,
  text,
  yes,
  no = t.cancel,
  danger = false,
  onYes,
  onClose,
}: ConfirmProps): JSX.Element {
  return (
    <Sheet label={title} onClose={onClose}>
      <h2>{title}</h2>
      {about !== undefined && (
        <p class="about" dir="auto">
          {about}
        </p>
      )}
      <p>{text}</p>
      <button
        type="button"
        class={danger ? 'choice danger' : 'choice main'}
        onClick={() => {
          onClose();
          onYes();
        }}
      >
        {yes}
      </button>
      <button type="button" class="choice" onClick={onClose}>
        {no}
      </button>
    </Sheet>
  );
}

import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { isFull } from '../store/database.ts';
import { onLeave } from '../store/on-leave.ts';
import type { Texts } from '../store/texts.ts';
import { useSession } from './context.ts';

/** The most that is lost when the app is killed while somebody writes. */
const SAVE_MS = 300;

/** What becomes of a stored text where another was written before it was read. */
type Join = (kept: string, written: string) => string;

/** A person who writes at once goes on with what they wrote before. */
export const continued: Join = (kept, written) => kept + written;

/**
 * A text that survives the app: it is stored while it is written, under `key`. What is written elsewhere shows here
 * too: at once where the same page shows it twice, and once it is stored from another window. Set it to an empty text
 * once it was sent.
 */
export function useText(key: string, initial = '', join: Join = (_, written) => written): Signal<string> {
  const { texts, full } = useSession();
  const field = useMemo(() => fieldsOf(texts).get(key) ?? new Field({ texts, full, key, initial, join }), [texts, key]);
  useEffect(() => field.show(), [field]);
  return field.text;
}

/** The fields that are shown, by their keys. */
const shown = new WeakMap<Texts, Map<string, Field>>();

function fieldsOf(texts: Texts): Map<string, Field> {
  const known = shown.get(texts) ?? new Map<string, Field>();
  shown.set(texts, known);
  return known;
}

type Options = { texts: Texts; full: Signal<boolean>; key: string; initial: string; join: Join };

/** A stored text that is shown and written, in one place of the page or in several. */
class Field {
  readonly text: Signal<string>;
  readonly #options: Options;
  #places = 0;
  #unfollow: (() => void) | undefined;
  /** Undefined: not known, since a write has failed. */
  #stored: string | undefined;
  #loaded = false;
  /** Whether this field has written what is stored, as far as it knows. */
  #owns = false;
  /** Counts the reads after the first one: only the last of them counts. */
  #reads = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.text = signal(options.initial);
    this.#stored = options.initial;
    fieldsOf(options.texts).set(options.key, this);
  }

  /** Shows and stores the text in one more place, until the returned function is called. */
  show(): () => void {
    const { texts, key } = this.#options;
    fieldsOf(texts).set(key, this);
    this.#places++;
    this.#unfollow ??= this.#follow();
    return () => {
      if (--this.#places > 0) return;
      this.#unfollow?.();
      this.#unfollow = undefined;
      fieldsOf(texts).delete(key);
    };
  }

  #follow(): () => void {
    const { texts, key } = this.#options;
    void texts.read(key).then(this.#load);
    const unsubscribe = this.text.subscribe((written) => {
      if (written !== this.#stored) this.#timer ??= setTimeout(this.#save, SAVE_MS);
    });
    const unfollow = texts.follow({ key, onGive: this.#onGive, onWrite: () => void this.#readAgain() });
    const unwatch = onLeave(this.#save);
    return () => {
      unsubscribe();
      unfollow();
      this.#reads = 0;
      this.#save();
      unwatch();
    };
  }

  readonly #save = (): void => {
    const { texts, full, key } = this.#options;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const written = this.text.peek();
    if (!this.#loaded || written === this.#stored) return;
    [this.#stored, this.#owns] = [written, true];
    texts.write(key, written).catch((error: unknown) => {
      this.#stored = undefined;
      if (!isFull(error)) throw error;
      full.value = true;
    });
  };

  readonly #load = (kept: string | undefined): void => {
    if (this.#loaded) return;
    this.#loaded = true;
    const { initial, join } = this.#options;
    const written = this.text.peek();
    if (kept !== undefined) {
      this.#stored = kept;
      this.text.value = written === initial ? kept : join(kept, written);
    }
    this.#save();
  };

  readonly #onGive = (next: (text: string) => string, kept: string): void => {
    if (!this.#loaded) return this.#load(kept);
    const written = this.text.peek();
    // A field in which nobody writes shows what is stored, which another window may have changed before.
    const shown = !this.#owns && written === this.#stored ? kept : next(written);
    if (shown === kept) [this.#stored, this.#owns] = [kept, false];
    this.text.value = shown;
    // What is being read may be from before.
    if (this.#reads > 0) void this.#readAgain();
  };

  /** Another window has written. A field in which nobody writes goes on from there. */
  async #readAgain(): Promise<void> {
    const { texts, key, initial } = this.#options;
    const nth = ++this.#reads;
    const kept = await texts.read(key);
    if (nth !== this.#reads) return;
    if (!this.#loaded) return this.#load(kept);
    if (this.text.peek() !== this.#stored) return;
    [this.#stored, this.#owns] = [kept ?? initial, false];
    this.text.value = this.#stored;
  }
}

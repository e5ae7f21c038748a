import { useComputed } from '@preact/signals';
import { useSession } from '../../parts/context.ts';
import { useText } from '../../parts/use-text.ts';
import { isSaid, keyOf, placeComments, readComments, type Comment, type Place, type Shown } from './comments.ts';

/** The comments on the changes of an errand, with what is half written. They survive the app. */
export type Comments = {
  /** Where they stand in the diffs of now. A comment is known by its place in this list. */
  placed: readonly Comment[];
  /** What is half written in a form; a component that asks for it in its render is drawn anew with each letter. */
  half: (index: number) => string;
  write: (index: number, half: string) => void;
  /** A touch on a line opens a form, and closes those in which nothing was written. */
  touch: (place: Place) => void;
  /** Ends the form with these words; without any the comment is removed. */
  end: (index: number, words: string) => void;
  /** Sends those that are said, as one message. Whether that was stored. */
  send: (toMessage: (said: readonly Comment[]) => string) => Promise<boolean>;
};

export function useComments(id: string, diffs: readonly Shown[]): Comments {
  const { acts } = useSession();
  const kept = useText(`comments ${id}`, '', (before, written) =>
    JSON.stringify([...readComments(before), ...readComments(written)]),
  );
  // The lines of a diff are not drawn anew with each letter.
  const shape = useComputed(() => JSON.stringify(readComments(kept.value).map(withoutHalf)));
  const placed = placeComments(readComments(shape.value), diffs);
  /** `act` gets a comment and its place in the list, and says what becomes of it. */
  const change = (act: (comment: Comment, index: number) => Comment | undefined, ...more: Comment[]): void => {
    const next = readComments(kept.peek()).flatMap((comment, i) => act(comment, i) ?? []);
    kept.value = next.length + more.length === 0 ? '' : JSON.stringify([...next, ...more]);
  };
  const set = (index: number, made: (comment: Comment) => Comment | undefined) =>
    change((comment, i) => (i === index ? made(comment) : comment));
  const touch = (place: Place): void => {
    const own = placed.findIndex((each) => !each.lost && keyOf(each) === keyOf(place));
    change(
      (comment, i) => {
        if (hasNews(comment)) return comment;
        if (i === own && comment.half === undefined) return { ...comment, half: comment.words };
        return isSaid(comment) ? closed(comment) : undefined;
      },
      ...(own === -1 ? [{ ...place, words: '', half: '' }] : []),
    );
  };
  const send = async (toMessage: (said: readonly Comment[]) => string): Promise<boolean> => {
    const sent = new Set(readComments(kept.peek()).filter(isSaid).map(textOf));
    if (!(await acts.say(id, toMessage(placed.filter(isSaid))))) return false;
    // What was written meanwhile stays.
    change((comment) => {
      if (!sent.has(textOf(comment))) return comment;
      return hasNews(comment) ? { ...comment, words: '' } : undefined;
    });
    return true;
  };
  return {
    placed,
    half: (index) => readComments(kept.value)[index]?.half ?? '',
    write: (index, half) => set(index, (comment) => ({ ...comment, half })),
    touch,
    end: (index, words) => set(index, (comment) => (words === '' ? undefined : closed({ ...comment, words }))),
    send,
  };
}

/** Whether its form has what would be lost. */
function hasNews({ words, half = '' }: Comment): boolean {
  return half !== '' && half !== words;
}

function closed(comment: Comment): Comment {
  const { half: _, ...rest } = comment;
  return rest;
}

function withoutHalf(comment: Comment): Comment {
  return comment.half === undefined ? comment : { ...comment, half: '' };
}

function textOf(comment: Comment): string {
  return JSON.stringify(closed(comment));
}

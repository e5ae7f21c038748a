import type { Action } from '../../client/sync/outbox-entry.ts';

/** Where the ticked options of a decision are kept. */
export const ticksKey = (need_id: string): string => `ticks ${need_id}`;

/**
 * How a stored text changes: words come behind what is in it, or stand in its place, or are gone from its start, since
 * they were stored elsewhere. Other windows are told it as it is.
 */
export type Give = { add: string } | { set: string } | { without: string };
type Written = {
  /** The texts by their keys. */
  texts: readonly (readonly [key: string, give: Give])[];
  /** The draft that its files were attached to. */
  draft?: string;
};

const NOTHING: Written = { texts: [] };

/** What becomes of a text to which something is given. */
export function given(text: string, give: Give): string {
  if ('set' in give) return give.set;
  if ('add' in give) return [text, give.add].filter((part) => part !== '').join('\n');
  // Behind them may be what was added or typed meanwhile, but not the rest of their last word.
  if (!text.startsWith(give.without)) return text;
  const rest = text.slice(give.without.length);
  const is_whole = rest === '' || /^\s/.test(rest) || give.without.endsWith('\n');
  return is_whole ? rest.replace(/^\s/, '') : text;
}

/** Whether somebody wrote something for an action: it must not go without their will. */
export function hasWords(action: Action): boolean {
  switch (action.do) {
    case 'send':
    case 'say':
      return true;
    case 'reword':
    case 'answer':
      return action.body.text !== undefined;
    case 'unsay':
    case 'stop':
    case 'retry':
    case 'archive':
      return false;
  }
}

/** Where what was written for an action goes back to once the action is taken back. */
export function writtenFor(action: Action): Written {
  switch (action.do) {
    case 'send': {
      const { options } = action;
      const prompt = ['new prompt', { add: action.body.prompt }] as const;
      return { texts: options === undefined ? [prompt] : [['new options', { set: options }], prompt], draft: 'new' };
    }
    case 'say': {
      const draft = `say ${action.task_id}`;
      return { texts: [[draft, { add: action.body.text }]], draft };
    }
    case 'answer': {
      const draft = `answer ${action.need_id}`;
      const ticks = JSON.stringify(action.body.choose);
      return {
        texts: [
          [draft, { add: action.body.text ?? '' }],
          [ticksKey(action.need_id), { set: ticks }],
        ],
        draft,
      };
    }
    // The message may have been heard since: what it should have said is said next.
    case 'reword': {
      const { text } = action.body;
      return text === undefined ? NOTHING : { texts: [[`say ${action.task_id}`, { add: text }]] };
    }
    case 'unsay':
    case 'stop':
    case 'retry':
    case 'archive':
      return NOTHING;
  }
}

import type { Action } from '../../client/sync/outbox-entry.ts';

/** Where the ticked options of a decision are kept. */
export const ticksKey = (need_id: string): string => `ticks ${need_id}`;

/** What a stored text becomes. */
export type Give = (kept: string) => string;
type Written = {
  /** The texts by their keys. */
  texts: readonly (readonly [key: string, next: Give])[];
  /** The draft that its files were attached to. */
  draft?: string;
};

const NOTHING: Written = { texts: [] };
/** Adds a text behind what is in a field already. */
export const after = (text: string) => (kept: string) => (kept === '' ? text : `${kept}\n${text}`);

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
      const prompt = ['new prompt', after(action.body.prompt)] as const;
      return { texts: options === undefined ? [prompt] : [['new options', () => options], prompt], draft: 'new' };
    }
    case 'say': {
      const draft = `say ${action.task_id}`;
      return { texts: [[draft, after(action.body.text)]], draft };
    }
    case 'answer': {
      const draft = `answer ${action.need_id}`;
      const ticks = JSON.stringify(action.body.choose);
      return {
        texts: [
          [draft, after(action.body.text ?? '')],
          [ticksKey(action.need_id), () => ticks],
        ],
        draft,
      };
    }
    // The message may have been heard since: what it should have said is said next.
    case 'reword': {
      const { text } = action.body;
      return text === undefined ? NOTHING : { texts: [[`say ${action.task_id}`, after(text)]] };
    }
    case 'unsay':
    case 'stop':
    case 'retry':
    case 'archive':
      return NOTHING;
  }
}

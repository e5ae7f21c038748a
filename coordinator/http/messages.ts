import type { EventLog } from '../sqlite/event-log.ts';
import { changeMessage, waitingMessages, withdrawMessage } from '../tasks/message-commands.ts';
import type { Handlers } from './router.ts';

/** Messages that were sent and are not heard yet. */
export function messageHandlers({ db }: EventLog): Pick<Handlers, 'listMessages' | 'patchMessage' | 'deleteMessage'> {
  return {
    listMessages: ({ who, params }) => ({
      items: waitingMessages(db, who.user_id, params.id),
      next_cursor: null,
    }),
    patchMessage: ({ who, params, body, write }) => write((tx) => changeMessage(tx, who.user_id, params, body)),
    deleteMessage: ({ who, params, write }) => {
      write((tx) => {
        withdrawMessage(tx, who.user_id, params);
        return null;
      });
      return undefined;
    },
  };
}

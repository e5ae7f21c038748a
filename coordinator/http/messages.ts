import type { Db } from '../sqlite/database.ts';
import { changeMessage, waitingMessages, withdrawMessage } from '../tasks/message-commands.ts';
import type { Handlers } from './router.ts';

/** The messages to a task that are not part of its conversation yet: they can be changed and withdrawn. */
export function messageHandlers(db: Db): Pick<Handlers, 'listMessages' | 'patchMessage' | 'deleteMessage'> {
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

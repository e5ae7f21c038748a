import type { Notifications } from '../notifications/notifications.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { pageOf } from './page.ts';
import type { Handlers } from './router.ts';

type NotificationRoute =
  | 'getPushKey'
  | 'createChannel'
  | 'listChannels'
  | 'patchChannel'
  | 'deleteChannel'
  | 'testChannel'
  | 'putPresence'
  | 'answerNotice'
  | 'getTaskNotifications'
  | 'patchTaskNotifications';

/** Where people are notified, and what they answer from there. */
export function notificationHandlers(log: EventLog, notifications: Notifications): Pick<Handlers, NotificationRoute> {
  const { channels } = notifications;
  return {
    getPushKey: () => ({ public_key: notifications.public_key }),
    createChannel: async ({ who, body, writeAfter, audit }) =>
      writeAfter(
        () => notifications.beforeCreate(who, body),
        (tx) => {
          const made = channels.create(tx, who, body);
          const { id, kind, host, project_id } = made;
          audit(tx, { action: 'channel.created', subject: id, detail: { kind, host, project_id } });
          return made;
        },
      ),
    listChannels: ({ who, query: { cursor, limit } }) => pageOf(channels.list(who, cursor, limit + 1), limit),
    patchChannel: ({ who, params, body }) => log.write((tx) => channels.change(tx, who, params.id, body)),
    deleteChannel: ({ who, params, audit }) => {
      log.write((tx) => {
        channels.remove(tx, who, params.id);
        audit(tx, { action: 'channel.removed', subject: params.id });
      });
      return undefined;
    },
    testChannel: ({ who, params }) => notifications.test(who, params.id),
    putPresence: ({ who, params, body }) => {
      notifications.show(who, params.id, body.task_id);
      return undefined;
    },
    answerNotice: ({ body, client, audit }) => notifications.answer(body, client.address, audit),
    getTaskNotifications: ({ who, params }) => ({ muted: notifications.isMuted(who.user_id, params.id) }),
    patchTaskNotifications: ({ who, params, body }) => {
      log.write((tx) => notifications.mute(tx, who.user_id, params.id, body.muted));
      return body;
    },
  };
}

/*
 * What speaks with a server, and parses what it says: building the schemas takes longer than all else at a start. So an
 * app draws what the device has stored without this, and imports it by `loadWire` when it goes on.
 */

export { ProjectPage } from '../../protocol/api.ts';
export { Attachment } from '../../protocol/attachments.ts';
export { Problem } from '../../protocol/problem-document.ts';
export { ROUTES } from '../../protocol/routes.ts';
export { Task } from '../../protocol/task.ts';
export { Connection } from './connection.ts';
export { send } from './http.ts';
export { knownEvent } from './known-event.ts';

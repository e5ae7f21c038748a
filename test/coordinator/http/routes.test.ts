import test, { type ExecutionContext } from 'ava';
import type { z } from 'zod';
import type { Login, Session } from '../../../protocol/accounts.ts';
import { EPOCH_HEADER } from '../../../protocol/api.ts';
import { applyEvents } from '../../../coordinator/worker-api/apply-events.ts';
import { checkEvents } from '../../../coordinator/worker-api/validate-events.ts';
import { NumberedEvent } from '../../../protocol/events.ts';
import { newId } from '../../../protocol/ids.ts';
import { nameOf } from '../../../protocol/named-types.ts';
import type { Route } from '../../../protocol/route.ts';
import { DELIVERY_ROUTES } from '../../../protocol/delivery-routes.ts';
import { FORGE_ROUTES } from '../../../protocol/forge-routes.ts';
import { PULL_ROUTES } from '../../../protocol/pull-routes.ts';
import { ROUTE_NAMES, ROUTES, type RouteName } from '../../../protocol/routes.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { Api, type Request, type UncheckedRequest } from '../../support/api.ts';
import { runTask } from '../../support/fixtures.ts';
import { startApi, type StartedApi } from '../../support/start-api.ts';
import { assertOnWire } from '../../support/wire-schemas.ts';

const OPERATOR = 'the-token-of-the-operator';

test('every answer to someone who is logged in names the epoch, refusals too', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const epoch = async (name: RouteName, request: UncheckedRequest = {}) =>
    (await api.send(name, request)).headers.get(EPOCH_HEADER);
  const gone = { params: { id: newId() } };
  t.is(await epoch('listTasks'), server.epoch.now);
  t.is(await epoch('listEvents', gone), server.epoch.now);
  t.is(await epoch('createTask', { body: {} }), server.epoch.now);
  server.epoch.now = 'another';
  t.is(await epoch('me'), 'another');
  t.is(await epoch('healthz'), null);
  api.token = 'of nobody';
  t.is(await epoch('me'), null);
});

/** Calls the routes of accounts that end log-ins, as the owner and as another. */
async function callAccountRoutes(
  t: ExecutionContext,
  api: Api,
  owner: z.output<typeof Login>,
  session: Session,
): Promise<void> {
  const refreshed = await api.call('refresh', { body: { refresh_token: session.refresh_token } });
  await api.call('logout', { body: { refresh_token: refreshed.refresh_token } });
  t.is((await api.refused('me', {})).code, 'unauthenticated');
  const other = { ...owner, email: 'bob@example.org' };
  await api.call('signup', { body: other });
  api.token = (await api.call('login', { body: owner })).access_token;
  const { password: given } = await api.call('resetPassword', { body: { email: other.email } });
  api.token = (await api.call('login', { body: { ...other, password: given } })).access_token;
  await api.call('changePassword', { body: { old_password: given, new_password: other.password } });
  const [log_in] = (await api.call('listSessions', {})).items;
  await api.call('patchSession', { params: { id: log_in?.id ?? '' }, body: { name: 'Laptop' } });
  await api.call('deleteSession', { params: { id: log_in?.id ?? '' } });
  api.token = (await api.call('login', { body: other })).access_token;
  await api.call('deleteMe', { body: { password: other.password } });
  t.is((await api.refused('me', {})).code, 'unauthenticated');
}

/** A client that checks each response against the published schemas too. */
class OtherClient extends Api {
  override async call<N extends RouteName>(name: N, request: Request<N>): ReturnType<typeof Api.prototype.call<N>> {
    const body = await super.call(name, request);
    const route: Route = ROUTES[name];
    if (route.response) assertOnWire(nameOf(route.response), body);
    return body;
  }
}

/** Routes of API tokens, and those of the owner alone. */
async function callOwnerRoutes(t: ExecutionContext, api: Api, user_id: string): Promise<void> {
  const { token, ...made } = await api.call('createToken', {
    body: { name: 'ci', scopes: ['read'], expires_in_days: 1 },
  });
  t.is((await new Api(api.url, token).call('me', {})).id, user_id);
  t.is((await api.call('listTokens', {})).items[0]?.id, made.id);
  await api.call('deleteToken', { params: { id: made.id } });
  const { code } = await api.call('createLoginLink', {});
  t.is((await api.call('linkLogin', { body: { code } })).user.id, user_id);
  t.is((await api.call('getServer', {})).held, null);
  t.true((await api.call('listSettings', {})).items.length > 0);
  await callPeopleRoutes(t, api);
  const { id: key_id } = await api.call('rotateKeys', {});
  t.like((await api.call('listAudit', { query: { limit: 1 } })).items[0], { action: 'keys.rotated', subject: key_id });
}

/** Routes of notifications. Nothing listens at the webhook: it cannot be reached. */
async function callNotificationRoutes(t: ExecutionContext, api: Api, task_id: string): Promise<void> {
  const body = { kind: 'webhook', name: 'CI', url: 'http://127.0.0.1:9/hook' } as const;
  const { secret, ...made } = await api.call('createChannel', { body });
  t.true(secret?.startsWith('whsec_'));
  const params = { id: made.id };
  t.deepEqual((await api.call('listChannels', {})).items, [made]);
  t.deepEqual((await api.call('patchChannel', { params, body: { occasions: ['done'] } })).occasions, ['done']);
  t.is((await api.call('testChannel', { params })).last_answer?.ok, false);
  await api.call('putPresence', { params, body: { task_id } });
  await api.call('deleteChannel', { params });
  t.is(Buffer.from((await api.call('getPushKey', {})).public_key, 'base64url').length, 65);
  t.true((await api.call('patchTaskNotifications', { params: { id: task_id }, body: { muted: true } })).muted);
  t.true((await api.call('getTaskNotifications', { params: { id: task_id } })).muted);
  t.is((await api.refused('answerNotice', { body: { token: 'no token' } })).code, 'not_found');
  api.answered.add('answerNotice');
}

async function callScheduleRoutes(t: ExecutionContext, api: Api): Promise<void> {
  const timing = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
  const body = { name: 'Nightly', prompt: 'Mend the test.', repo_url: SAMPLE_REPO_URL, ...timing };
  const made = await api.call('createSchedule', { body });
  const params = { id: made.id };
  t.deepEqual((await api.call('listSchedules', {})).items, [made]);
  t.deepEqual(await api.call('getSchedule', { params }), made);
  t.false((await api.call('patchSchedule', { params, body: { enabled: false } })).enabled);
  const run = await api.call('runSchedule', { params });
  t.deepEqual((await api.call('listScheduleRuns', { params })).items, [run]);
  t.is((await api.call('listDueTimes', { query: timing })).items.length, 3);
  await api.call('cancelTask', { params: { id: run.task_id ?? '' } });
  await api.call('deleteTask', { params: { id: run.task_id ?? '' } });
  await api.call('deleteSchedule', { params });
}

async function callPeopleRoutes(t: ExecutionContext, api: Api): Promise<void> {
  const { id: revoked } = await api.call('createInvite', { body: {} });
  t.is((await api.call('listInvites', {})).items[0]?.id, revoked);
  await api.call('deleteInvite', { params: { id: revoked } });
  const { code: invite } = await api.call('createInvite', { body: {} });
  const body = { email: 'carla@example.org', password: 'a long enough one', invite };
  const { id } = (await new Api(api.url).call('signup', { body })).user;
  t.is((await api.call('listPeople', {})).items[1]?.id, id);
  t.truthy((await api.call('blockPerson', { params: { id } })).blocked_at);
  t.is((await api.call('unblockPerson', { params: { id } })).blocked_at, null);
  await api.call('removePerson', { params: { id } });
}

test('every route answers what it declares', async (t) => {
  const server = await startApi(t, { ERRAND_METRICS_TOKEN: OPERATOR, ERRAND_PRIVATE_HOSTS: '127.0.0.1' });
  const api = new OtherClient(server.url);
  const body = { email: ' Ada@Example.org ', password: 'a long enough one' };
  const first = await api.call('signup', { body: { ...body, setup_code: server.setup_code } });
  t.is(first.user.email, 'ada@example.org');
  t.is(first.user.role, 'owner');
  const session = await api.call('login', { body });
  api.token = session.access_token;
  t.is((await api.call('me', {})).id, first.user.id);
  t.truthy((await api.call('wsTicket', {})).ticket);

  const project = await api.call('createProject', { body: { name: 'Sample', repo_url: SAMPLE_REPO_URL } });
  const { warnings, coded_warnings, ...stored } = project;
  t.deepEqual([warnings, coded_warnings], [[], []]);
  t.deepEqual((await api.call('listProjects', {})).items, [stored]);
  t.deepEqual(await api.call('getProject', { params: { id: project.id } }), stored);
  const patched = await api.call('patchProject', { params: { id: project.id }, body: { verify_command: 'npm test' } });
  t.is(patched.verify_command, 'npm test');

  const task = await api.call('createTask', { body: { prompt: 'Mend the test.', project_id: project.id } });
  t.is(task.repo_url, SAMPLE_REPO_URL);
  const params = { id: task.id };
  t.deepEqual((await api.call('listTasks', {})).items, [task]);
  t.deepEqual(await api.call('getTask', { params }), { ...task, attempts: [] });
  t.is((await api.call('createMessage', { params, body: { text: 'Be quick.' } })).resumed, false);
  await callMessageRoutes(t, api, task.id);
  t.is((await api.call('cancelTask', { params })).status, 'cancelled');
  t.is((await api.call('retryTask', { params })).status, 'queued');
  t.is((await api.call('cancelTask', { params })).status, 'cancelled');
  const events = await api.call('listEvents', { params });
  t.deepEqual(
    events.items.map((event) => event.type),
    ['task.created', ...MESSAGE_EVENTS, 'task.status', 'task.status', 'task.status'],
  );
  for (const event of events.items) assertOnWire('Event', event);
  t.deepEqual(
    events.items.map((event) => event.id),
    server.rows.map((row) => row.id),
  );
  t.is((await api.call('getDiff', { params })).diff, '');
  await callNotificationRoutes(t, api, task.id);
  await callWireRoutes(t, api, task.id, server.rows[0]?.id ?? 0);
  await callNeedRoutes(t, server, api);
  await callScheduleRoutes(t, api);
  t.true((await api.call('patchTask', { params, body: { archived: true } })).archived);
  await api.call('deleteTask', { params });
  await api.call('deleteProject', { params: { id: project.id } });

  await callOwnerRoutes(t, api, first.user.id);
  await callAccountRoutes(t, api, body, session);
  for (const route of ['openapi', 'asyncapi', 'schemas', 'healthz', 'readyz'] as const) await api.call(route, {});
  const operator = new Api(server.url, OPERATOR);
  t.is(await operator.call('metrics', {}), 'errand_tests 1\n');
  api.answered.add('metrics');
  // Those of forges need one: its tests call them.
  const at_forges = { ...FORGE_ROUTES, ...DELIVERY_ROUTES, ...PULL_ROUTES };
  const here = ROUTE_NAMES.filter((name) => !(name in at_forges));
  t.deepEqual([...api.answered].sort(), here.sort());
});

/** What a phone reads besides. */
async function callWireRoutes(t: ExecutionContext, api: Api, id: string, event_id: number): Promise<void> {
  t.is((await api.call('getEvent', { params: { id, event_id: String(event_id) } })).type, 'task.created');
  await api.call('markRead', { params: { id }, body: { event_id } });
  t.true((await api.call('server', {})).models.length > 0);
}

/** A worker asks, and its person answers. */
async function callNeedRoutes(t: ExecutionContext, server: StartedApi, api: Api): Promise<void> {
  const { id } = await api.call('postTask', { body: { prompt: 'Ask me.', repo_url: SAMPLE_REPO_URL } });
  runTask(server.log, id);
  const at = new Date().toISOString();
  const asked = { seq: 1, at, type: 'question.asked', body: { ref: 'q1', question: 'Which?', options: ['a', 'b'] } };
  server.log.write((tx) => applyEvents(tx, { task_id: id, attempt: 1 }, checkEvents([NumberedEvent.parse(asked)]), at));
  const need = (await api.call('getTask', { params: { id } })).needs?.[0];
  const params = { id, need_id: need?.id ?? '' };
  const choose = [need?.options[1]?.value ?? ''];
  t.is((await api.call('answerNeed', { params, body: { choose } })).id, params.need_id);
}

const MESSAGE_EVENTS = ['message.received', 'message.changed', 'message.withdrawn'];

async function callMessageRoutes(t: ExecutionContext, api: Api, id: string): Promise<void> {
  const [message] = (await api.call('listMessages', { params: { id } })).items;
  const params = { id, message_id: message?.id ?? '' };
  t.is((await api.call('patchMessage', { params, body: { revision: 1, text: 'Be calm.' } })).text, 'Be calm.');
  await api.call('deleteMessage', { params });
  const upload = newId();
  const file = { method: 'PUT', body: 'x', headers: { authorization: `Bearer ${api.token}` } };
  t.is((await fetch(`${api.url}/attachments/${upload}`, file)).status, ROUTES.putAttachment.status);
  api.answered.add('putAttachment');
  t.is(await api.call('getAttachment', { params: { id: upload } }), 'x');
}

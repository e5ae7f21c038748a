import test from 'ava';
import { SUBPROTOCOL } from '../../../protocol/socket.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { CommandLine } from '../../support/command-line.ts';
import { runTask, taskOf } from '../../support/fixtures.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { TestClient } from '../../support/test-client.ts';

test('a cancel of a running errand is seen at once by every device, wherever it looks, until the errand has ended', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person('ann@example.org');
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'errand://sample' } });
  runTask(server.log, id);
  const connect = async () => {
    const socket = new TestClient(`${server.url.replace('http', 'ws')}/ws`, session.user.id, [
      SUBPROTOCOL,
      `bearer.${session.access_token}`,
    ]);
    t.teardown(() => socket.close());
    await socket.until(() => socket.of('hello').length === 1);
    socket.say({ type: 'subscribe', after: 0 });
    await socket.until(() => socket.of('caught_up').length === 1);
    return socket;
  };
  const eventsOf = (socket: TestClient) =>
    socket.of('events').flatMap(({ events }) => events.filter(({ type }) => type === 'task.cancel_requested'));
  const devices = [await connect(), await connect()];
  const cancelled = await api.call('cancelTask', { params: { id } });
  t.like(cancelled, { status: 'running', cancel_reason: 'You cancelled it.' });
  // The first answer was lost, and the phone asks again.
  t.like(await api.call('cancelTask', { params: { id } }), { cancel_reason: 'You cancelled it.' });
  for (const socket of [...devices, await connect()]) {
    await socket.until(() => eventsOf(socket).length > 0);
    t.like(eventsOf(socket), [{ task_id: id, body: { reason: 'You cancelled it.' } }]);
    t.is(eventsOf(socket).length, 1);
  }
  const shown = async () => [
    (await api.call('getTask', { params: { id } })).cancel_reason,
    (await api.call('listTasks', { query: {} })).items[0]?.cancel_reason,
  ];
  t.deepEqual(await shown(), ['You cancelled it.', 'You cancelled it.']);
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', server.url, '--email', 'ann@example.org'], { stdin: PASSWORD });
  t.regex((await cli.run(['tasks'])).stdout, /cancelling/);

  const end = { status: 'cancelled' as const, reason: null, detail: null, at: new Date().toISOString() };
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, id), 1, end));
  t.deepEqual(await shown(), [null, null]);
  t.notRegex((await cli.run(['tasks'])).stdout, /cancelling/);
  await devices[0]?.until(() => devices[0]?.of('events').at(-1)?.events.at(-1)?.type === 'task.status');
});

import { Occasion, type Channel, type ChannelCreate, type ChannelCreated } from '../../protocol/notifications.ts';
import { findChannel, findProject, findTask, shortIds } from '../client/find.ts';
import { allChannels } from '../client/lists.ts';
import type { Client } from '../client/client.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, readSecret, rowColumns, type Io } from './io.ts';
import { localTime } from './render/format.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';
import { rowLines } from './render/row.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

const ON_OPTION = {
  type: 'string',
  multiple: true,
  placeholder: 'OCCASION',
  help: `tell it only of this: ${Occasion.options.join(', ')}; may be repeated (all)`,
} as const;

/** The options of a new webhook or topic. */
const ADD_OPTIONS = {
  name: { type: 'string', placeholder: 'NAME', help: 'what to call it (its host)' },
  project: { type: 'string', placeholder: 'NAME', help: 'only the errands of this project' },
  on: ON_OPTION,
  json: JSON_OPTION,
} as const;

export const notifyWebhook = clientCommand({
  name: 'notify webhook',
  operands: ['URL'],
  summary: 'Be notified by a webhook, and print the key of its signatures',
  options: ADD_OPTIONS,
  run: async ({ operands: [url], values }, io, open) => {
    const client = await open();
    const shared = await sharedFields(client, values, hostOf(url));
    const made = await add(client, io, values.json, { kind: 'webhook', url, ...shared });
    if (values.json === true) return EXIT.succeeded;
    // The key alone goes to the standard output, so that a script can take it.
    print(io, [[made.secret ?? '']]);
    printBeside(io, [['It signs each request (standardwebhooks.com), and is shown only now.']]);
    return EXIT.succeeded;
  },
});

const NTFY_DEFAULT = 'https://ntfy.sh';

export const notifyNtfy = clientCommand({
  name: 'notify ntfy',
  operands: ['TOPIC'],
  summary: 'Be notified on an ntfy topic; whoever knows its name can read it',
  options: {
    at: { type: 'string', placeholder: 'URL', help: `the ntfy server (${NTFY_DEFAULT})` },
    'token-stdin': { type: 'boolean', help: "read the server's access token from the standard input" },
    ...ADD_OPTIONS,
  },
  run: async ({ operands: [topic], values }, io, open) => {
    const server = values.at ?? NTFY_DEFAULT;
    const token = values['token-stdin'] === true ? await readSecret(io) : undefined;
    const client = await open();
    const shared = await sharedFields(client, values, `${hostOf(server)}/${topic}`);
    await add(client, io, values.json, { kind: 'ntfy', server, topic, ...given({ token }), ...shared });
    if (values.json !== true) print(io, [['Notifications go to ', ['bold', topic], `. Try it with: notify test`]]);
    return EXIT.succeeded;
  },
});

export const notifyTest = clientCommand({
  name: 'notify test',
  operands: ['ID'],
  summary: 'Send a test notification, and show the answer',
  options: { json: JSON_OPTION },
  run: async ({ operands: [part], values }, io, open) => {
    const client = await open();
    const tested = await client.call('testChannel', { params: { id: await findChannel(client, part) } });
    if (values.json === true) printJson(io, tested);
    else print(io, [answerLine(tested)]);
    return tested.last_answer?.ok === true ? EXIT.succeeded : EXIT.failed;
  },
});

export const notifySet = clientCommand({
  name: 'notify set',
  operands: ['ID'],
  summary: 'Change what a device, webhook or topic is told of',
  options: { name: { type: 'string', placeholder: 'NAME', help: 'what to call it' }, on: ON_OPTION, json: JSON_OPTION },
  run: async ({ operands: [part], values }, io, open) => {
    const body = given({ name: values.name, occasions: readOccasions(values.on) });
    const client = await open();
    const changed = await client.call('patchChannel', { params: { id: await findChannel(client, part) }, body });
    if (values.json === true) printJson(io, changed);
    else print(io, [[`It is told of: ${changed.occasions.join(', ') || 'nothing'}.`]]);
    return EXIT.succeeded;
  },
});

export const notifyRemove = clientCommand({
  name: 'notify remove',
  operands: ['ID'],
  summary: 'Remove a device, webhook or topic: it is told nothing more',
  options: {},
  run: async ({ operands: [part] }, io, open) => {
    const client = await open();
    await client.call('deleteChannel', { params: { id: await findChannel(client, part) } });
    print(io, [['It is told nothing more.']]);
    return EXIT.succeeded;
  },
});

export const notify = clientCommand({
  name: 'notify',
  operands: [],
  summary: 'List where you are notified, with the last answer of each',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const channels = await allChannels(await open());
    const ids = shortIds(channels);
    if (values.json === true) for (const channel of channels) printJson(io, channel);
    else if (channels.length === 0)
      print(io, [['You are notified nowhere. Begin with: ', ['command', `${PROGRAM} notify webhook URL`]]]);
    else
      print(
        io,
        channels.flatMap((channel) => [
          ...rowLines(
            [
              ['bold', ids.get(channel.id) ?? channel.id],
              oneLine(channel.name, 40),
              `${channel.kind} at ${oneLine(channel.host, 60)}`,
              channel.occasions.join(', '),
            ],
            rowColumns(io),
          ),
          ['  ', ...answerLine(channel)],
        ]),
      );
    return EXIT.succeeded;
  },
});

/** Whether an errand's notifications are wanted. */
function muteCommand(name: 'mute' | 'unmute', summary: string, said: string) {
  return clientCommand({
    name,
    operands: ['ID'],
    summary,
    options: {},
    run: async ({ operands: [part] }, io, open) => {
      const client = await open();
      const params = { id: await findTask(client, part) };
      await client.call('patchTaskNotifications', { params, body: { muted: name === 'mute' } });
      print(io, [[said]]);
      return EXIT.succeeded;
    },
  });
}

export const mute = muteCommand('mute', 'Send no notifications about an errand', 'The errand is muted.');
export const unmute = muteCommand('unmute', 'Send notifications about it again', 'The errand is not muted any more.');

function answerLine({ last_answer }: Channel): Line {
  if (!last_answer) return [['dim', 'nothing was sent yet']];
  const { at, ok, status, detail } = last_answer;
  const what = [ok ? 'accepted' : 'not accepted', `at ${localTime(at)}`, status, oneLine(detail, 120)];
  return [[ok ? 'dim' : 'red', what.filter((part) => part !== null && part !== '').join(' ')]];
}

async function sharedFields(
  client: Client,
  { name, project, on }: { name?: string; project?: string; on?: string[] },
  default_name: string,
) {
  const project_id = project === undefined ? undefined : await findProject(client, project);
  return { name: name ?? default_name, ...given({ project_id, occasions: readOccasions(on) }) };
}

async function add(
  client: Client,
  io: Io,
  as_json: boolean | undefined,
  body: ChannelCreate | Omit<Extract<ChannelCreate, { kind: 'ntfy' }>, 'language'>,
): Promise<ChannelCreated> {
  const made = await client.call('createChannel', { body });
  if (as_json === true) printJson(io, made);
  return made;
}

function readOccasions(given: readonly string[] | undefined): Occasion[] | undefined {
  return given?.map((text) => {
    const occasion = Occasion.safeParse(text);
    if (occasion.success) return occasion.data;
    throw new UsageFailure(`'${text}' is no occasion: --on is one of ${Occasion.options.join(', ')}.`);
  });
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}

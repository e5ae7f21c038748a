import {
  assigning,
  changingCall,
  changingReply,
  parseJson,
  turning,
  answer,
  type Handler,
  type Json,
  type Mutant,
} from './mutant.ts';

/** Changes the body of each event. */
export const changingEvents = (change: (event: Json) => Json): Handler =>
  changingCall('/events', (post) => ({ ...post, events: eventsOf(post).map(change) }));

// The worker's own bodies have this shape.
export const eventsOf = ({ events }: Json) => (Array.isArray(events) ? (events as Json[]) : []);

const withoutControl = (reply: Json): Json => ({ ...reply, control: { messages: [], cancel: null } });

/** Posts a heartbeat once the result was accepted. */
const goingOn: Handler = async (call, forward) => {
  const reply = await forward(call);
  if (!call.path.endsWith('/result') || reply.status !== 200) return reply;
  const { attempt, last_seq } = parseJson(call.body) ?? {};
  const body = Buffer.from(JSON.stringify({ attempt, last_seq, waiting_for: null }));
  await forward({ ...call, path: call.path.replace(/result$/, 'heartbeat'), body });
  return reply;
};

/** Exits when the coordinator cannot be reached. */
const givingUp: Handler = (call, forward) =>
  forward(call).catch((error: unknown) => {
    if (call.path.endsWith('/heartbeat')) process.exit(1);
    throw error;
  });

/** Says that it works in several repositories. */
const boasting = changingEvents((event) =>
  event.type === 'agent.started' ? { ...event, body: { ...(event.body as Json), takes_repositories: true } } : event,
);

const PUSHED = 'what it pushed is on a branch of the task, as its result says';
const NO_TOKEN = 'no event, no delta and no result has the task token';
const TAKES =
  'where it says takes_messages, it takes each message before it adds it: as it is then, and none that was withdrawn';
const RESUMES =
  'the next attempt of a task that has ended resumes it: it adds no message again, and goes on from what was pushed';
const NO_COMMIT = '0'.repeat(40);

/** Answers the messages call itself. */
const takingNothing: Handler = async (call, forward) => {
  if (!/^\/internal\/tasks\/[^/]+\/messages$/.test(call.path)) return forward(call);
  const { ids } = parseJson(call.body) ?? {};
  const messages = (Array.isArray(ids) ? ids : []).map((id: unknown) => ({
    id,
    text: 'Be brief.',
    at: '2026-01-01T00:00:00.000Z',
  }));
  return answer(200, { messages });
};

/** Calls again at once while the coordinator is not available. */
const hasty: Handler = async (call, forward) => {
  for (;;) {
    const reply = await forward(call);
    if (reply.status !== 503) return reply;
  }
};

/** Faults of its calls to the coordinator. */
export const IN_ITS_CALLS: readonly Mutant[] = [
  {
    name: 'works in the first of several repositories alone, and says otherwise',
    rule: 'of several repositories it clones and pushes each; or it says that it knows one, and stops when that is refused',
    says: /it has reported a repository.ready for the repository/,
    to_worker: assigning({ repositories: undefined }),
    to_coordinator: boasting,
  },
  {
    name: 'names too few events in its result',
    rule: 'it posts the result after every event',
    says: /the worker exited with code 1 before this held: it has posted its result[^]*\/last_seq is below \d+/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, last_seq: 3 })),
  },
  {
    name: 'sends a heartbeat after its result',
    rule: 'one POST of events at a time; nothing follows the result',
    says: /A call of heartbeat came after the result/,
    to_coordinator: goingOn,
  },
  {
    name: 'does not begin with agent.started',
    rule: 'events are numbered from 1 without a gap, agent.started first, despite lost responses and 503',
    says: /its first event was log/,
    to_coordinator: changingEvents((event) =>
      event.seq === 1 ? { ...event, type: 'log', body: { level: 'info', text: 'It starts.' } } : event,
    ),
  },
  {
    name: 'does not say that a message entered the conversation',
    rule: 'a message enters the conversation once, however often it was sent',
    says: /0 input.added events name the message/,
    to_coordinator: changingEvents((event) =>
      event.type === 'input.added' ? { ...event, type: 'log', body: { level: 'info', text: 'A message.' } } : event,
    ),
  },
  {
    name: 'reports another branch than it pushed',
    rule: PUSHED,
    says: /the branch errand\/\S+-x has nothing, and its result says [0-9a-f]{40}/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, branch: `${String(result.branch)}-x` })),
  },
  {
    name: 'does not report its clone',
    rule: 'a success has a repository.ready in the same attempt',
    says: /its result was succeeded, but it reported no repository.ready/,
    to_coordinator: changingEvents((event) =>
      event.type === 'repository.ready' ? { ...event, type: 'log', body: { level: 'info', text: 'A clone.' } } : event,
    ),
  },
  {
    name: 'puts its token into an event',
    rule: NO_TOKEN,
    says: /event \d+ \(log\) has the task token/,
    to_coordinator: (call, forward) =>
      changingEvents((event) =>
        event.type === 'log' ? { ...event, body: { level: 'info', text: call.headers.authorization } } : event,
      )(call, forward),
  },
  {
    name: 'puts its token into its result',
    rule: NO_TOKEN,
    says: /the result has the task token/,
    to_coordinator: (call, forward) =>
      changingCall('/result', (result) => ({ ...result, summary: call.headers.authorization }))(call, forward),
  },
  {
    name: 'puts its token into a delta',
    rule: NO_TOKEN,
    says: /a delta has the task token/,
    to_coordinator: (call, forward) =>
      changingCall('/events', (post) => ({
        ...post,
        deltas: [{ ref: 'r', kind: 'text', text: call.headers.authorization }],
      }))(call, forward),
  },
  {
    name: 'invents the commit of its push',
    rule: PUSHED,
    says: /the branch errand\/\S+ has [0-9a-f]{40}, and its result says 0{40}/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, commit: NO_COMMIT })),
  },
  {
    name: 'invents the base of its push',
    rule: PUSHED,
    says: /its result's base_commit 0{40} is not below its commit/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, base_commit: NO_COMMIT })),
  },
  {
    name: 'invents what it has changed',
    rule: PUSHED,
    says: /its result has a diff_stat of 999 files, \+0 −0; git has 1 files, \+1 −0/,
    to_coordinator: changingCall('/result', (result) => ({
      ...result,
      diff_stat: { files: 999, insertions: 0, deletions: 0 },
    })),
  },
  {
    name: 'posts no diff',
    rule: PUSHED,
    says: /its result has a change, and an empty diff/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, diff: '' })),
  },
  {
    name: 'adds messages that it has not taken',
    rule: TAKES,
    says: /it added nothing[^]*names a message that was not taken with the messages call/,
    to_coordinator: takingNothing,
  },
  {
    name: 'adds a message as it was before it took it',
    rule: TAKES,
    says: /it added 'Be brief.'; the message was 'Be clear.' when it took it/,
    to_coordinator: changingEvents((event) =>
      event.type === 'input.added' ? { ...event, body: { ...(event.body as Json), text: 'Be brief.' } } : event,
    ),
  },
  {
    name: 'repeats its calls without a pause',
    rule: 'it repeats a POST of events with pauses, and not before Retry-After',
    says: /after 503 with Retry-After: 2 it called again after \d+ ms/,
    to_coordinator: hasty,
  },
  {
    name: 'posts its result once',
    rule: 'it repeats its result until it is answered',
    says: /it posted its result 1 times, and exited before it was accepted/,
    to_coordinator: async (call, forward) => {
      const reply = await forward(call);
      const is_refused = call.path.endsWith('/result') && reply.status === 503;
      return is_refused ? answer(200, { acked_seq: 0, control: { messages: [], cancel: null } }) : reply;
    },
  },
  {
    name: 'does not resume',
    rule: RESUMES,
    says: /its agent.started says that it did not resume/,
    to_coordinator: changingEvents((event) =>
      event.type === 'agent.started' ? { ...event, body: { ...(event.body as Json), resumed: false } } : event,
    ),
  },
  {
    name: 'does not read the cancel in a reply',
    rule: 'a cancel in a reply alone ends it too',
    says: /the worker has exited/,
    to_coordinator: changingReply('', (reply) => ('control' in reply ? withoutControl(reply) : reply)),
  },
  {
    name: 'goes on after its attempt was given up',
    rule: 'after its attempt was given up it stops at once, pushes nothing, and does not exit with 0',
    says: /the worker has exited/,
    to_coordinator: turning('stale_attempt', 503),
  },
  {
    name: 'drops the new token of a heartbeat',
    rule: 'it exchanges an expired token by a heartbeat, and continues',
    says: /exited|heartbeats go on/,
    to_coordinator: changingReply('/heartbeat', (reply) => ({ ...reply, token: undefined })),
  },
  {
    name: 'gives up when the coordinator restarts',
    rule: 'it finds a restarted coordinator again, and loses nothing',
    says: /it exited with code 1, not 0/,
    to_coordinator: givingUp,
  },
  {
    name: 'cannot fetch its assignment',
    rule: 'a worker that cannot be called fetches its assignment, and works by callbacks alone',
    says: /it exited with code 1, not 0/,
    to_coordinator: (call, forward) =>
      call.path.endsWith('/assignment') ? Promise.resolve(answer(404)) : forward(call),
  },
  {
    name: 'repeats a malformed event for ever',
    rule: 'an event that is refused as invalid is replaced by a log with its number, or ends it with agent_error',
    says: /it sent event 3 again \d+ times, unchanged[^]*events was refused: invalid: Event 3/,
    to_coordinator: turning('invalid', 503),
  },
  {
    name: 'stops when events are missing',
    rule: 'after 409 events_missing it goes back to the event that is expected',
    says: /it exited with code 1, not 0[^]*events was refused: events_missing/,
    to_coordinator: turning('events_missing', 403, 'forbidden'),
  },
];

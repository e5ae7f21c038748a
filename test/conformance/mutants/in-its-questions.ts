import { changingEvents, eventsOf } from './in-its-calls.ts';
import { assigning, changingCall, type Json, type Mutant } from './mutant.ts';

const QUESTION =
  'a question waits for its answer, in the attempt or for the next one, which takes the answer and closes the question';

/** Asks again as another question in each attempt. */
const renaming = changingCall('/events', (post) => ({
  ...post,
  events: eventsOf(post).map((event) =>
    event.type === 'question.asked' || event.type === 'question.closed'
      ? { ...event, body: { ...(event.body as Json), ref: `question-${String(post.attempt)}` } }
      : event,
  ),
}));

/** Faults of its questions. */
export const IN_ITS_QUESTIONS: readonly Mutant[] = [
  {
    name: 'leaves its question open',
    rule: QUESTION,
    says: /no question.closed says that its question asked was answered/,
    to_coordinator: changingEvents((event) =>
      event.type === 'question.closed' ? { ...event, type: 'log', body: { level: 'info', text: 'Thanks.' } } : event,
    ),
  },
  {
    name: 'asks another question in place of the same one',
    rule: QUESTION,
    says: /it asked again with the ref question-2, not question-1/,
    to_coordinator: renaming,
  },
  {
    name: 'parks once more when it has its answer',
    rule: QUESTION,
    says: /The result was parked, but no question is open: asked was answered already/,
    to_coordinator: changingCall('/result', (result) => ({ ...result, status: 'parked' })),
  },
  {
    name: 'parks before it may',
    rule: QUESTION,
    says: /The result was parked \d+ ms after the question, and park_after_ms is 4000/,
    to_worker: assigning({ park_after_ms: 1 }),
  },
  {
    name: 'does not say that it waits for a person',
    rule: QUESTION,
    says: /while its question was open, no waiting_for said that it waits for a person/,
    to_coordinator: changingCall('', (body) => ('waiting_for' in body ? { ...body, waiting_for: null } : body)),
  },
];

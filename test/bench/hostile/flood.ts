import { Agent } from 'undici';
import { BODIES, type Door } from './bodies.ts';

/*
 * A program: sends one hostile body again and again, as fast as it is answered, over many connections.
 */

/** `what`: the body of this door. `socket`: of the worker that sends it; null: it goes to `origin` over TCP. */
export type Flood = {
  door: Door;
  what: string;
  socket: string | null;
  origin: string;
  path: string;
  headers: Record<string, string>;
  ms: number;
};

/** How many were answered with each status; `cut`: the connection was closed before an answer. */
export type Answers = Record<string, number>;

const CONNECTIONS = 8;

async function run({ door, what, socket, origin, path, headers, ms }: Flood): Promise<Answers> {
  const bodies: Record<string, string> = BODIES[door];
  const body = Buffer.from(bodies[what] ?? '');
  const agent = new Agent({ connections: CONNECTIONS, connect: socket === null ? {} : { socketPath: socket } });
  const answers: Answers = {};
  const until = performance.now() + ms;
  const sendOne = async (): Promise<string> => {
    const response = await agent.request({ origin, path, method: 'POST', headers, body });
    await response.body.dump();
    return String(response.statusCode);
  };
  const sendAll = async () => {
    while (performance.now() < until) {
      const answer = await sendOne().catch(() => 'cut');
      answers[answer] = (answers[answer] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, sendAll));
  await agent.destroy();
  return answers;
}

process.on('message', (flood: Flood) => {
  run(flood).then(
    (answers) => process.send?.(answers),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

import { fill, HOSTILE, MB, WRONG } from '../../support/hostile-bodies.ts';

const request = (messages: string) => `{"model":"demo","max_tokens":1,"messages":${messages}}`;

/** An object of so many keys. */
const keys = (count: number) => `{${Array.from({ length: count }, (_, i) => `"k${i}":0`).join()}}`;

/** Requests to the model of 31 MB, and one that is allowed and has as many values as that may have. */
const REQUESTS = {
  'a call of a tool with many values': request(
    `[{"role":"user","content":[{"type":"tool_use","id":"x","name":"y","input":[${fill(keys(1000), 2_100_000)}]}]}]`,
  ),
  'zeros in place of messages': request(`[${fill('0', 31 * MB)}]`),
  'arrays in arrays': request('['.repeat(31 * MB)),
  'empty blocks': request(`[{"role":"user","content":[${fill('{}', 31 * MB)}]}]`),
};

/** Bodies of the public API that need no log-in, of just under 256 kB. */
const LOG_INS = {
  'unknown keys': `{"email":"a@example.org","password":"x",${Array.from({ length: 25_000 }, (_, i) => `"${i}":0`).join()}}`,
  zeros: `[${fill('0', 255_000)}]`,
  'objects in objects': '{"a":'.repeat(50_000),
  'escaped quotes': `{"email":"${'\\"'.repeat(125_000)}"}`,
};

/** By the door that they come to: the callbacks, the model proxy, and the public API. */
export const BODIES = {
  callbacks: { ...HOSTILE, ...WRONG },
  model: REQUESTS,
  public: LOG_INS,
} as const satisfies Record<string, Record<string, string>>;
export type Door = keyof typeof BODIES;

import type { z } from 'zod';
import { shapeFault, shapeOf } from '../../protocol/json-shape.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { job, type Job } from '../base/threads.ts';

/** What an answer of a forge says; or what is wrong with it, and whether it is JSON at all. */
type ReadAnswer<T> = { data: T } | { wrong: string; is_json: boolean };

/** Reads one kind of answer. A thread can run it, so its module exports it. */
export type AnswerJob<T> = Job<[], ReadAnswer<T>>;

const SHAPE = { ...shapeOf(LIMITS.forge_answer_nodes_max), keys_max: 1_000 };

/** Makes the job that reads answers of this form, for `RestApi`. `module` exports it under this name: see `job`. */
export function answerJob<T extends z.ZodType>(module: string, name: string, schema: T): AnswerJob<z.output<T>> {
  return job(module, name, (body) => readAnswer(body, schema));
}

function readAnswer<T extends z.ZodType>(body: Buffer, schema: T): ReadAnswer<z.output<T>> {
  const fault = shapeFault(body, SHAPE);
  if (fault !== undefined) return { wrong: `the answer ${fault}`, is_json: true };
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString('utf8'));
  } catch {
    return { wrong: 'it is not JSON', is_json: false };
  }
  const { data, error } = schema.safeParse(parsed);
  if (error === undefined) return { data };
  const [issue] = error.issues;
  return { wrong: `${issue?.path.join('.') || 'the answer'} is not as expected`, is_json: true };
}

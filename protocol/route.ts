import type { z } from 'zod';
import type { ErrorCode } from './problem.ts';

/** One route of the public API. `./openapi.ts` writes these down, and the server serves exactly these. */
export type Route = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** With `:id` for what varies. */
  path: string;
  summary: string;
  /** What the summary has no room for. */
  description?: string;
  /** `operator`: whoever bears the token of the server's own settings. Where none is set there is no such route. */
  auth: 'none' | 'user' | 'operator';
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** One that takes undefined need not be sent. */
  body?: z.ZodType;
  status: 200 | 201 | 202 | 204;
  response?: z.ZodType;
  /** The media type of an answer that is not JSON. */
  media_type?: string;
  /** The codes beyond `invalid`, `unauthenticated`, `too_large`, `unsupported_media_type`, `internal`, which any route may answer. */
  errors: ErrorCode[];
  /** Whether an `Idempotency-Key` header is heeded: the same key and body answer the same, and act once. */
  idempotent?: boolean;
};

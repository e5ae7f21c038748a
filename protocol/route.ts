import type { z } from 'zod';
import type { TokenScope } from './tokens.ts';
import type { ErrorCode } from './problem.ts';

/** One route of the public API. `./openapi.ts` describes the routes, and the server serves exactly these. */
export type Route = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  /** With `:id` for a parameter. */
  path: string;
  /** The route is another address of this one: a repeat with the same Idempotency-Key may come to either. */
  same_as?: string;
  summary: string;
  /** Details beside the summary. */
  description?: string;
  /** `operator`: a token from the server's settings. Without that setting the route does not exist. */
  auth: 'none' | 'user' | 'operator';
  /** On a `user` route: what an API token needs to call it. Absent: only a person who has logged in may. */
  scope?: TokenScope;
  params?: z.ZodObject;
  query?: z.ZodObject;
  /** Optional if the schema accepts undefined. */
  body?: z.ZodType;
  /** The body is a file, of any media type. */
  takes_bytes?: true;
  status: 200 | 201 | 202 | 204;
  response?: z.ZodType;
  /** The media type of a response that is not JSON. */
  media_type?: string;
  /**
   * The error codes of this route, besides those of every route: `invalid`, `unauthenticated`, `forbidden`,
   * `too_large`, `unsupported_media_type` and `internal`.
   */
  errors: ErrorCode[];
  /**
   * Whether the route supports the `Idempotency-Key` header: a repeat with the same key and body acts once and gets
   * the same response.
   */
  idempotent?: boolean;
};

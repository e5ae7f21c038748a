import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { ErrandError } from '../../protocol/problem.ts';
import { toProblem } from '../../protocol/problem-document.ts';
import { endWithProblem } from '../base/end-with-problem.ts';

/** Responds with status 200 and a JSON object. */
export function reply(response: ServerResponse, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Responds with status 200 and JSON that is ready. */
export function sendJson(response: ServerResponse, json: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': json.length }).end(json);
}

/** Responds with the error's problem document. */
export function writeProblem(response: ServerResponse, error: unknown, request_id: string): void {
  const problem = toProblem(error, request_id);
  const text = JSON.stringify(problem);
  response.statusCode = problem.status;
  response.setHeader('content-type', 'application/problem+json');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.setHeader('errand-error', problem.code);
  // Git sends its credential only after a challenge.
  if (problem.status === 401) response.setHeader('www-authenticate', 'Basic realm="errand"');
  if (error instanceof ErrandError && error.retry_after_s !== undefined)
    response.setHeader('retry-after', error.retry_after_s);
  response.end(text);
}

/**
 * Refuses a CONNECT request on its raw socket. A missing or bad token becomes 407, the status that proxy clients
 * expect. Why a destination is forbidden is in the status line: many clients show that, and none the body.
 */
export function refuseTunnel(socket: Duplex, error: unknown, request_id: string): void {
  const problem = toProblem(error, request_id);
  const { code, status, title, detail = title } = problem;
  const headers = { 'errand-error': code };
  if (code === 'forbidden') return endWithProblem(socket, problem, { status: `403 ${detail}`, headers });
  if (status !== 401) return endWithProblem(socket, problem, { status: `${status} ${title}`, headers });
  endWithProblem(socket, problem, {
    status: '407 Proxy Authentication Required',
    headers: { ...headers, 'proxy-authenticate': 'Basic realm="errand"' },
  });
}

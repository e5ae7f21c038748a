/**
 * What the status of `GET /v1/models` says of the API key: true, the API takes it; false, it refuses it; undefined,
 * nothing, since the API or something in front of it has another fault. A gateway that does not know the route is taken
 * for one that takes the key.
 */
export function keyVerdict(status: number): boolean | undefined {
  if (status === 401 || status === 403) return false;
  return (status >= 200 && status < 300) || status === 404 ? true : undefined;
}

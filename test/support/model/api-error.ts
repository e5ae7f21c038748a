/** An error as the Messages API answers it. `message` is in the API's own words, since clients match on them. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
}

/** What the API says to a request that it does not take. */
export function invalid(message: string): ApiError {
  return new ApiError(400, 'invalid_request_error', message);
}

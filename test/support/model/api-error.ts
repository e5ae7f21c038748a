/** An error of the Messages API. `message` is the API's own text, since clients match on it. */
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

/** The API's error for an invalid request. */
export function invalid(message: string): ApiError {
  return new ApiError(400, 'invalid_request_error', message);
}

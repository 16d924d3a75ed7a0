/** What can go wrong between this page and the server. */

import type { Trouble } from './wire';

/** `refused`: the server said no and why. `offline`: nobody answered. `missing`: no server extension. */
export type Failure = 'refused' | 'offline' | 'missing';

export class ApiError extends Error {
  constructor(
    readonly failure: Failure,
    readonly trouble: Trouble,
    readonly status = 0
  ) {
    super(trouble.message);
  }

  get remedy(): string {
    return this.trouble.remedy;
  }
}

/** What to say of anything that was thrown. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) {
    return error.trouble;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unknown', message, remedy: '', where: '' };
}

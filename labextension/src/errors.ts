/** What can go wrong between this page and the server. */

import type { Trouble } from './wire';

/**
 * `refused`: the server said no and why. `broken`: it answered with an error of its own (5xx). `offline`: nobody
 * answered. `missing`: no server extension.
 */
export type Failure = 'refused' | 'broken' | 'offline' | 'missing';

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

/** Nobody answered, or nobody who knows us: what is shown stays, and is as it was. */
export function isOffline(error: unknown): boolean {
  return error instanceof ApiError && (error.failure === 'offline' || error.failure === 'missing');
}

/** The same question may be answered another time: everything but a refusal. */
export function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError && error.failure === 'refused');
}

/** What to say of anything that was thrown. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof ApiError) {
    return error.trouble;
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'unknown', message, remedy: '', where: '' };
}

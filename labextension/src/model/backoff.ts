/**
 * Waits between attempts that fail: 1, 2, 4 … 30 s, each shortened by chance by up to a half, so that all pages
 * of a server that fails do not come back to it in step.
 */

export const FIRST_WAIT = 1000;
export const LONGEST_WAIT = 30_000;

export class Backoff {
  /** `chance`: a number from 0 to 1, drawn anew for each wait. */
  constructor(private readonly chance: () => number = Math.random) {}

  /** Milliseconds until the next attempt may begin; 0: now. */
  get rest(): number {
    return Math.max(0, this._until - performance.now());
  }

  /** It failed again. Milliseconds to wait. */
  failed(): number {
    const wait = Math.ceil(this._wait * (1 - this.chance() / 2));
    this._wait = Math.min(LONGEST_WAIT, this._wait * 2);
    this._until = performance.now() + wait;
    return wait;
  }

  /** It went well, or a person wants it now. */
  reset(): void {
    this._wait = FIRST_WAIT;
    this._until = 0;
  }

  private _wait = FIRST_WAIT;
  private _until = 0;
}

/**
 * When to read a thing anew that others say has changed: one reading at a time, one more for all that was said
 * meanwhile, and after a failure not before the wait is over.
 */
export class Pace {
  constructor(
    private readonly read: () => void,
    private readonly backoff = new Backoff()
  ) {}

  /** It changed: read it when that is right. */
  heard(): void {
    this._missed = true;
    if (!this._isReading) {
      this._plan(this.backoff.rest);
    }
  }

  begun(): void {
    this._isReading = true;
    this._missed = false;
    this.dispose();
  }

  ended(): void {
    this.backoff.reset();
    this._landed(0);
  }

  /** `again`: it may go well another time, so that is tried, whether something is heard or not. */
  failed(again: boolean): void {
    this._missed ||= again;
    this._landed(this.backoff.failed());
  }

  /** Nothing is planned any more. */
  dispose(): void {
    if (this._timer !== null) {
      clearTimeout(this._timer);
      this._timer = null;
    }
  }

  private _landed(wait: number): void {
    this._isReading = false;
    if (this._missed) {
      this._plan(wait);
    }
  }

  private _plan(wait: number): void {
    if (wait === 0) {
      this.read();
      return;
    }
    this._timer ??= setTimeout(() => {
      this._timer = null;
      this.read();
    }, wait);
  }

  private _isReading = false;
  private _missed = false;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}

/**
 * The jobs of one lab as this page knows them. No DOM, no requests of its own: it is handed a `Source`.
 *
 * Rows come in two ways, as pages of a list and as changes since a cursor, and both may be under way at
 * once. Three rules keep them right: a row of a page never replaces one that is as new; a job that is
 * gone stays gone; the cursor is that of the first answer, so nothing falls between.
 */

import { ISignal, Signal } from '@lumino/signaling';
import { isOffline, troubleOf } from '../errors';
import { Backoff } from './backoff';
import { served } from './headline';
import type { Changes, Job, JobPage, Note, Stats, Trouble } from '../wire';

/** What a store reads from. */
export interface Source {
  jobs(query: Record<string, string | number>): Promise<JobPage>;
  changes(since: string): Promise<Changes>;
  stats(): Promise<Stats>;
}

export const PAGE = 200;
const ACTIVE_PAGE = 1000;
const MOST_ACTIVE = 20;

export type Phase = 'empty' | 'loading' | 'ready' | 'error';

export class JobStore {
  phase: Phase = 'empty';
  /** Why the last question went unanswered: what is here is as it was then. */
  trouble: Trouble | null = null;
  cursor: string | null = null;
  /** There are older ended jobs than those here. */
  more = false;
  /** Jobs by status in the whole lab, loaded here or not. */
  counts: Record<string, number> = {};
  /** Grows with every change: what views memoise on. */
  version = 0;
  /** Milliseconds that the server's clock is ahead of ours. */
  skew = 0;

  constructor(
    readonly lab: string,
    private readonly source: Source
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** What people want to hear of, once each. */
  get noted(): ISignal<this, Note[]> {
    return this._noted;
  }

  /** What else changed: schedules, queues, groups, worker, … */
  get touched(): ISignal<this, string[]> {
    return this._touched;
  }

  get rows(): ReadonlyMap<number, Job> {
    return this._rows;
  }

  get(id: number): Job | undefined {
    return this._rows.get(id);
  }

  /** The first pages: the newest jobs, and all that have not ended. Raises nothing: see `phase`. */
  load(): Promise<void> {
    this._loading ??= this._load().finally(() => {
      this._loading = null;
    });
    return this._loading;
  }

  /** Everything that happened since the cursor. One request at a time, however often it is asked. */
  sync(): Promise<boolean> {
    if (this.cursor === null) {
      return this.load().then(() => this.phase === 'ready');
    }
    if (this._syncing) {
      this._again = true;
      return this._syncing;
    }
    this._syncing = this._sync()
      .catch((error: unknown) => {
        this._set(this.phase, troubleOf(error));
        throw error;
      })
      .finally(() => {
        this._syncing = null;
      });
    return this._syncing;
  }

  /** One more page of older jobs. */
  async older(): Promise<void> {
    if (!this.more || this._older || this.phase !== 'ready') {
      return;
    }
    this._older = true;
    try {
      const page = await this.source.jobs({ limit: PAGE * 2, before: this._oldest });
      this._take(page.jobs, true);
      this._endOf(page);
    } finally {
      this._older = false;
      this._emit();
    }
  }

  /** Jobs that a search on the server found, kept beside the others. */
  async find(words: string): Promise<void> {
    const number = /^#?(\d{1,15})$/.exec(words);
    const page = await this.source.jobs(
      number ? { limit: 1, before: Number(number[1]) + 1 } : { limit: PAGE, q: words }
    );
    this._take(page.jobs, true);
    this._emit();
  }

  /** A row that an answer carried: what was just enqueued, or one that somebody asked for. */
  put(jobs: Job[]): void {
    this._take(jobs, true);
    this._emit();
  }

  /** How the lab's worker is: the words of jobs that wait for it follow. */
  serve(worker: string): void {
    if (worker === this._worker) {
      return;
    }
    this._worker = worker;
    let moved = false;
    for (const [id, job] of this._rows) {
      const now = served(job, worker);
      if (now !== job) {
        this._rows.set(id, now);
        moved = true;
      }
    }
    if (moved) {
      this._emit();
    }
  }

  private async _load(): Promise<void> {
    this.phase = this.phase === 'ready' ? 'ready' : 'loading';
    this._emit();
    try {
      const newest = await this.source.jobs({ limit: PAGE });
      const fresh = new Map(newest.jobs.map(job => [job.id, served(job, this._worker)]));
      this._rows = fresh;
      this._gone.clear();
      this.cursor = newest.cursor;
      this.skew = newest.at.getTime() - Date.now();
      this._oldest = Number.MAX_SAFE_INTEGER;
      this._endOf(newest);
      this._set('ready', null);
      if (newest.more) {
        await this._active();
      }
      await this._count(true);
    } catch (error) {
      this._set('error', troubleOf(error));
      throw error;
    }
  }

  /** Those that have not ended may be older than the first page. */
  private async _active(): Promise<void> {
    let before = this._oldest;
    for (let n = 0; n < MOST_ACTIVE; n++) {
      const page = await this.source.jobs({ limit: ACTIVE_PAGE, status: 'waiting,running', before });
      this._take(page.jobs, true);
      this._emit();
      if (!page.more || page.jobs.length === 0) {
        return;
      }
      before = page.jobs[page.jobs.length - 1].id;
    }
  }

  private async _sync(): Promise<boolean> {
    let moved = false;
    do {
      this._again = false;
      const said = await this.source.changes(this.cursor ?? '');
      if (said.reset) {
        this.cursor = null;
        await this.load();
        this._touched.emit(['jobs', 'schedules', 'queues', 'groups', 'worker', 'services', 'labs', 'handlers']);
        return true;
      }
      moved = this._apply(said) || moved;
      this._again = this._again || said.more;
    } while (this._again);
    if (moved) {
      await this._count(false);
    }
    if (this.trouble !== null) {
      this._set('ready', null);
    }
    return moved;
  }

  private _apply(said: Changes): boolean {
    this.cursor = said.cursor;
    this._take(said.jobs, false);
    for (const id of said.gone) {
      this._rows.delete(id);
      this._gone.add(id);
    }
    const moved = said.jobs.length > 0 || said.gone.length > 0;
    if (moved) {
      this._emit();
    }
    if (said.topics.length > 0) {
      this._touched.emit(said.topics);
    }
    const fresh = said.notes.filter(note => note.id > this._heard);
    if (fresh.length > 0) {
      this._heard = Math.max(...fresh.map(note => note.id));
      this._noted.emit(fresh);
    }
    return moved || said.topics.length > 0 || fresh.length > 0;
  }

  /** The server's now. */
  now(): Date {
    return new Date(Date.now() + this.skew);
  }

  private _take(jobs: Job[], fromPage: boolean): void {
    for (const job of jobs) {
      const known = this._rows.get(job.id);
      const isOld = fromPage && known !== undefined && known.updated_at >= job.updated_at;
      if (!isOld && !this._gone.has(job.id)) {
        this._rows.set(job.id, served(job, this._worker));
      }
    }
  }

  private _endOf(page: JobPage): void {
    this.more = page.more;
    if (page.jobs.length > 0) {
      this._oldest = Math.min(this._oldest, page.jobs[page.jobs.length - 1].id);
    }
  }

  /**
   * Counts of the whole lab, at most every two seconds; the last change is always counted. An error of the
   * server's is no trouble of the rows: it is asked again after a while.
   */
  private async _count(now: boolean): Promise<void> {
    const rest = Math.max(this._counted + 2000 - performance.now(), this._pause.rest);
    if (!now && rest > 0) {
      this._countIn(rest);
      return;
    }
    this._counted = performance.now();
    try {
      this.counts = (await this.source.stats()).states;
      this._pause.reset();
      this._emit();
    } catch (error) {
      if (isOffline(error)) {
        throw error;
      }
      this._countIn(this._pause.failed());
    }
  }

  private _countIn(wait: number): void {
    this._later ??= setTimeout(() => {
      this._later = null;
      void this._count(true).catch(() => undefined);
    }, wait);
  }

  /** Nothing happens after this any more. */
  dispose(): void {
    if (this._later !== null) {
      clearTimeout(this._later);
    }
    Signal.clearData(this);
  }

  private _set(phase: Phase, trouble: Trouble | null): void {
    this.phase = phase;
    this.trouble = trouble;
    this._emit();
  }

  private _emit(): void {
    this.version += 1;
    this._changed.emit();
  }

  private _rows = new Map<number, Job>();
  private _worker: string | null = null;
  private _gone = new Set<number>();
  private _oldest = Number.MAX_SAFE_INTEGER;
  private _heard = 0;
  private _counted = -Infinity;
  private _pause = new Backoff();
  private _later: ReturnType<typeof setTimeout> | null = null;
  private _older = false;
  private _again = false;
  private _loading: Promise<void> | null = null;
  private _syncing: Promise<boolean> | null = null;
  private _changed = new Signal<this, void>(this);
  private _noted = new Signal<this, Note[]>(this);
  private _touched = new Signal<this, string[]>(this);
}

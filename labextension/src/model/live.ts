/**
 * Keeps the stores of all labs that somebody looks at true.
 *
 *     an event arrives ─► the lab's store asks for what changed since its cursor
 *     nothing arrives  ─► it asks anyway, every few seconds (an event may be lost, a socket may be down)
 *     nobody answers   ─► wait 1, 2, 4 … 30 s, then everything again; no row is lost, none comes twice
 *     a lab's answer is an error ─► that lab waits so, whatever events say; the others go on
 */

import { ISignal, Signal } from '@lumino/signaling';
import { ApiError, isOffline, troubleOf } from '../errors';
import type { ChangeEvent, Lab, Trouble } from '../wire';
import { Backoff, LONGEST_WAIT } from './backoff';
import { JobStore, Source } from './jobs';

/** What this reads from: the server, or a test's stand-in. */
export interface Server {
  labs(): Promise<{ default: string | null; labs: Lab[] }>;
  source(lab: string): Source;
}

export type Link = 'connecting' | 'live' | 'offline' | 'missing';

/** The stream of events connects in its own time: for so long after the server was found, looks are a second apart. */
const FIRST_LOOKS = 15_000;
const FIRST_INTERVAL = 1000;
/** Every so manieth look is at the labs, too: at their workers, which may die without an event. */
const LABS_EVERY = 30_000;

export class Live {
  link: Link = 'connecting';
  trouble: Trouble | null = null;
  labs: Lab[] = [];
  /** The lab that is shown; its uuid. */
  current: string | null = null;
  version = 0;

  /** `interval`: milliseconds between two looks that no event asked for. */
  constructor(
    private readonly server: Server,
    public interval = 5000,
    private readonly chance: () => number = Math.random
  ) {
    this._backoff = new Backoff(chance);
  }

  /** Link, labs or the shown lab changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** A store was made: for those who listen to all. */
  get opened(): ISignal<this, JobStore> {
    return this._opened;
  }

  start(): void {
    this._plan(0);
  }

  /** The store of a lab, followed from now on. */
  store(lab: string): JobStore {
    let store = this._stores.get(lab);
    if (store === undefined) {
      store = new JobStore(lab, this.server.source(lab));
      this._stores.set(lab, store);
      const worker = this.labs.find(one => one.uuid === lab)?.worker;
      if (worker) {
        store.serve(worker.state);
      }
      store.touched.connect((_, topics) => {
        if (topics.includes('worker') || topics.includes('labs')) {
          void this.readLabs();
        }
      });
      this._opened.emit(store);
      if (this.link === 'live') {
        this._follow(store);
      }
    }
    return store;
  }

  /** The store that the panel shows. */
  get shown(): JobStore | null {
    return this.current === null ? null : this.store(this.current);
  }

  get lab(): Lab | undefined {
    return this.labs.find(lab => lab.uuid === this.current);
  }

  show(lab: string): void {
    this.current = lab;
    this.store(lab);
    this._emit();
  }

  /** What the event stream says. It may speak while every answer is an error: nothing is asked out of turn then. */
  heard(event: ChangeEvent): void {
    if (this.link !== 'live') {
      return;
    }
    const store = this._stores.get(event.lab);
    if (store === undefined) {
      if (!this.labs.some(lab => lab.uuid === event.lab)) {
        void this.readLabs();
      }
    } else if (store.cursor !== event.to) {
      this._follow(store);
    }
  }

  /** A lab that somebody shows a job of and that is not in the list may be younger than the list: ask, once. */
  seek(lab: string): void {
    if (!this.labs.some(one => one.uuid === lab) && !this._sought.has(lab)) {
      this._sought.set(lab, false);
      void this.readLabs().then(() => {
        this._sought.set(lab, true);
        this._emit();
      });
    }
  }

  /** The server was asked for this lab and does not know it. Before, nobody can say. */
  isUnknown(lab: string): boolean {
    return this._sought.get(lab) === true && !this.labs.some(one => one.uuid === lab);
  }

  /** Look now, because a person wants it: at the labs, and at what changed in those that are shown. */
  look(): Promise<void> {
    this._pauses.forEach(pause => pause.reset());
    return this._look();
  }

  /** The labs themselves: their workers, their counts. */
  async readLabs(): Promise<void> {
    try {
      await this._readLabs();
    } catch (error) {
      this._failed(error);
    }
  }

  dispose(): void {
    this._disposed = true;
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
    this._again.forEach(timer => clearTimeout(timer));
    this._stores.forEach(store => store.dispose());
    Signal.clearData(this);
  }

  private async _look(): Promise<void> {
    if (this._looking || this._disposed) {
      return;
    }
    this._looking = true;
    try {
      if (this.link !== 'live' || performance.now() - this._labsAt >= LABS_EVERY) {
        await this._readLabs();
      }
      const done = await Promise.allSettled([...this._stores.values()].map(store => this._sync(store)));
      const lost = done.find(one => one.status === 'rejected');
      if (lost) {
        throw lost.reason;
      }
      if (this.link !== 'live') {
        this._foundAt = performance.now();
      }
      this._backoff.reset();
      this._say('live', null);
      const isYoung = performance.now() - this._foundAt < FIRST_LOOKS;
      this._plan(isYoung ? Math.min(FIRST_INTERVAL, this.interval) : this.interval);
    } catch (error) {
      this._failed(error);
    } finally {
      this._looking = false;
    }
  }

  /** One reading at a time: who asks while one is under way gets the next, which is younger than the question. */
  private _readLabs(): Promise<void> {
    if (this._nextLabs === null) {
      const next = this._lastLabs
        .catch(() => undefined)
        .then(() => {
          this._nextLabs = null;
          return this._askForLabs();
        });
      this._nextLabs = this._lastLabs = next;
    }
    return this._nextLabs;
  }

  private async _askForLabs(): Promise<void> {
    const said = await this.server.labs();
    this._labsAt = performance.now();
    this.labs = said.labs;
    for (const lab of said.labs) {
      if (lab.uuid !== null && lab.worker !== null) {
        this._stores.get(lab.uuid)?.serve(lab.worker.state);
      }
    }
    const usable = said.labs.filter(lab => lab.uuid !== null);
    if (this.current === null || !usable.some(lab => lab.uuid === this.current)) {
      this.current = said.default ?? usable[0]?.uuid ?? null;
      if (this.current !== null) {
        this.store(this.current);
      }
    }
    this._emit();
  }

  private _follow(store: JobStore): void {
    this._sync(store).catch((error: unknown) => this._failed(error));
  }

  /** Raises only if nobody answers. Where a lab's answer is an error, it is asked again after a while. */
  private async _sync(store: JobStore): Promise<void> {
    let pause = this._pauses.get(store);
    if (pause === undefined) {
      pause = new Backoff(this.chance);
      this._pauses.set(store, pause);
    }
    if (pause.rest > 0) {
      return;
    }
    try {
      await store.sync();
      pause.reset();
    } catch (error) {
      if (isOffline(error)) {
        throw error;
      }
      if (pause.rest === 0 && !this._disposed) {
        clearTimeout(this._again.get(store));
        this._again.set(
          store,
          setTimeout(() => this._follow(store), pause.failed())
        );
      }
    }
  }

  private _failed(error: unknown): void {
    const isMissing = error instanceof ApiError && error.failure === 'missing';
    this._say(isMissing ? 'missing' : 'offline', troubleOf(error));
    if (this._timer === null || this._backoff.rest === 0) {
      this._plan(isMissing ? LONGEST_WAIT : this._backoff.failed());
    }
  }

  private _plan(after: number): void {
    if (this._disposed) {
      return;
    }
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
    this._timer = setTimeout(() => {
      this._timer = null;
      void this._look();
    }, after);
  }

  private _say(link: Link, trouble: Trouble | null): void {
    if (link !== this.link || trouble?.message !== this.trouble?.message) {
      this.link = link;
      this.trouble = trouble;
      this._emit();
    }
  }

  private _emit(): void {
    this.version += 1;
    this._changed.emit();
  }

  private _stores = new Map<string, JobStore>();
  private _pauses = new Map<JobStore, Backoff>();
  private _again = new Map<JobStore, ReturnType<typeof setTimeout>>();
  private _sought = new Map<string, boolean>();
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private readonly _backoff: Backoff;
  private _nextLabs: Promise<void> | null = null;
  private _lastLabs: Promise<void> = Promise.resolve();
  private _labsAt = -Infinity;
  private _foundAt = -Infinity;
  private _looking = false;
  private _disposed = false;
  private _changed = new Signal<this, void>(this);
  private _opened = new Signal<this, JobStore>(this);
}

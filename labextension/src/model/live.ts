/**
 * Keeps the stores of all labs that somebody looks at true.
 *
 *     an event arrives ─► the lab's store asks for what changed since its cursor
 *     nothing arrives  ─► it asks anyway, every few seconds (an event may be lost, a socket may be down)
 *     nobody answers   ─► wait 1, 2, 4 … 30 s, then everything again; no row is lost, none comes twice
 */

import { ISignal, Signal } from '@lumino/signaling';
import { ApiError, troubleOf } from '../errors';
import type { ChangeEvent, Lab, Trouble } from '../wire';
import { JobStore, Source } from './jobs';

/** What this reads from: the server, or a test's stand-in. */
export interface Server {
  labs(): Promise<{ default: string | null; labs: Lab[] }>;
  source(lab: string): Source;
}

export type Link = 'connecting' | 'live' | 'offline' | 'missing';

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

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
    public interval = 5000
  ) {}

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
      store.touched.connect((_, topics) => {
        if (topics.includes('worker') || topics.includes('labs')) {
          void this.readLabs();
        }
      });
      this._opened.emit(store);
      if (this.link === 'live') {
        void this._sync(store);
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

  /** What the event stream says. */
  heard(event: ChangeEvent): void {
    const store = this._stores.get(event.lab);
    if (store === undefined) {
      if (!this.labs.some(lab => lab.uuid === event.lab)) {
        void this.look();
      }
    } else if (store.cursor !== event.to) {
      void this._sync(store);
    }
  }

  /** Look now: at the labs, and at what changed in those that are shown. */
  async look(): Promise<void> {
    if (this._looking || this._disposed) {
      return;
    }
    this._looking = true;
    try {
      if (this.link !== 'live' || this._looks % 6 === 0) {
        await this._readLabs();
      }
      this._looks += 1;
      const stores = [...this._stores.values()];
      const done = await Promise.allSettled(stores.map(store => store.sync()));
      const lost = done.find(one => one.status === 'rejected' && isOffline(one.reason));
      if (lost) {
        throw (lost as PromiseRejectedResult).reason;
      }
      this._wait = FIRST_WAIT;
      this._say('live', null);
      this._plan(this.interval);
    } catch (error) {
      this._failed(error);
    } finally {
      this._looking = false;
    }
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
    this._stores.forEach(store => store.dispose());
    Signal.clearData(this);
  }

  private async _readLabs(): Promise<void> {
    const said = await this.server.labs();
    this.labs = said.labs;
    const usable = said.labs.filter(lab => lab.uuid !== null);
    if (this.current === null || !usable.some(lab => lab.uuid === this.current)) {
      this.current = said.default ?? usable[0]?.uuid ?? null;
      if (this.current !== null) {
        this.store(this.current);
      }
    }
    this._emit();
  }

  private async _sync(store: JobStore): Promise<void> {
    try {
      await store.sync();
    } catch (error) {
      if (isOffline(error)) {
        this._failed(error);
      }
    }
  }

  private _failed(error: unknown): void {
    const isMissing = error instanceof ApiError && error.failure === 'missing';
    this._say(isMissing ? 'missing' : 'offline', troubleOf(error));
    this._plan(isMissing ? LONGEST_WAIT : this._wait);
    this._wait = Math.min(LONGEST_WAIT, this._wait * 2);
  }

  private _plan(after: number): void {
    if (this._disposed) {
      return;
    }
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
    this._timer = setTimeout(() => void this.look(), after);
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
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _wait = FIRST_WAIT;
  private _looking = false;
  private _looks = 0;
  private _disposed = false;
  private _changed = new Signal<this, void>(this);
  private _opened = new Signal<this, JobStore>(this);
}

function isOffline(error: unknown): boolean {
  return error instanceof ApiError && error.failure !== 'refused';
}

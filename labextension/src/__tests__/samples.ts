/** Jobs and a server for tests of the models. */

import { ApiError } from '../errors';
import type { Source } from '../model/jobs';
import type { Server } from '../model/live';
import type { Changes, Job, JobPage, Lab } from '../wire';

export const LAB = '3f6c1a52-8f0e-4c77-9a52-5f4f6a1d2e11';
const START = Date.parse('2026-03-03T12:00:00Z');

export function job(id: number, more: Partial<Job> = {}): Job {
  const at = new Date(START + id * 1000);
  return {
    id,
    uuid: `u${id}`,
    key: 'train',
    title: 'train',
    kind: 'cell',
    status: 'pending',
    role: 'waiting',
    headline: 'waits for a free runner',
    waits_for: null,
    parameters: '',
    description: '',
    tags: [],
    queue: 'default',
    priority: 0,
    attempt: 0,
    max_attempts: 1,
    epoch: 0,
    error: null,
    bars: [],
    more_bars: 0,
    version: 'ab12',
    chain: null,
    batch: null,
    step: null,
    schedule: null,
    service: false,
    cancelling: false,
    created_at: at,
    due_at: at,
    started_at: null,
    finished_at: null,
    updated_at: at,
    ...more
  };
}

/** A server in memory: its cursor counts changes, as the real one's does. */
export class FakeServer implements Server, Source {
  rows = new Map<number, Job>();
  log: { id: number; at: number }[] = [];
  cursor = 0;
  instance = 'a';
  isDown = false;
  /** Questions that begin so are answered with an error of the server's own. */
  broken: string | null = null;
  /** Labs that the server has seen so far. */
  known = [LAB];
  asked: string[] = [];
  /** Answers wait here until they are let go. */
  gate: Promise<void> = Promise.resolve();

  put(...jobs: Job[]): void {
    for (const one of jobs) {
      this.cursor += 1;
      this.rows.set(one.id, { ...one, updated_at: new Date(START + this.cursor * 1000) });
      this.log.push({ id: one.id, at: this.cursor });
    }
  }

  drop(id: number): void {
    this.cursor += 1;
    this.rows.delete(id);
    this.log.push({ id, at: this.cursor });
  }

  /** A new process: cursors of the old one say nothing to it. */
  restart(): void {
    this.instance += 'a';
  }

  source: (lab: string) => Source = () => this;

  async labs(): Promise<{ default: string | null; labs: Lab[] }> {
    const rest = { path: '', counts: {}, worker: null, restricted: false, error: null };
    const labs = this.known.map(uuid => ({ uuid, name: uuid, default: uuid === LAB, ...rest }));
    await this.answer('labs');
    return { default: labs[0]?.uuid ?? null, labs };
  }

  async jobs(query: Record<string, string | number>): Promise<JobPage> {
    const before = Number(query.before ?? Infinity);
    const limit = Number(query.limit ?? 100);
    const wanted = [...this.rows.values()].filter(one => one.id < before && (!query.status || one.role === 'waiting'));
    const found = wanted.sort((a, b) => b.id - a.id);
    const page = { at: new Date(), cursor: this.now(), jobs: found.slice(0, limit), more: found.length > limit };
    await this.answer(`jobs ${JSON.stringify(query)}`);
    return page;
  }

  async changes(since: string): Promise<Changes> {
    const [instance, at] = since.split('-');
    const ids = [...new Set(this.log.filter(entry => entry.at > Number(at)).map(entry => entry.id))];
    const said: Changes = {
      at: new Date(),
      cursor: this.now(),
      reset: instance !== this.instance,
      jobs: ids.flatMap(id => this.rows.get(id) ?? []),
      gone: ids.filter(id => !this.rows.has(id)),
      topics: ids.length ? ['jobs'] : [],
      notes: [],
      more: false
    };
    await this.answer(`changes ${since}`);
    return said;
  }

  async stats(): Promise<{ states: Record<string, number>; groups: Record<string, number>; total: number }> {
    await this.answer('stats');
    return { states: { pending: this.rows.size }, groups: {}, total: this.rows.size };
  }

  now(): string {
    return `${this.instance}-${this.cursor}`;
  }

  private async answer(what: string): Promise<void> {
    this.asked.push(what);
    await this.gate;
    if (this.broken !== null && what.startsWith(this.broken)) {
      throw new ApiError('broken', { code: 'internal', message: 'a mistake', remedy: '', where: '' }, 500);
    }
    if (this.isDown) {
      throw new ApiError('offline', { code: 'offline', message: 'no answer', remedy: '', where: '' });
    }
  }
}

import { describe, expect, it } from 'vitest';
import { among, click, move, NOTHING } from '../model/choice';
import { inTheWay, layOut } from '../model/graph';
import { headlineAt, served, share } from '../model/headline';
import { arrange, Entry, Wanted } from '../model/list';
import { wanted, words } from '../model/notes';
import type { Note } from '../wire';
import { job } from './samples';

const ALL: Wanted = { words: '', shelf: 'all', grouping: 'status', folded: new Set() };
const said = (entries: Entry[]) =>
  entries.map(entry => (entry.kind === 'head' ? `${entry.words} ${entry.count}` : entry.job.id));

describe('the list', () => {
  const rows = [
    job(1, { status: 'completed', role: 'good' }),
    job(2, { key: 'fetch', parameters: 'day="2026-03-01"' }),
    job(3, { status: 'running', role: 'running', tags: ['nightly'] }),
    job(4, { status: 'running', role: 'running', service: true }),
    job(5, { status: 'failed', role: 'bad', error: 'ValueError: nan' })
  ];

  it('has services, what runs, what waits, what failed, what ended', () => {
    expect(said(arrange(rows, ALL, {}))).toEqual([
      'Services 1', 4, 'Running 1', 3, 'Waiting 1', 2, 'Failed 1', 5, 'Completed 1', 1
    ]);
  });

  it('counts the whole lab where only a part is here', () => {
    expect(said(arrange(rows, ALL, { completed: 9000 }))).toContain('Completed 9000');
  });

  it('searches in key, parameters, tags, error and number', () => {
    for (const [typed, id] of [['fetch', 2], ['2026-03', 2], ['NIGHTLY', 3], ['nan', 5], ['#4', 4]] as const) {
      expect(said(arrange(rows, { ...ALL, words: typed, grouping: 'none' }, {}))).toEqual([id]);
    }
  });

  it('folds groups and shows only a shelf', () => {
    expect(said(arrange(rows, { ...ALL, shelf: 'failed', folded: new Set(['failed']) }, {}))).toEqual(['Failed 1']);
    expect(said(arrange(rows, { ...ALL, grouping: 'key' }, {}))[0]).toBe('fetch 1');
  });

  it('is arranged in a moment for ten thousand jobs', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => job(i + 1, { role: 'good', status: 'completed' }));
    const begun = performance.now();
    expect(arrange(many, ALL, {}).length).toBe(10_001);
    expect(performance.now() - begun).toBeLessThan(200);
  });
});

describe('a choice', () => {
  const order = [9, 8, 7, 6];
  it('is made by click, with Ctrl and with Shift', () => {
    const one = click(NOTHING, 8, order, true, false);
    expect([...click(one, 6, order, false, true).chosen]).toEqual([8, 7, 6]);
    expect([...click(one, 8, order, true, false).chosen]).toEqual([]);
    expect(click(one, 7, order, false, false)).toMatchObject({ active: 7, chosen: new Set() });
  });
  it('follows the arrows, and Shift extends it', () => {
    const first = move(NOTHING, 1, order, false);
    expect(first.active).toBe(9);
    const range = move(move(first, 1, order, true), 1, order, true);
    expect([...range.chosen]).toEqual([9, 8, 7]);
    expect(move(range, 99, order, false).active).toBe(6);
    expect([...among(range, id => id !== 8).chosen]).toEqual([9, 7]);
  });
});

describe('a headline', () => {
  const start = new Date('2026-03-03T12:00:00Z');
  const later = (seconds: number) => new Date(start.getTime() + seconds * 1000);
  it('moves on with the clock', () => {
    const running = job(1, { status: 'running', headline: 'for 0.1 s, attempt 2 of 3', started_at: start });
    expect(headlineAt(running, later(75))).toBe('for 1 min 15 s, attempt 2 of 3');
    const usual = job(1, { status: 'running', headline: 'for 1.0 s of the usual 2 min', started_at: start });
    expect(headlineAt(usual, later(12))).toBe('for 12 s of the usual 2 min');
    const due = job(1, { status: 'scheduled', headline: 'due in 5 min (12:05:00)', due_at: later(300) });
    expect(headlineAt(due, later(290))).toBe('due in 10 s (12:05:00)');
    expect(headlineAt(due, later(301))).toBe('due now (12:05:00)');
  });
  it('leaves what it does not know', () => {
    const dead = job(1, { status: 'running', headline: 'its worker died; it goes back', started_at: start });
    expect(headlineAt(dead, later(5))).toBe('its worker died; it goes back');
    expect(share(job(1, { bars: [{ label: '', fraction: null, text: '' }, { label: '', fraction: 0.4, text: '' }] }))).toBe(0.4);
  });
});

describe('a job that waits for a worker', () => {
  const alone = job(1, { headline: 'waits for a worker, and none is running' });
  it('says how the worker is now', () => {
    expect(served(alone, 'running').headline).toBe('waits for a free runner');
    expect(served(alone, 'starting').headline).toBe('waits for the worker, which is starting');
    expect(served(job(1, { headline: 'waits for a free runner' }), 'dead')).toEqual(alone);
    expect(served(alone, 'stopped')).toBe(alone);
  });
  it('keeps other words, and its own until the worker is known', () => {
    expect(served(alone, null)).toBe(alone);
    const held = job(1, { headline: 'queue low is paused' });
    expect(served(held, 'running')).toBe(held);
  });
});

describe('a chain on paper', () => {
  const edge = (from: number, to: number) => ({ from, to, policy: 'fail' });
  it('goes from left to right', () => {
    const { places, layers, rows } = layOut([1, 2, 3, 4], [edge(1, 2), edge(1, 3), edge(2, 4), edge(3, 4)]);
    expect([layers, rows]).toEqual([3, 2]);
    expect(places.find(place => place.id === 1)).toEqual({ id: 1, layer: 0, row: 0.5 });
    expect(places.find(place => place.id === 4)).toEqual({ id: 4, layer: 2, row: 0.5 });
  });
  it('knows what stands in the way of an edge', () => {
    const { places } = layOut([1, 2, 3], [edge(1, 2), edge(2, 3), edge(1, 3)]);
    const [one, two, three] = places;
    expect(inTheWay(places, one, three)).toBe(0);
    expect(inTheWay(places, one, two)).toBeNull();
  });
  it('ends also for a circle, and for nothing', () => {
    expect(layOut([1, 2], [edge(1, 2), edge(2, 1)]).places.length).toBe(2);
    expect(layOut([], [])).toEqual({ places: [], layers: 0, rows: 0 });
  });
});

describe('a toast', () => {
  const note = (kind: string, text = ''): Note => ({ id: 1, job: 12, key: 'train', kind, at: new Date(), text, title: '', url: '' });
  it('says how a job ended', () => {
    expect(words(note('failed', 'ValueError: nan'))).toEqual({ text: 'train #12 failed: ValueError: nan', kind: 'error' });
    expect(words(note('succeeded'))?.text).toBe('train #12 completed');
    expect(words(note('cancelled'))).toBeNull();
  });
  it('comes for what the settings ask for', () => {
    const all = [note('succeeded'), note('failed'), note('notified', 'half way')];
    expect(wanted(all, 'failures').map(one => one.kind)).toEqual(['failed', 'notified']);
    expect(wanted(all, 'asked').map(one => one.kind)).toEqual(['notified']);
    expect(wanted(all, 'none')).toEqual([]);
  });
});

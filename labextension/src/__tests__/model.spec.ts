import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { JobStore, PAGE } from '../model/jobs';
import { Live } from '../model/live';
import type { Note } from '../wire';
import { FakeServer, job, LAB } from './samples';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const ids = (store: JobStore) => [...store.rows.keys()].sort((a, b) => a - b);

describe('the jobs of a lab', () => {
  it('are its newest page, then what changes', async () => {
    const server = new FakeServer();
    server.put(job(1), job(2));
    const store = new JobStore(LAB, server);
    await store.load();
    expect(ids(store)).toEqual([1, 2]);
    server.put(job(3), job(1, { status: 'running', role: 'running' }));
    server.drop(2);
    await store.sync();
    expect(ids(store)).toEqual([1, 3]);
    expect(store.get(1)?.status).toBe('running');
  });

  it('ask once for many events, and once more for those that came meanwhile', async () => {
    const server = new FakeServer();
    const store = new JobStore(LAB, server);
    await store.load();
    server.asked = [];
    server.put(job(1));
    const all = [store.sync(), store.sync(), store.sync()];
    server.put(job(2));
    await Promise.all(all);
    expect(ids(store)).toEqual([1, 2]);
    expect(server.asked.filter(what => what.startsWith('changes')).length).toBe(2);
  });

  it('do not go back when an older page arrives late, and what is gone stays gone', async () => {
    const server = new FakeServer();
    server.put(...Array.from({ length: PAGE + 5 }, (_, i) => job(i + 1, { role: 'good', status: 'completed' })));
    const store = new JobStore(LAB, server);
    await store.load();
    expect(store.more).toBe(true);
    let open = () => undefined as void;
    server.gate = new Promise(done => (open = done));
    const late = store.older();
    server.gate = Promise.resolve();
    server.put(job(3, { status: 'running', role: 'running' }));
    server.drop(4);
    await store.sync();
    open();
    await late;
    expect(store.get(3)?.status).toBe('running');
    expect(store.get(4)).toBeUndefined();
    expect(ids(store).length).toBe(PAGE + 4);
  });

  it('are read anew after the server was another, nothing twice', async () => {
    const server = new FakeServer();
    server.put(job(1), job(2));
    const store = new JobStore(LAB, server);
    await store.load();
    server.restart();
    server.drop(1);
    server.put(job(3));
    expect(await store.sync()).toBe(true);
    expect(ids(store)).toEqual([2, 3]);
  });

  it('that wait are there although many newer ones ended', async () => {
    const server = new FakeServer();
    server.put(job(1), ...Array.from({ length: PAGE + 50 }, (_, i) => job(i + 2, { role: 'good', status: 'completed' })));
    const store = new JobStore(LAB, server);
    await store.load();
    expect(store.get(1)).toBeDefined();
    expect(store.rows.size).toBe(PAGE + 1);
  });

  it('tell a note once', async () => {
    const server = new FakeServer();
    const store = new JobStore(LAB, server);
    const heard: number[] = [];
    store.noted.connect((_, notes) => heard.push(...notes.map(note => note.id)));
    await store.load();
    const note: Note = { id: 7, job: 1, key: 'k', kind: 'failed', at: new Date(), text: '', title: '', url: '' };
    const changes = server.changes.bind(server);
    server.changes = async since => ({ ...(await changes(since)), notes: [note] });
    await store.sync();
    await store.sync();
    expect(heard).toEqual([7]);
  });
});

describe('live', () => {
  async function started(server: FakeServer): Promise<Live> {
    const live = new Live(server, 5000, () => 0.5);
    live.start();
    await vi.advanceTimersByTimeAsync(10);
    return live;
  }

  it('shows the default lab and follows events', async () => {
    const server = new FakeServer();
    server.put(job(1));
    const live = await started(server);
    expect(live.link).toBe('live');
    expect(live.current).toBe(LAB);
    server.put(job(2));
    live.heard({ lab: LAB, from: 'a-1', to: server.now() });
    await vi.advanceTimersByTimeAsync(1);
    expect(live.shown?.rows.size).toBe(2);
    live.dispose();
  });

  it('asks nothing for an event whose end it knows', async () => {
    const server = new FakeServer();
    const live = await started(server);
    server.asked = [];
    live.heard({ lab: LAB, from: 'a-0', to: server.now() });
    await vi.advanceTimersByTimeAsync(1);
    expect(server.asked).toEqual([]);
    live.dispose();
  });

  it('finds what no event told within its interval', async () => {
    const server = new FakeServer();
    const live = await started(server);
    server.put(job(9));
    await vi.advanceTimersByTimeAsync(5100);
    expect(live.shown?.get(9)).toBeDefined();
    live.dispose();
  });

  it('waits longer and longer while nobody answers, then has all rows once', async () => {
    const server = new FakeServer();
    server.put(job(1));
    const live = await started(server);
    server.isDown = true;
    await vi.advanceTimersByTimeAsync(5100);
    expect(live.link).toBe('offline');
    expect(live.shown?.rows.size).toBe(1);
    server.asked = [];
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.length).toBeLessThan(10);
    server.put(job(2), job(3));
    server.restart();
    server.isDown = false;
    await vi.advanceTimersByTimeAsync(31_000);
    expect(live.link).toBe('live');
    expect(ids(live.shown as JobStore)).toEqual([1, 2, 3]);
    live.dispose();
  });

  it.each(['changes', 'jobs', 'stats', 'labs', ''])(
    'asks less and less while %s is answered with an error, whatever events say, and recovers by itself',
    async broken => {
      const server = new FakeServer();
      server.put(job(1));
      const live = await started(server);
      await vi.advanceTimersByTimeAsync(20_000);
      server.broken = broken;
      if (broken === 'jobs') {
        server.restart();
      }
      server.asked = [];
      for (let n = 0; n < 300; n++) {
        server.put(job(2 + n));
        live.heard({ lab: LAB, from: '', to: server.now() });
        await vi.advanceTimersByTimeAsync(200);
      }
      const asked = server.asked.filter(what => broken === '' || what.startsWith(broken));
      expect(asked.length).toBeLessThan(broken === '' ? 18 : 12);
      server.broken = null;
      await vi.advanceTimersByTimeAsync(31_000);
      expect(live.link).toBe('live');
      expect(live.shown?.trouble).toBeNull();
      expect(live.shown?.get(301)).toBeDefined();
      expect(live.shown?.counts.pending).toBe(301);
      live.dispose();
    }
  );

  it('says why what it shows may be old, and a person need not wait', async () => {
    const server = new FakeServer();
    server.put(job(1));
    const live = await started(server);
    server.broken = 'changes';
    server.put(job(2));
    live.heard({ lab: LAB, from: '', to: server.now() });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(live.link).toBe('live');
    expect(live.shown?.trouble?.message).toBe('a mistake');
    expect(live.shown?.rows.size).toBe(1);
    server.broken = null;
    await live.look();
    expect(live.shown?.trouble).toBeNull();
    expect(live.shown?.rows.size).toBe(2);
    live.dispose();
  });

  it('goes on with the other labs while one is answered with errors', async () => {
    const server = new FakeServer();
    const bad = new FakeServer();
    bad.broken = '';
    server.known.push('other');
    server.source = uuid => (uuid === 'other' ? bad : server);
    const live = await started(server);
    live.store('other');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bad.asked.length).toBeLessThan(12);
    server.put(job(7));
    live.heard({ lab: LAB, from: '', to: server.now() });
    await vi.advanceTimersByTimeAsync(1);
    expect(live.link).toBe('live');
    expect(live.store(LAB).get(7)).toBeDefined();
    live.dispose();
  });

  it('looks every second at first: the stream of events may not be there yet', async () => {
    const server = new FakeServer();
    const live = await started(server);
    server.put(job(1));
    await vi.advanceTimersByTimeAsync(1000);
    expect(live.shown?.get(1)).toBeDefined();
    await vi.advanceTimersByTimeAsync(20_000);
    server.asked = [];
    await vi.advanceTimersByTimeAsync(20_000);
    expect(server.asked.filter(what => what.startsWith('changes')).length).toBe(4);
    live.dispose();
  });

  it('shows the first lab of all as soon as an event names it', async () => {
    const server = new FakeServer();
    server.known = [];
    const live = await started(server);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(live.shown).toBeNull();
    server.known = [LAB];
    server.put(job(1));
    live.heard({ lab: LAB, from: '', to: server.now() });
    await vi.advanceTimersByTimeAsync(10);
    expect(live.shown?.get(1)).toBeDefined();
    live.dispose();
  });

  it('calls a lab unknown only once the server was asked for it, also while an older answer is under way', async () => {
    const server = new FakeServer();
    const live = await started(server);
    let open = () => undefined as void;
    server.gate = new Promise(done => (open = done));
    const old = live.readLabs();
    await vi.advanceTimersByTimeAsync(1);
    live.seek('young');
    expect(live.isUnknown('young')).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    server.known.push('young');
    open();
    await old;
    expect(live.labs.map(lab => lab.uuid)).not.toContain('young');
    expect(live.isUnknown('young')).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(live.isUnknown('young')).toBe(false);
    expect(live.labs.map(lab => lab.uuid)).toContain('young');
    live.seek('foreign');
    await vi.advanceTimersByTimeAsync(10);
    expect(live.isUnknown('foreign')).toBe(true);
    server.asked = [];
    live.seek('foreign');
    await vi.advanceTimersByTimeAsync(10);
    expect(server.asked.filter(what => what === 'labs')).toEqual([]);
    live.dispose();
  });
});

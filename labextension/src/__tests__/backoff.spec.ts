import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Backoff, Pace } from '../model/backoff';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('waits between attempts that fail', () => {
  it('double up to thirty seconds, and begin anew after one that went well', () => {
    const backoff = new Backoff(() => 0);
    expect(Array.from({ length: 7 }, () => backoff.failed())).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    backoff.reset();
    expect(backoff.rest).toBe(0);
    expect(backoff.failed()).toBe(1000);
  });

  it('differ from page to page, by up to a half', () => {
    const waits = Array.from({ length: 200 }, () => new Backoff().failed());
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1000);
    expect(new Set(waits).size).toBeGreaterThan(20);
  });

  it('are over when they are over', async () => {
    const backoff = new Backoff(() => 1);
    expect(backoff.failed()).toBe(500);
    expect(backoff.rest).toBe(500);
    await vi.advanceTimersByTimeAsync(500);
    expect(backoff.rest).toBe(0);
  });
});

describe('readings of what changes often', () => {
  it('never overlap: what is said meanwhile asks for one more', () => {
    let readings = 0;
    const pace: Pace = new Pace(() => {
      readings += 1;
      pace.begun();
    });
    pace.heard();
    for (let n = 0; n < 50; n++) {
      pace.heard();
    }
    expect(readings).toBe(1);
    pace.ended();
    expect(readings).toBe(2);
    pace.ended();
    expect(readings).toBe(2);
    pace.heard();
    expect(readings).toBe(3);
  });

  it('wait after a failure whatever is said, and then are tried again', async () => {
    const at: number[] = [];
    const begin = performance.now();
    const pace: Pace = new Pace(() => {
      at.push(Math.round((performance.now() - begin) / 1000));
      pace.begun();
      pace.failed(true);
    }, new Backoff(() => 0));
    pace.heard();
    for (let n = 0; n < 300; n++) {
      pace.heard();
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(at).toEqual([0, 1, 3, 7, 15, 31]);
    pace.dispose();
  });

  it('are not tried again after a refusal until something is said', async () => {
    let readings = 0;
    const pace: Pace = new Pace(() => {
      readings += 1;
      pace.begun();
      pace.failed(false);
    }, new Backoff(() => 0));
    pace.heard();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(readings).toBe(1);
    pace.heard();
    expect(readings).toBe(2);
    pace.dispose();
  });
});

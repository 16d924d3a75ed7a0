import { describe, expect, it } from 'vitest';
import golden from '../../../tests/wire/format.json';
import * as format from '../format';

const date = (text: unknown) => new Date(String(text));

describe('format says what Python says', () => {
  it.each(golden.size as [number, string][])('size %d', (value, said) => {
    expect(format.size(value)).toBe(said);
  });
  it.each(golden.duration as [number, string][])('duration %d', (value, said) => {
    expect(format.duration(value)).toBe(said);
  });
  it.each(golden.count as [number, string, string][])('count %d %s', (value, word, said) => {
    expect(format.count(value, word)).toBe(said);
  });
  it.each(golden.waitingFor)('waits for %s', (reason, said) => {
    expect(format.waitingFor(reason)).toBe(said);
  });
  it.each(golden.brief as [string, number, string][])('brief %s', (text, longest, said) => {
    expect(format.brief(text, longest)).toBe(said);
  });
  it.each(golden.percent as [number, string][])('percent %d', (fraction, said) => {
    expect(format.percent(fraction)).toBe(said);
  });
  it.each(golden.moment)('moment %s', (at, now, said) => {
    expect(format.moment(date(at), date(now))).toBe(said);
  });
  it.each(golden.clock)('clock %s', (at, said) => {
    expect(format.clock(date(at))).toBe(said);
  });
});

describe('relative', () => {
  const now = date('2026-03-03T12:00:00Z');
  it.each([
    ['2026-03-03T12:00:00.400Z', 'now'],
    ['2026-03-03T12:05:00Z', 'in 5 min'],
    ['2026-03-03T11:59:57Z', '3 s ago'],
    ['2026-03-01T09:00:00Z', '2 d ago']
  ])('%s', (at, said) => {
    expect(format.relative(date(at), now)).toBe(said);
  });
});

describe('an interval as one types it', () => {
  it.each([
    [30, '30s'],
    [0.5, '0.5s'],
    [60, '1m'],
    [3600, '1h'],
    [5400, '1h30m'],
    [172800, '2d'],
    [90061, '1d1h1m1s']
  ])('%d', (seconds, said) => {
    expect(format.interval(seconds)).toBe(said);
  });
});

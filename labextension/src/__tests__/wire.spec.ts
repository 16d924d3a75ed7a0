import { describe, expect, it } from 'vitest';
import { Decoder, object, WireError } from '../decode';
import * as wire from '../wire';
import * as wireServices from '../wire-services';

const FILES = import.meta.glob<Golden>('../../../tests/wire/*.json', { eager: true, import: 'default' });

/** The decoder of each schema that the page reads; the others are for people and programs. */
const DECODERS: Record<string, Decoder<unknown>> = {
  Acted: wire.acted,
  Analytics: wire.analytics,
  BatchDetail: wire.batchDetail,
  ChainDetail: wire.chainDetail,
  ChangeEvent: wire.changeEvent,
  Changes: wire.changes,
  Enqueued: wire.enqueued,
  Error: object({ error: wire.trouble }),
  JobDetail: wire.jobDetail,
  JobPage: wire.jobPage,
  JobSummary: wire.job,
  Labs: wire.labs,
  Outputs: wire.outputs,
  Parameters: wire.parameters,
  Preview: wire.preview,
  ServiceDetail: wireServices.serviceDetail,
  ScheduleDetail: object({ schedule: wire.schedule }),
  Stack: wire.stack,
  Stats: wire.stats,
  Worker: wire.worker,
  batches: wire.batches,
  chains: wire.chains,
  handlers: wire.handlers,
  queues: wire.queues,
  schedules: wire.schedules,
  services: wireServices.services
};

interface Golden {
  schema: string;
  value?: unknown;
  values?: Record<string, unknown>;
}

const samples: [string, Decoder<unknown>, unknown][] = [];
const seen = new Set<string>();
for (const [path, golden] of Object.entries(FILES)) {
  const name = path.split('/').pop();
  const decoder = DECODERS[golden.schema];
  if (decoder === undefined) {
    continue;
  }
  seen.add(golden.schema);
  const values = golden.values ?? { '': golden.value };
  for (const [situation, value] of Object.entries(values)) {
    samples.push([`${name} ${situation}`, decoder, value]);
  }
}

describe('what the server says', () => {
  it.each(samples)('%s', (_, decoder, value) => {
    expect(decoder(value, 'answer')).toBeTruthy();
  });

  it('has an example of everything that the page reads', () => {
    expect([...Object.keys(DECODERS)].filter(schema => !seen.has(schema))).toEqual([]);
  });

  it('is refused where it is not what was promised, and the place is named', () => {
    expect(() => wire.jobPage({ at: '2026-01-01T00:00:00Z', cursor: 'a', jobs: [{}], more: false }, 'answer')).toThrow(
      WireError
    );
    expect(() => wire.labs({ version: '1', labs: [{ uuid: 3 }] }, 'answer')).toThrow('answer.labs[0].uuid');
  });
});

/** A form for a schedule; the next five runs follow what is typed. */

import * as React from 'react';
import type { LabApi } from '../api';
import { useReading } from '../components/hooks';
import { Failed } from '../components/parts';
import { troubleOf } from '../errors';
import { interval } from '../format';
import type { Handler, Preview, Schedule } from '../wire';
import { NextRuns } from './schedules';

type Kind = 'interval' | 'cron';

interface Draft {
  key: string;
  name: string;
  kind: Kind;
  interval: string;
  cron: string;
  tz: string;
  payload: string;
  overlap: string;
  misfire: string;
}

/** Why the values of a schedule cannot be edited here: what is not shown must not be written back. */
function closed(schedule: Schedule | null): string | null {
  if (schedule?.unreadable) {
    return schedule.unreadable;
  }
  const secret = schedule?.options['secret'];
  return Array.isArray(secret) && secret.length > 0
    ? 'Some of its values are secret: they stay as they are. lab.schedule(…) in a notebook replaces them.'
    : null;
}

/** Cron rules that people ask for most. */
const USUAL: [string, string][] = [
  ['0 * * * *', 'every hour'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['0 3 * * *', 'every night at 3'],
  ['0 9 * * 1-5', 'on weekdays at 9'],
  ['0 9 * * 1', 'on Mondays at 9'],
  ['0 6 1 * *', 'on the first of the month at 6']
];
const OVERLAPS: [string, string][] = [
  ['skip', 'skip this run'],
  ['queue', 'wait, then run'],
  ['cancel', 'cancel the old run'],
  ['allow', 'run both']
];
const MISFIRES: [string, string][] = [
  ['latest', 'run once'],
  ['all', 'run every one'],
  ['none', 'run none']
];

function draftOf(schedule: Schedule | null): Draft {
  const rule = schedule?.rule;
  return {
    key: schedule?.key ?? '',
    name: schedule?.name ?? '',
    kind: rule?.interval != null ? 'interval' : 'cron',
    interval: rule?.interval != null ? interval(rule.interval) : '1h',
    cron: rule?.cron ?? '0 3 * * *',
    tz: rule?.tz ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    payload: schedule && Object.keys(schedule.payload).length ? JSON.stringify(schedule.payload, null, 1) : '',
    overlap: rule?.overlap ?? 'skip',
    misfire: rule?.misfire ?? 'latest'
  };
}

function ruleOf(draft: Draft): Record<string, unknown> {
  return {
    ...(draft.kind === 'cron' ? { cron: draft.cron } : { interval: draft.interval }),
    ...(draft.tz ? { tz: draft.tz } : {}),
    overlap: draft.overlap,
    misfire: draft.misfire
  };
}

function payloadOf(draft: Draft): Record<string, unknown> {
  if (!draft.payload.trim()) {
    return {};
  }
  const value: unknown = JSON.parse(draft.payload);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('The values are one JSON object, such as {"lr": 0.1}.');
  }
  return value as Record<string, unknown>;
}

export function ScheduleEditor(props: {
  api: LabApi;
  schedule: Schedule | null;
  onClose: (changed: boolean) => void;
}): JSX.Element {
  const { api, schedule } = props;
  const [draft, set] = React.useState(() => draftOf(schedule));
  const [error, setError] = React.useState<unknown>(null);
  const [isBusy, setBusy] = React.useState(false);
  const handlers = useReading(() => (schedule ? Promise.resolve([]) : api.handlers()), [api, schedule]);
  const change = (part: Partial<Draft>) => {
    set(before => ({ ...before, ...part }));
    setError(null);
  };
  const known = handlers.value ?? [];
  const key = draft.key || known[0]?.key || '';

  const save = async (event: React.FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const payload = payloadOf(draft);
      if (schedule) {
        const isChanged = draft.payload !== draftOf(schedule).payload;
        await api.reschedule(schedule.id, { ...ruleOf(draft), ...(isChanged ? { payload } : {}) });
      } else {
        await api.schedule({ key, ...(draft.name ? { name: draft.name } : {}), payload, ...ruleOf(draft) });
      }
      props.onClose(true);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return (
    <form className="tl-Form" aria-label={schedule ? `Edit ${schedule.name}` : 'New schedule'} onSubmit={event => void save(event)}>
      <h2>{schedule ? `Edit ${schedule.name}` : 'New schedule'}</h2>
      <div className="tl-Form-fields">
        {!schedule && (
          <>
            {handlers.error !== null && <Failed error={handlers.error} again={handlers.again} />}
            <KeyField known={known} loading={handlers.loading || handlers.error !== null} value={key} onChange={value => change({ key: value })} />
            <Field label="Name" hint="The key, if left empty">
              <input value={draft.name} placeholder={key} onChange={event => change({ name: event.target.value })} />
            </Field>
          </>
        )}
        <RuleFields draft={draft} change={change} />
        <Field label="If the last run still runs">
          <Options value={draft.overlap} all={OVERLAPS} onChange={overlap => change({ overlap })} />
        </Field>
        <Field label="After a time when nothing ran">
          <Options value={draft.misfire} all={MISFIRES} onChange={misfire => change({ misfire })} />
        </Field>
        <ValuesField why={closed(schedule)} value={draft.payload} onChange={payload => change({ payload })} />
      </div>
      <PreviewRuns api={api} draft={draft} refused={error !== null ? troubleOf(error).message : null} />
      {error !== null && <Failed error={error} />}
      <div className="tl-Form-buttons">
        <button type="submit" className="tl-Button tl-mod-main" disabled={isBusy || (!schedule && !key)}>
          {schedule ? 'Save' : 'Add schedule'}
        </button>
        <button type="button" className="tl-Button" onClick={() => props.onClose(false)}>
          Close
        </button>
      </div>
    </form>
  );
}

function KeyField(props: {
  known: Handler[];
  loading: boolean;
  value: string;
  onChange: (key: string) => void;
}): JSX.Element {
  const { known } = props;
  if (!props.loading && known.length === 0) {
    return (
      <div className="tl-Notice tl-role-waiting">
        Nothing is registered yet: <code>%%job NAME --register</code> on a cell stores it under a key.
      </div>
    );
  }
  return (
    <Field label="Runs">
      <select value={props.value} onChange={event => props.onChange(event.target.value)}>
        {known.map(handler => (
          <option key={handler.key}>{handler.key}</option>
        ))}
      </select>
    </Field>
  );
}

function ValuesField(props: { why: string | null; value: string; onChange: (value: string) => void }): JSX.Element {
  if (props.why) {
    return (
      <div className="tl-Field tl-mod-wide">
        <span>Values (JSON)</span>
        <div className="tl-Notice tl-role-waiting">{props.why}</div>
      </div>
    );
  }
  return (
    <Field label="Values (JSON)" hint="What the job gets as its payload" wide>
      <textarea
        rows={Math.min(8, Math.max(2, props.value.split('\n').length))}
        spellCheck={false}
        placeholder='{"lr": 0.1}'
        value={props.value}
        onChange={event => props.onChange(event.target.value)}
      />
    </Field>
  );
}

function RuleFields(props: { draft: Draft; change: (part: Partial<Draft>) => void }): JSX.Element {
  const { draft, change } = props;
  const usual = USUAL.some(([cron]) => cron === draft.cron) ? draft.cron : '';
  return (
    <>
      <Field label="When">
        <Options
          value={draft.kind}
          all={[
            ['cron', 'at fixed times (cron)'],
            ['interval', 'every so often']
          ]}
          onChange={kind => change({ kind: kind as Kind })}
        />
      </Field>
      {draft.kind === 'cron' ? (
        <>
          <Field label="Usual times">
            <select value={usual} onChange={event => event.target.value && change({ cron: event.target.value })}>
              <option value="">as typed</option>
              {USUAL.map(([cron, words]) => (
                <option key={cron} value={cron}>
                  {words}
                </option>
              ))}
            </select>
          </Field>
          <Field label="Cron" hint="minute hour day month weekday">
            <input
              className="tl-mono"
              spellCheck={false}
              value={draft.cron}
              onChange={event => change({ cron: event.target.value })}
            />
          </Field>
        </>
      ) : (
        <Field label="Every" hint="30s, 10m, 1h30m, 2d">
          <input value={draft.interval} onChange={event => change({ interval: event.target.value })} />
        </Field>
      )}
      <Field label="Time zone">
        <input value={draft.tz} spellCheck={false} onChange={event => change({ tz: event.target.value })} />
      </Field>
    </>
  );
}

/**
 * Asked when typing rests for a moment; the last good answer stays while the next is on its way. `refused`: what
 * saving was answered, so that it is not said twice.
 */
function PreviewRuns(props: { api: LabApi; draft: Draft; refused: string | null }): JSX.Element {
  const rule = JSON.stringify(ruleOf(props.draft));
  const { api } = props;
  const [said, say] = React.useState<{ value: Preview | null; error: unknown }>({ value: null, error: null });
  React.useEffect(() => {
    let wanted = true;
    const timer = setTimeout(() => {
      api.preview({ ...(JSON.parse(rule) as Record<string, unknown>), n: 5 }).then(
        value => wanted && say({ value, error: null }),
        (error: unknown) => wanted && say({ value: null, error })
      );
    }, 200);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [api, rule]);
  const trouble = said.error !== null ? troubleOf(said.error) : null;
  return (
    <div className="tl-Preview" role="status" aria-live="polite">
      <strong>Next five runs</strong>
      {said.value && <span className="tl-soft"> {said.value.words}</span>}
      {trouble && trouble.message !== props.refused && <div className="tl-Error">{[trouble.message, trouble.remedy].filter(Boolean).join(' ')}</div>}
      {said.value && <NextRuns next={said.value.next} />}
    </div>
  );
}

export function Field(props: { label: string; hint?: string; wide?: boolean; children: JSX.Element }): JSX.Element {
  const id = React.useId();
  const hint = props.hint ? `${id}-hint` : undefined;
  return (
    <div className={`tl-Field${props.wide ? ' tl-mod-wide' : ''}`}>
      <label htmlFor={id}>{props.label}</label>
      {React.cloneElement(props.children, { id, 'aria-describedby': hint })}
      {props.hint && (
        <span className="tl-soft tl-Field-hint" id={hint}>
          {props.hint}
        </span>
      )}
    </div>
  );
}

function Options(props: {
  id?: string;
  value: string;
  all: [string, string][];
  onChange: (value: string) => void;
}): JSX.Element {
  return (
    <select id={props.id} value={props.value} onChange={event => props.onChange(event.target.value)}>
      {props.all.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  );
}

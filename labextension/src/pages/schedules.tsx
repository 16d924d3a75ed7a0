/** The schedules of a lab: when each fires next, and an editor that shows it while one types. */

import * as React from 'react';
import { useModel, useReading, useTick, useTopics } from '../components/hooks';
import { Badge, Empty, Failed, Loading } from '../components/parts';
import { moment, relative } from '../format';
import type { ITether } from '../tokens';
import type { Role, Schedule } from '../wire';
import { ScheduleEditor } from './schedule-editor';

const ROLES: Record<Schedule['status'], Role> = { active: 'good', paused: 'waiting', over: 'ended' };

export function SchedulesPage(props: { tether: ITether; lab: string }): JSX.Element {
  const { tether, lab } = props;
  const { live, actions } = tether;
  useModel(live);
  const api = React.useMemo(() => actions.lab(lab), [actions, lab]);
  const reading = useReading(() => api.schedules(), [api, live.link]);
  useTopics(live, lab, ['schedules'], reading.heard);
  const [edited, edit] = React.useState<Schedule | 'new' | null>(null);
  useTick(true);
  const close = (changed: boolean) => {
    edit(null);
    if (changed) {
      reading.again();
    }
  };
  const schedules = reading.value;
  return (
    <>
      <div className="tl-Page-head">
        <h1>Schedules</h1>
        <span className="tl-Space" />
        <button className="tl-Button tl-mod-main" onClick={() => edit('new')} disabled={edited === 'new'}>
          New schedule
        </button>
      </div>
      {edited !== null && (
        <ScheduleEditor
          key={edited === 'new' ? 'new' : edited.id}
          api={api}
          schedule={edited === 'new' ? null : edited}
          onClose={close}
        />
      )}
      {reading.error !== null && <Failed error={reading.error} again={reading.again} />}
      {!schedules && reading.error === null && <Loading what="schedules" />}
      {schedules?.length === 0 && edited === null && (
        <Empty title="Nothing is scheduled.">
          <p>A schedule runs a registered cell or function every hour, every night, on weekdays at nine …</p>
        </Empty>
      )}
      <ul className="tl-List">
        {schedules?.map(schedule => (
          <Item
            key={schedule.id}
            schedule={schedule}
            act={async (verb, done) => {
              await actions.try(verb, done);
              reading.again();
            }}
            api={api}
            onEdit={() => edit(schedule)}
            onRun={job => actions.openJob(lab, job)}
          />
        ))}
      </ul>
    </>
  );
}

function Item(props: {
  schedule: Schedule;
  api: ReturnType<ITether['actions']['lab']>;
  act: (verb: () => Promise<unknown>, done?: string) => Promise<void>;
  onEdit: () => void;
  onRun: (job: number) => void;
}): JSX.Element {
  const { schedule, api, act } = props;
  const { id, name, rule } = schedule;
  const [isSure, ask] = React.useState(false);
  const run = () => act(() => api.runSchedule(id).then(job => props.onRun(job.id)));
  const payload = Object.keys(schedule.payload).length ? JSON.stringify(schedule.payload) : '';
  return (
    <li className={`tl-Item tl-role-${ROLES[schedule.status]}`}>
      <div className="tl-Item-head">
        <strong>{name}</strong>
        {schedule.key !== name && <span className="tl-soft">runs {schedule.key}</span>}
        <Badge status={schedule.status} role={ROLES[schedule.status]} />
        <span>{rule.words}</span>
        {!rule.words.includes(rule.tz) && <span className="tl-soft">{rule.tz}</span>}
        <span className="tl-Space" />
        <span className="tl-Item-buttons" role="toolbar" aria-label={`Schedule ${name}`}>
          <button className="tl-Button" onClick={() => void run()}>
            Run now
          </button>
          {schedule.status === 'paused' ? (
            <button className="tl-Button" onClick={() => void act(() => api.resumeSchedule(id))}>
              Resume
            </button>
          ) : (
            <button
              className="tl-Button"
              disabled={schedule.status === 'over'}
              onClick={() => void act(() => api.pauseSchedule(id))}
            >
              Pause
            </button>
          )}
          <button className="tl-Button" onClick={props.onEdit}>
            Edit
          </button>
          <button
            className="tl-Button"
            onBlur={() => ask(false)}
            onClick={() => (isSure ? void act(() => api.unschedule(id), `${name} is removed.`) : ask(true))}
          >
            {isSure ? 'Really remove?' : 'Remove'}
          </button>
        </span>
      </div>
      {payload && <code className="tl-Code">{payload}</code>}
      {schedule.trouble && <div className="tl-Error">{schedule.trouble}</div>}
      <NextRuns next={schedule.next} paused={schedule.status === 'paused'} />
    </li>
  );
}

/** Five times, in the reader's own clock, the first one also as a distance. */
export function NextRuns(props: { next: string[]; paused?: boolean }): JSX.Element {
  const now = new Date();
  const dates = props.next.map(text => new Date(text));
  if (props.paused) {
    return <div className="tl-soft">Paused: it does not fire.</div>;
  }
  if (dates.length === 0) {
    return <div className="tl-soft">It does not fire any more.</div>;
  }
  return (
    <ol className="tl-Next" aria-label="Next five runs">
      {dates.map((at, index) => (
        <li key={index}>
          <time dateTime={at.toISOString()}>{`${weekday(at)} ${moment(at, now)}`}</time>
          {index === 0 && <span className="tl-soft"> {relative(at, now)}</span>}
        </li>
      ))}
    </ol>
  );
}

function weekday(at: Date): string {
  return ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][at.getDay()];
}

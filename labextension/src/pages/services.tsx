/** The services of a lab: what each says of itself, what was told to it, and its start and end. */

import * as React from 'react';
import type { LabApi } from '../api';
import { useModel, useReading, useTick, useTopics } from '../components/hooks';
import { Badge, Empty, Failed, Loading } from '../components/parts';
import { moment, relative } from '../format';
import { message } from '../model/values';
import type { ITether } from '../tokens';
import type { Service } from '../wire-services';

/** Milliseconds between two readings of what a running service says of itself. */
const EVERY = 1000;

type Act = (verb: () => Promise<unknown>, done?: string) => Promise<boolean>;

export function ServicesPage(props: { tether: ITether; lab: string }): JSX.Element {
  const { tether, lab } = props;
  const { live, actions } = tether;
  useModel(live);
  const api = React.useMemo(() => actions.lab(lab), [actions, lab]);
  const reading = useReading(() => api.services(), [api, live.link]);
  const { again, heard } = reading;
  useTopics(live, lab, ['services'], heard);
  const services = reading.value;
  useAgain(heard, !!services?.some(one => one.status !== 'stopped') && live.link === 'live');
  useTick(true);
  const act: Act = async (verb, done) => {
    const went = await actions.try(verb, done);
    again();
    return went;
  };
  return (
    <>
      <div className="tl-Page-head">
        <h1>Services</h1>
      </div>
      {reading.error !== null && <Failed error={reading.error} again={again} />}
      {!services && reading.error === null && <Loading what="services" />}
      {services?.length === 0 && (
        <Empty title="There are no services.">
          <p>A service is a cell or function that runs on: it takes messages, and says of itself how it is.</p>
          <p>
            <code>lab.start_service("sensor", Sensor)</code> starts one, in a notebook or a script.
          </p>
        </Empty>
      )}
      <ul className="tl-List">
        {services?.map(service => (
          <Item
            key={service.id}
            service={service}
            api={api}
            act={act}
            onJob={job => actions.openJob(lab, job)}
          />
        ))}
      </ul>
    </>
  );
}

/** What a service says of itself changes without an event. */
function useAgain(heard: () => void, wanted: boolean): void {
  React.useEffect(() => {
    if (!wanted) {
      return;
    }
    const timer = setInterval(() => document.hidden || heard(), EVERY);
    return () => clearInterval(timer);
  }, [heard, wanted]);
}

function Item(props: { service: Service; api: LabApi; act: Act; onJob: (job: number) => void }): JSX.Element {
  const { service, api, act } = props;
  const { id, name, job } = service;
  const isDown = service.status === 'stopped';
  const payload = Object.keys(service.payload).length ? JSON.stringify(service.payload) : '';
  return (
    <li className={`tl-Item tl-role-${service.role}`} data-service={name}>
      <div className="tl-Item-head">
        <strong>{service.title || name}</strong>
        {service.title !== name && service.title && <span className="tl-soft">{name}</span>}
        {service.key !== name && <span className="tl-soft">runs {service.key}</span>}
        <Badge status={service.ending ? 'ending' : service.status} role={service.role} />
        {!isDown && service.started_at && (
          <span className="tl-soft">
            since <time dateTime={service.started_at.toISOString()}>{relative(service.started_at, new Date())}</time>
          </span>
        )}
        <span className="tl-Space" />
        <span className="tl-Item-buttons" role="toolbar" aria-label={`Service ${name}`}>
          {job !== null && (
            <button className="tl-Button" onClick={() => props.onJob(job)}>
              Outputs
            </button>
          )}
          {isDown ? (
            <>
              <button className="tl-Button" onClick={() => void act(() => api.startService(id))}>
                Start
              </button>
              <Sure words="Remove" onClick={() => void act(() => api.removeService(id), `${name} is removed.`)} />
            </>
          ) : (
            <>
              <button className="tl-Button" onClick={() => void act(() => api.restartService(id))}>
                Restart
              </button>
              <button className="tl-Button" onClick={() => void act(() => api.stopService(id, service.ending))}>
                {service.ending ? 'End it now' : 'Stop'}
              </button>
            </>
          )}
        </span>
      </div>
      {service.text && <div className="tl-Service-text">{service.text}</div>}
      {service.error && <div className="tl-Error">{service.error}</div>}
      {payload && <code className="tl-Code">{payload}</code>}
      <SendForm service={service} send={value => act(() => api.sendToService(id, value))} />
      <Events service={service} api={api} />
    </li>
  );
}

/** Asks once more before it does what cannot be undone. */
function Sure(props: { words: string; onClick: () => void }): JSX.Element {
  const [isSure, ask] = React.useState(false);
  return (
    <button className="tl-Button" onBlur={() => ask(false)} onClick={() => (isSure ? props.onClick() : ask(true))}>
      {isSure ? `Really ${props.words.toLowerCase()}?` : props.words}
    </button>
  );
}

function SendForm(props: { service: Service; send: (value: unknown) => Promise<boolean> }): JSX.Element {
  const [typed, type] = React.useState('');
  const { service } = props;
  const said = message(typed);
  const waits = service.messages;
  const send = async (event: React.FormEvent) => {
    event.preventDefault();
    if (typed.trim() && (await props.send(said.value))) {
      type('');
    }
  };
  return (
    <form className="tl-Send" onSubmit={event => void send(event)}>
      <input
        value={typed}
        spellCheck={false}
        aria-label={`Message to ${service.name}`}
        placeholder={'Message: a text, or JSON such as {"rate": 2}'}
        onChange={event => type(event.target.value)}
      />
      <button type="submit" className="tl-Button" disabled={!typed.trim()}>
        {typed.trim() ? `Send as ${said.kind}` : 'Send'}
      </button>
      {waits > 0 && <span className="tl-soft">{waits === 1 ? '1 message waits' : `${waits} messages wait`}</span>}
    </form>
  );
}

function Events(props: { service: Service; api: LabApi }): JSX.Element {
  const [isOpen, open] = React.useState(false);
  return (
    <details onToggle={event => open(event.currentTarget.open)}>
      <summary>What happened</summary>
      {isOpen && <EventList {...props} />}
    </details>
  );
}

function EventList(props: { service: Service; api: LabApi }): JSX.Element {
  const { service, api } = props;
  const reading = useReading(() => api.service(service.id), [api, service]);
  const now = new Date();
  if (reading.error !== null) {
    return <Failed error={reading.error} again={reading.again} />;
  }
  if (!reading.value) {
    return <Loading what="events" />;
  }
  const events = [...reading.value.events].reverse();
  return events.length === 0 ? (
    <div className="tl-soft">Nothing yet.</div>
  ) : (
    <div className="tl-Table-scroll tl-Service-events" tabIndex={0} role="region" aria-label={`Events of ${service.name}`}>
      <table className="tl-Table">
        <tbody>
          {events.map(event => (
            <tr key={event.id}>
              <td className="tl-soft">
                <time dateTime={event.at.toISOString()}>{moment(event.at, now)}</time>
              </td>
              <td>{event.kind}</td>
              <td>{event.value === null ? '' : typeof event.value === 'string' ? event.value : JSON.stringify(event.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

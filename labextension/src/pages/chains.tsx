/** Chains as graphs and batches as grids, live; a node opens its job. */

import * as React from 'react';
import type { LabApi } from '../api';
import { useModel, useReading, useTopics } from '../components/hooks';
import { Badge, Empty, Failed, Loading, SIGNS, Track } from '../components/parts';
import { brief, count, moment } from '../format';
import { inTheWay, layOut } from '../model/graph';
import type { ITether } from '../tokens';
import type { BatchDetail, ChainDetail, Edge, Group, Job, Role, State } from '../wire';

const WIDTH = 172;
const HEIGHT = 54;
const GAP_X = 44;
const GAP_ASKED = 150; // where a condition stands between two columns
const GAP_Y = 18;
const GROUP_ROLES: Record<Group['status'], Role> = {
  running: 'running',
  completed: 'good',
  failed: 'bad',
  cancelled: 'ended'
};
const STATE_ROLES: Record<State, Role> = {
  blocked: 'waiting',
  scheduled: 'waiting',
  pending: 'waiting',
  running: 'running',
  retrying: 'retrying',
  completed: 'good',
  failed: 'bad',
  cancelled: 'ended',
  expired: 'ended',
  skipped: 'ended'
};

type Shown = { kind: 'chain' | 'batch'; id: number };

export function ChainsPage(props: { tether: ITether; lab: string; id: number }): JSX.Element {
  const { tether, lab } = props;
  useModel(tether.live);
  const api = React.useMemo(() => tether.actions.lab(lab), [tether, lab]);
  const reading = useReading(async () => {
    const [chains, batches] = await Promise.all([api.chains(), api.batches()]);
    return { chains, batches };
  }, [api, tether.live.link]);
  useTopics(tether.live, lab, ['groups', 'jobs'], reading.heard);
  const [picked, pick] = React.useState<Shown | null>(props.id ? { kind: 'chain', id: props.id } : null);
  const { value } = reading;
  if (!value) {
    return reading.error !== null ? (
      <Failed error={reading.error} again={reading.again} />
    ) : (
      <Loading what="chains and batches" />
    );
  }
  const first: Shown | null = value.chains[0]
    ? { kind: 'chain', id: value.chains[0].id }
    : value.batches[0]
      ? { kind: 'batch', id: value.batches[0].id }
      : null;
  const shown = picked ?? first;
  if (!shown) {
    return (
      <>
        <div className="tl-Page-head">
          <h1>Chains and batches</h1>
        </div>
        <Empty title="There are none yet.">
          <p>
            A chain runs jobs one after another: <code>lab.chain("etl").then("extract").then("load").enqueue()</code>
          </p>
          <p>
            A batch runs one for each value: <code>%%job train --sweep lr=0.1,0.01</code>
          </p>
        </Empty>
      </>
    );
  }
  return (
    <>
      <div className="tl-Page-head">
        <h1>Chains and batches</h1>
      </div>
      <div className="tl-Split">
        <nav className="tl-Split-list" aria-label="Chains and batches">
          <Names title="Chains" kind="chain" groups={value.chains} shown={shown} onPick={pick} />
          <Names title="Batches" kind="batch" groups={value.batches} shown={shown} onPick={pick} />
        </nav>
        <div className="tl-Split-main">
          {shown.kind === 'chain' ? (
            <Chain key={`c${shown.id}`} tether={tether} api={api} lab={lab} id={shown.id} />
          ) : (
            <Batch key={`b${shown.id}`} tether={tether} api={api} lab={lab} id={shown.id} />
          )}
        </div>
      </div>
    </>
  );
}

function Names(props: {
  title: string;
  kind: Shown['kind'];
  groups: Group[];
  shown: Shown;
  onPick: (shown: Shown) => void;
}): JSX.Element | null {
  const { kind, shown } = props;
  if (props.groups.length === 0) {
    return null;
  }
  return (
    <>
      <h2>{props.title}</h2>
      {props.groups.map(group => (
        <button
          key={group.id}
          className={`tl-Name tl-role-${GROUP_ROLES[group.status]}`}
          aria-current={shown.kind === kind && shown.id === group.id}
          onClick={() => props.onPick({ kind, id: group.id })}
        >
          <span>
            <span className="tl-Sign" aria-hidden="true">
              {SIGNS[GROUP_ROLES[group.status]]}{' '}
            </span>
            {brief(group.name, 40)} <span className="tl-soft">#{group.id}</span>
          </span>
          <span className="tl-soft tl-numbers">{`${group.ended} of ${group.total}, ${moment(group.created_at, new Date())}`}</span>
        </button>
      ))}
    </>
  );
}

interface OneProps {
  tether: ITether;
  api: LabApi;
  lab: string;
  id: number;
}

function Chain(props: OneProps): JSX.Element {
  const { tether, api, lab, id } = props;
  const reading = useReading(() => api.chain(id), [api, id, tether.live.link]);
  useTopics(tether.live, lab, ['groups', 'jobs'], reading.heard);
  useModel(tether.live.store(lab));
  const { value } = reading;
  if (!value) {
    return reading.error !== null ? <Failed error={reading.error} again={reading.again} /> : <Loading what="the chain" />;
  }
  const { chain } = value;
  return (
    <>
      <GroupHead
        group={chain}
        onCancel={() => void tether.actions.try(() => api.cancelChain(id))}
        onRetry={() => void tether.actions.try(() => api.retryChain(id))}
      />
      <Graph detail={value} onOpen={job => tether.actions.openJob(lab, job)} rowOf={job => tether.live.store(lab).get(job)} />
    </>
  );
}

function GroupHead(props: { group: Group; onCancel: () => void; onRetry: () => void }): JSX.Element {
  const { group } = props;
  const role = GROUP_ROLES[group.status];
  const counts = Object.entries(group.counts)
    .filter(([, number]) => number > 0)
    .map(([state, number]) => `${number.toLocaleString('en')} ${state}`);
  return (
    <div className={`tl-Job-head tl-role-${role}`}>
      <div className="tl-Job-line">
        <h2 className="tl-GroupName">{group.name}</h2>
        <span className="tl-soft">#{group.id}</span>
        <Badge status={group.status} role={role} />
        <span>{counts.join(', ')}</span>
        <span className="tl-Space" />
        {group.status === 'running' ? (
          <button className="tl-Button" onClick={props.onCancel}>
            Cancel all
          </button>
        ) : (
          group.status !== 'completed' && (
            <button className="tl-Button" onClick={props.onRetry}>
              Again from what failed
            </button>
          )
        )}
      </div>
      <Track fraction={group.total ? group.ended / group.total : 1} label={`${group.name}: ended`} />
    </div>
  );
}

const SAID: Record<string, { sign: string; role: Role }> = {
  yes: { sign: '✔', role: 'good' },
  no: { sign: '»', role: 'ended' },
  failed: { sign: '✘', role: 'bad' }
};
const NOT_ASKED = { sign: '?', role: 'waiting' as Role };

/** Left to right; an edge is dashed where its child goes on whatever happens, or where a condition is asked: that
 * stands on it, with what it said. */
function Graph(props: {
  detail: ChainDetail;
  onOpen: (job: number) => void;
  rowOf: (job: number) => Job | undefined;
}): JSX.Element {
  const { detail } = props;
  const drawing = React.useMemo(
    () =>
      layOut(
        detail.nodes.map(node => node.id),
        detail.edges
      ),
    [detail]
  );
  const at = new Map(drawing.places.map(place => [place.id, place]));
  const gap = detail.edges.some(edge => edge.condition !== null) ? GAP_ASKED : GAP_X;
  const x = (id: number) => 2 + (at.get(id)?.layer ?? 0) * (WIDTH + gap);
  const y = (id: number) => 2 + (at.get(id)?.row ?? 0) * (HEIGHT + GAP_Y);
  const width = drawing.layers * (WIDTH + gap) - gap + 4;
  const height = Math.max(1, drawing.rows) * (HEIGHT + GAP_Y) + 4;
  const ways = detail.edges.map(edge => {
    const [from, to] = [at.get(edge.from), at.get(edge.to)];
    const met = from && to ? inTheWay(drawing.places, from, to) : null;
    const ends: Way = [x(edge.from) + WIDTH, y(edge.from) + HEIGHT / 2, x(edge.to), y(edge.to) + HEIGHT / 2];
    return { edge, ends, low: met === null ? null : 2 + met * (HEIGHT + GAP_Y) + HEIGHT + GAP_Y / 2 };
  });
  return (
    <div className="tl-Graph" role="region" aria-label={`Steps of ${detail.chain.name}`} tabIndex={0}>
      <div className="tl-Graph-paper" style={{ width, height }}>
        <svg width={width} height={height} aria-hidden="true">
          {ways.map(({ edge, ends, low }) => {
            const [, , x2, y2] = ends;
            return (
              <g key={`${edge.from} ${edge.to}`} className={`tl-Edge tl-edge-${edge.condition !== null ? 'asked' : edge.policy === 'continue' ? 'loose' : 'firm'}`}>
                <path d={curve(ends, low)} />
                <path className="tl-Edge-tip" d={`M${x2 - 7},${y2 - 4} L${x2 - 1},${y2} L${x2 - 7},${y2 + 4} Z`} />
              </g>
            );
          })}
        </svg>
        {ways
          .filter(({ edge }) => edge.condition !== null)
          .map(({ edge, ends: [x1, y1, x2, y2], low }) => (
            <Condition key={`${edge.from} ${edge.to}`} edge={edge} left={(x1 + x2) / 2} top={low ?? (y1 + y2) / 2} />
          ))}
        {detail.nodes.map(node => (
          <Node key={node.id} node={props.rowOf(node.id) ?? node} left={x(node.id)} top={y(node.id)} onOpen={props.onOpen} />
        ))}
      </div>
    </div>
  );
}

type Way = [number, number, number, number];

/** From one job to the next; `low`: the height at which it goes below what stands between the two. */
function curve([x1, y1, x2, y2]: Way, low: number | null): string {
  const end = `${x2 - 6},${y2}`;
  if (low === null) {
    const bend = (x2 - x1) / 2;
    return `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${end}`;
  }
  const turn = GAP_X / 2;
  return (
    `M${x1},${y1} C${x1 + turn},${y1} ${x1},${low} ${x1 + 2 * turn},${low} ` +
    `L${x2 - 2 * turn},${low} C${x2},${low} ${x2 - turn},${y2} ${end}`
  );
}

function Condition(props: { edge: Edge; left: number; top: number }): JSX.Element {
  const { sign, role } = SAID[props.edge.verdict ?? ''] ?? NOT_ASKED;
  return (
    <span
      className={`tl-Condition tl-role-${role}`}
      style={{ left: props.left, top: props.top, maxWidth: GAP_ASKED - 14 }}
      title={props.edge.words}
      role="note"
      aria-label={props.edge.words}
    >
      <span className="tl-Condition-words">if {props.edge.condition}</span>
      <span className="tl-Sign"> {sign}</span>
    </span>
  );
}

function Node(props: { node: Job; left: number; top: number; onOpen: (job: number) => void }): JSX.Element {
  const { node } = props;
  const fraction = node.status === 'running' ? (node.bars[0]?.fraction ?? null) : null;
  return (
    <button
      className={`tl-Node tl-role-${node.role}`}
      style={{ left: props.left, top: props.top, width: WIDTH, height: HEIGHT }}
      title={[node.key, node.headline, node.error].filter(Boolean).join('\n')}
      onClick={() => props.onOpen(node.id)}
    >
      <span className="tl-Node-name">
        <span className="tl-Sign" aria-hidden="true">
          {SIGNS[node.role]}{' '}
        </span>
        {node.step ?? node.title} <span className="tl-soft">#{node.id}</span>
      </span>
      <span className="tl-Node-words">
        <span className="tl-Row-status">{node.status}</span> {node.role === 'bad' && node.error ? node.error : node.headline}
      </span>
      {fraction !== null && <Track fraction={fraction} label={`Progress of ${node.step ?? node.title}`} />}
    </button>
  );
}

function Batch(props: OneProps): JSX.Element {
  const { tether, api, lab, id } = props;
  const reading = useReading(() => api.batch(id), [api, id, tether.live.link]);
  useTopics(tether.live, lab, ['groups', 'jobs'], reading.heard);
  const { value } = reading;
  if (!value) {
    return reading.error !== null ? <Failed error={reading.error} again={reading.again} /> : <Loading what="the batch" />;
  }
  return (
    <>
      <GroupHead
        group={value.batch}
        onCancel={() => void tether.actions.try(() => api.cancelBatch(id))}
        onRetry={() => void tether.actions.try(() => api.retryBatch(id))}
      />
      <Members detail={value} onOpen={job => tether.actions.openJob(lab, job)} />
    </>
  );
}

/** A tile a job on one canvas; the keyboard's way to a job is the list of those that went badly. */
function Members(props: { detail: BatchDetail; onOpen: (job: number) => void }): JSX.Element {
  const { members } = props.detail;
  const bad = members.filter(([, state]) => STATE_ROLES[state] === 'bad');
  const tile = members.length > 2000 ? 6 : members.length > 300 ? 10 : 18;
  return (
    <>
      <div className="tl-Tiles" style={{ '--tl-tile': `${tile}px` } as React.CSSProperties}>
        {members.slice(0, 10_000).map(([id, state]) => (
          <span
            key={id}
            className={`tl-Tile tl-role-${STATE_ROLES[state]}`}
            title={`#${id} ${state}`}
            onClick={() => props.onOpen(id)}
          />
        ))}
      </div>
      {bad.length > 0 && (
        <p>
          {count(bad.length, 'job')} failed:{' '}
          {bad.slice(0, 50).map(([id]) => (
            <button key={id} className="tl-Link" onClick={() => props.onOpen(id)}>
              #{id}
            </button>
          ))}
        </p>
      )}
    </>
  );
}

/** REST v1 of the server extension: one function a verb, answers decoded, refusals as ApiError. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { JSONObject } from '@lumino/coreutils';
import { Decoder, object } from './decode';
import { ApiError } from './errors';
import * as wire from './wire';
import * as wireServices from './wire-services';

const ROOT = 'tether-lab/api/v1';

export type Query = Record<string, string | number | boolean | null | undefined>;
type Body = Record<string, unknown>;

const refusal = object({ error: wire.trouble });
const OFFLINE = {
  code: 'offline',
  message: 'The Jupyter server does not answer.',
  remedy: 'Jobs go on without it; this page connects again by itself.',
  where: ''
};
const MISSING = {
  code: 'missing',
  message: 'The Jupyter server does not know Tether Lab.',
  remedy: 'Install tether-lab where the server runs, and start the server again.',
  where: ''
};

export class Api {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** A page of ours that a browser can go to: downloads. */
  address(path: string, query: Query = {}): string {
    const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    const words = Object.fromEntries(given.map(([name, value]) => [name, String(value)]));
    return URLExt.join(this.settings.baseUrl, ROOT, path) + URLExt.objectToQueryString(words);
  }

  get<T>(path: string, answer: Decoder<T>, query: Query = {}): Promise<T> {
    return this.ask('GET', this.address(path, query), answer);
  }

  post<T>(path: string, body: Body | null, answer: Decoder<T>): Promise<T> {
    return this.ask('POST', this.address(path), answer, body ?? undefined);
  }

  patch<T>(path: string, body: Body, answer: Decoder<T>): Promise<T> {
    return this.ask('PATCH', this.address(path), answer, body);
  }

  async remove(path: string): Promise<void> {
    await this.ask('DELETE', this.address(path), () => undefined);
  }

  private async ask<T>(method: string, url: string, answer: Decoder<T>, body?: Body): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let response: Response;
    let said: string;
    try {
      response = await ServerConnection.makeRequest(url, init, this.settings);
      said = await response.text();
    } catch {
      throw new ApiError('offline', OFFLINE);
    }
    let value: unknown;
    try {
      value = said ? JSON.parse(said) : null;
    } catch {
      value = undefined;
    }
    if (response.ok && value !== undefined) {
      return answer(value, 'answer');
    }
    throw this.failure(response, value);
  }

  private failure(response: Response, value: unknown): ApiError {
    const failure = response.status >= 500 ? 'broken' : 'refused';
    try {
      return new ApiError(failure, refusal(value, 'answer').error, response.status);
    } catch {
      if (response.status === 404) {
        return new ApiError('missing', MISSING, 404);
      }
      if (response.status >= 502) {
        return new ApiError('offline', OFFLINE, response.status);
      }
      const message = `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.');
      const remedy = response.status === 403 ? 'Log in to the Jupyter server again, then reload this page.' : '';
      return new ApiError(failure, { code: 'http', message, remedy, where: '' }, response.status);
    }
  }
}

/** The verbs for one lab. */
export class LabApi {
  constructor(
    readonly api: Api,
    readonly lab: string
  ) {}

  private at(path: string): string {
    return `labs/${this.lab}/${path}`;
  }

  jobs = (query: Query) => this.api.get(this.at('jobs'), wire.jobPage, query);
  changes = (since: string) => this.api.get(this.at('changes'), wire.changes, { since });
  stats = () => this.api.get(this.at('stats'), wire.stats);
  job = (id: number) => this.api.get(this.at(`jobs/${id}`), wire.jobDetail);
  /** A job and its card as it came, for a notebook to keep. */
  card = (id: number) =>
    this.api.get(this.at(`jobs/${id}`), (value, path) => ({
      detail: wire.jobDetail(value, path),
      raw: (value as { card: JSONObject }).card
    }));
  outputs = (id: number, after?: string) =>
    this.api.get(this.at(`jobs/${id}/outputs`), wire.outputs, { after });
  stack = (id: number) => this.api.get(this.at(`jobs/${id}/stack`), wire.stack);

  cancel = (ids: number[]) => this.api.post(this.at('cancel'), { ids }, wire.acted);
  cancelChain = (chain: number) => this.api.post(this.at('cancel'), { chain }, wire.acted);
  retry = (ids: number[], withCode = false) =>
    this.api.post(this.at('retry'), { ids, ...(withCode ? { with_code: true } : {}) }, wire.acted);
  retryChain = (chain: number) => this.api.post(this.at('retry'), { chain }, wire.acted);
  cancelBatch = (batch: number) => this.api.post(this.at('cancel'), { batch }, wire.acted);
  retryBatch = (batch: number) => this.api.post(this.at('retry'), { batch }, wire.acted);
  prioritise = (ids: number[], priority: number) =>
    this.api.post(this.at('prioritise'), { ids, priority }, wire.acted);
  enqueue = (key: string, payload: Body, options: Body = {}) =>
    this.api.post(this.at('jobs'), { key, payload, options }, wire.enqueued);
  submitCell = (body: Body) => this.api.post(this.at('cells'), body, wire.enqueued);

  runNotebook = (body: Body) => this.api.post(this.at('notebooks'), body, wire.enqueued);

  services = () => this.api.get(this.at('services'), wireServices.services).then(said => said.services);
  service = (id: number) => this.api.get(this.at(`services/${id}`), wireServices.serviceDetail);
  startService = (id: number) => this.api.post(this.at(`services/${id}/start`), null, wireServices.service);
  restartService = (id: number) => this.api.post(this.at(`services/${id}/restart`), null, wireServices.service);
  stopService = (id: number, force = false) =>
    this.api.post(this.at(`services/${id}/stop`), force ? { force } : null, wireServices.service);
  sendToService = (id: number, message: unknown) =>
    this.api.post(this.at(`services/${id}/send`), { message }, () => undefined);
  removeService = (id: number) => this.api.remove(this.at(`services/${id}`));

  handlers = () => this.api.get(this.at('handlers'), wire.handlers).then(said => said.handlers);
  queues = () => this.api.get(this.at('queues'), wire.queues).then(said => said.queues);
  pause = (queue: string | null) => this.api.post(this.at('pause'), { queue }, () => undefined);
  resume = (queue: string | null) => this.api.post(this.at('resume'), { queue }, () => undefined);

  schedules = () => this.api.get(this.at('schedules'), wire.schedules).then(said => said.schedules);
  schedule = (body: Body) => this.api.post(this.at('schedules'), body, wire.schedule);
  reschedule = (id: number, body: Body) => this.api.patch(this.at(`schedules/${id}`), body, wire.schedule);
  preview = (body: Body) => this.api.post(this.at('schedules/preview'), body, wire.preview);
  unschedule = (id: number) => this.api.remove(this.at(`schedules/${id}`));
  pauseSchedule = (id: number) => this.api.post(this.at(`schedules/${id}/pause`), null, () => undefined);
  resumeSchedule = (id: number) => this.api.post(this.at(`schedules/${id}/resume`), null, () => undefined);
  runSchedule = (id: number) => this.api.post(this.at(`schedules/${id}/run`), null, wire.job);

  chains = () => this.api.get(this.at('chains'), wire.chains).then(said => said.chains);
  chain = (id: number) => this.api.get(this.at(`chains/${id}`), wire.chainDetail);
  batches = () => this.api.get(this.at('batches'), wire.batches).then(said => said.batches);
  batch = (id: number) => this.api.get(this.at(`batches/${id}`), wire.batchDetail);

  analytics = (query: Query) => this.api.get(this.at('analytics'), wire.analytics, query);
  startWorker = () => this.api.post(this.at('worker/start'), null, () => undefined);

  outputsAddress = (id: number, format: string) =>
    this.api.address(this.at(`jobs/${id}/outputs/download`), { format });
  resultAddress = (id: number, format: string) =>
    this.api.address(this.at(`jobs/${id}/result/download`), { format });
}

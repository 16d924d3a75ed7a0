/** What the server says of services, as types. */

import { anything, date, Decoded, flag, list, nullable, number, object, record, text, word } from './decode';
import { role } from './wire';

export const service = object({
  id: number,
  name: text,
  key: text,
  title: text,
  text,
  status: word(['starting', 'running', 'restarting', 'stopped'] as const, 'stopped'),
  role,
  ending: flag,
  messages: number,
  job: nullable(number),
  error: nullable(text),
  payload: record(anything),
  started_at: nullable(date)
});
export type Service = Decoded<typeof service>;
export const services = object({ services: list(service) });
export const serviceEvent = object({ id: number, kind: text, at: date, value: anything });
export type ServiceEvent = Decoded<typeof serviceEvent>;
export const serviceDetail = object({ service, events: list(serviceEvent) });
export type ServiceDetail = Decoded<typeof serviceDetail>;

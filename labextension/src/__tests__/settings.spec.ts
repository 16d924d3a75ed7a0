import { describe, expect, it } from 'vitest';
import schema from '../../schema/plugin.json';
import { Settings } from '../settings';

describe('the settings', () => {
  it('have the defaults of the schema before they are read', () => {
    const settings = new Settings() as unknown as Record<string, unknown>;
    for (const [name, property] of Object.entries(schema.properties)) {
      expect(settings[name], name).toBe(property.default);
    }
  });
});

import { describe, expect, it } from 'vitest';
import plugin from '../index';
import schema from '../../schema/plugin.json';

describe('the plugin', () => {
  it('has the id by which JupyterLab finds its settings', () => {
    expect(plugin.id).toBe('tether-lab:plugin');
    expect(schema.title).toBe('Tether Lab');
  });
});

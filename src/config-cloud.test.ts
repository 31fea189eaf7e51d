import { expect, it } from 'vitest';
import { loadConfig } from './config.ts';

it('hands on the variables of the clouds by their names, and nothing else', () => {
  const { cloud } = loadConfig([], { AWS_REGION: 'eu-central-1', AZURE_CLIENT_ID: '', PULUMI_ACCESS_TOKEN: 'pul-1' });
  expect(Object.entries(cloud).filter(([, value]) => value !== undefined)).toEqual([['AWS_REGION', 'eu-central-1']]);
});

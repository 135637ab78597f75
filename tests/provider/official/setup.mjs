// The provider under test, the clients that judge it, and what all checks share.

import { spawn } from 'node:child_process';
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { GoogleGenAI } from '@google/genai';

export const provider = spawn('python3', [process.argv[2], '--script', 'script.json', '--cache-min', '1',
  '--require-key', 'check-key', '--models', 'big-1,small-1', '--parent', String(process.pid)],
  { stdio: ['ignore', 'pipe', 'inherit'] });
export const base = await new Promise((resolve) => provider.stdout.once('data', (line) => resolve(/http:\S+/.exec(line)[0])));
export const anthropic = new Anthropic({ apiKey: 'check-key', baseURL: base, logLevel: 'off' });
export const openai = new OpenAI({ apiKey: 'check-key', baseURL: `${base}/v1`, logLevel: 'off' });
export const google = new GoogleGenAI({ apiKey: 'check-key', httpOptions: { baseUrl: base } });

export const NOISY = 'naïve – 日本語 🎈 end';
export const HELLO = 'Hello to you, and to all who read this line.';
export const INPUT = { city: 'Zürich', deep: { list: [1, 2.5, null, '}'] } };
export const schema = { type: 'object', properties: { city: { type: 'string' } } };
export const user = (content) => ({ role: 'user', content });

export const score = { passed: 0, failed: 0 };
export async function check(name, body) {
  try { await body(); score.passed++; } catch (error) { score.failed++; console.log(`not ok ${name}:`, error); }
}
export { assert, Anthropic, OpenAI };

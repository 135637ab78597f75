// Anthropic Messages.

import { Anthropic, HELLO, INPUT, NOISY, anthropic, assert, base, check, schema, user } from './setup.mjs';

const messages = (text, more = {}) => ({ model: 'small-1', max_tokens: 500, messages: [user(text)], ...more });
const tools = [{ name: 'lookup', description: 'looks up', input_schema: schema }];
const said = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const stream = (body) => anthropic.messages.stream(body).finalMessage();

for (const [how, send] of [['whole', (body) => anthropic.messages.create(body)], ['stream', stream]]) {
  await check(`anthropic ${how} text`, async () => {
    const message = await send(messages('hello'));
    assert.equal(said(message), HELLO);
    assert.equal(message.stop_reason, 'end_turn');
    assert.deepEqual([message.usage.input_tokens, message.usage.output_tokens], [2, 11]);
  });
  await check(`anthropic ${how} noise and thinking`, async () => {
    const message = await send(messages('noisy'));
    assert.deepEqual(message.content.map((b) => b.type), ['thinking', 'text']);
    assert.equal(message.content[0].thinking, 'Let me see.');
    assert.ok(message.content[0].signature);
    assert.equal(said(message), NOISY);
  });
  await check(`anthropic ${how} tools`, async () => {
    const first = await send(messages('weather', { tools }));
    const uses = first.content.filter((b) => b.type === 'tool_use');
    assert.deepEqual(uses.map((b) => b.input), [INPUT, {}]);
    assert.equal(first.stop_reason, 'tool_use');
    const results = uses.map((b, n) => ({ type: 'tool_result', tool_use_id: b.id, content: ['rain', 'sun'][n] }));
    const turns = [user('weather'), { role: 'assistant', content: first.content }, user(results)];
    assert.equal(said(await send(messages('', { tools, messages: turns }))), 'Both came back.');
  });
  await check(`anthropic ${how} max_tokens and refusal`, async () => {
    assert.equal((await send(messages('truncate'))).stop_reason, 'max_tokens');
    const refused = await send(messages('refuse'));
    assert.equal(refused.stop_reason, 'refusal');
    assert.equal(refused.stop_details.type, 'refusal');
  });
  await check(`anthropic ${how} cache counters`, async () => {
    const system = [{ type: 'text', text: `shared rules, ${how}`, cache_control: { type: 'ephemeral' } }];
    const [first, second] = [await send(messages('hello', { system })), await send(messages('hello', { system }))];
    assert.ok(first.usage.cache_creation_input_tokens > 0);
    assert.equal(second.usage.cache_read_input_tokens, first.usage.cache_creation_input_tokens);
  });
}
await check('anthropic retries overload', async () => {
  assert.equal(said(await anthropic.messages.create(messages('overloaded'))), 'third time lucky');
});
await check('anthropic error in the stream', () =>
  assert.rejects(stream(messages('in-band')), (e) => e instanceof Anthropic.APIError && /overloaded_error/.test(e.message)));
await check('anthropic typed errors', async () => {
  await assert.rejects(anthropic.messages.create(messages('spent')), (e) => e.status === 402 && Boolean(e.requestID));
  await assert.rejects(anthropic.messages.create(messages('no such rule')), (e) => e instanceof Anthropic.BadRequestError && /no rule matches/.test(e.message));
  const stranger = new Anthropic({ apiKey: 'other', baseURL: base, logLevel: 'off' });
  await assert.rejects(stranger.messages.create(messages('hello')), Anthropic.AuthenticationError);
});
await check('anthropic count and models', async () => {
  assert.equal((await anthropic.messages.countTokens({ model: 'small-1', messages: [user('hello')] })).input_tokens, 2);
  const names = [];
  for await (const model of anthropic.models.list()) names.push(model.id);
  assert.deepEqual(names, ['big-1', 'small-1']);
  assert.equal((await anthropic.models.retrieve('big-1')).id, 'big-1');
});

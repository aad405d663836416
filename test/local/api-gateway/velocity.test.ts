// Velocity and what mapping templates may call.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Velocity's.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { evaluateJsonPath, templateContext } from '../../../local/api-gateway/template-context.ts';
import { compileVelocity } from '../../../local/api-gateway/velocity.ts';
import { parseJson } from '../../../local/json.ts';

function render(source: string, body = '{}'): string {
  const parameters = { path: { p: 'path' }, querystring: { q: 'query' }, header: { 'X-H': 'header' } };
  const context = { requestId: 'r-1', responseOverride: { header: {} } };
  return compileVelocity(source)(templateContext(body, parseJson(body), parameters, context));
}

describe('templates', () => {
  const cases: readonly [source: string, wanted: string, body?: string][] = [
    ['$context.requestId', 'r-1'],
    ["$input.params().header.get('X-H')", 'header'],
    ["#if(!$input.params().header.get('none'))none#end", 'none'],
    ["$input.json('$.a')", '"x\\"y"', '{"a":"x\\"y"}'],
    ["$input.json('$.a.b[1]')", '{"c":[1,2]}', '{"a":{"b":[0,{"c":[1,2]}]}}'],
    ["$input.json('$.none')", '""'],
    ["$input.path('$.a').size() $input.path('$.a')[1]", '2 y', '{"a":["x","y"]}'],
    [
      "#foreach($x in $input.path('$.a'))$foreach.index$x#if($foreach.hasNext),#end#end",
      '0x,1y',
      '{"a":["x","y"]}',
    ],
    ['$util.base64Encode($input.body)', 'eyLDqSI6MX0=', '{"é":1}'],
  ];
  for (const [source, wanted, body] of cases) {
    test(source, () => assert.equal(render(source, body), wanted));
  }

  test('an unknown method is an error, not an empty text', () => {
    assert.throws(() => render("$input.path('$.a').toByteArray()", '{"a":"x"}'), /toByteArray\(\)/);
  });

  test('what a client sends is never a template', () => {
    const body = JSON.stringify({ a: '$context.requestId #set($y = 1) ${y}' });
    assert.equal(render('"$input.path("$.a")"', body), '"$context.requestId #set($y = 1) ${y}"');
  });

  test('a client cannot reach prototypes', () => {
    assert.equal(render("$input.json('$.constructor') $input.json('$.__proto__.x')"), '"" ""');
    assert.equal(render("$input.json('$.__proto__')", '{"__proto__":{"x":1}}'), '{"x":1}');
  });
});

describe('paths', () => {
  const document = { a: [{ b: 1 }, { b: 2 }], 'd-e': { $f: null } };
  const cases: readonly [path: string, wanted: unknown][] = [
    ['$', document],
    ['$.a[1].b', 2],
    ['$.a[2]', undefined],
    ['$.a.length', undefined],
    ['$.d-e.$f', null],
    ['$.none.deeper', undefined],
  ];
  for (const [path, wanted] of cases) {
    test(path, () => assert.deepEqual(evaluateJsonPath(document, path), wanted));
  }

  test('a path with a wildcard is an error', () => {
    assert.throws(() => evaluateJsonPath(document, '$.a[*].b'), /does not know the path/);
  });
});

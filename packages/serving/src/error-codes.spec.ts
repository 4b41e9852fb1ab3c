import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as light from '@kimera/backend-light';
import * as native from '@kimera/backend-onnx';
import * as wasm from '@kimera/backend-wasm';
import * as core from '@kimera/core';
import * as embedder from '@kimera/embedder';
import * as graph from '@kimera/fast-graph';
import * as folder from '@kimera/model-folder';
import * as tokenizers from '@kimera/tokenizers';
import * as workers from '@kimera/worker-pool';
import { describe, expect, it } from '@jest/globals';
import * as serving from './index.js';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface ErrorClass {
  readonly project: string;
  readonly name: string;
  readonly code: string;
}

/** The error classes in the sources of the repository; fakes in packages/testing have the codes of what they stand for. */
const classes: readonly ErrorClass[] = ['packages', 'apps', 'tools']
  .flatMap((group) => readdirSync(join(root, group)).map((name) => `${group}/${name}`))
  .filter((project) => project !== 'packages/testing' && existsSync(join(root, project, 'src')))
  .flatMap((project) => sources(join(root, project, 'src')).flatMap((text) => errorsIn(project, text)));

function sources(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !/\.(spec|fixture)\.ts$/.test(name))
    .map((name) => readFileSync(join(path, name), 'utf8'));
}

function errorsIn(project: string, text: string): readonly ErrorClass[] {
  return [...text.matchAll(/class (\w+) extends \w*Error\b[^]*?\n}/g)].flatMap(([body, name = '']) => {
    const code = /readonly code = '(\w+)'/.exec(body)?.[1];
    return code === undefined ? [] : [{ project, name, code }];
  });
}

describe('the error classes of the repository', () => {
  it('have a code each that no other has', () => {
    expect(classes.length).toBeGreaterThan(100);
    const twice = classes.filter(({ code, name }) =>
      classes.some((other) => other.code === code && other.name !== name),
    );
    expect(twice).toEqual([]);
  });

  it.each(
    Object.entries({
      'backend-light': light,
      'backend-onnx': native,
      'backend-wasm': wasm,
      core,
      embedder,
      'fast-graph': graph,
      'model-folder': folder,
      serving,
      tokenizers,
      'worker-pool': workers,
    }),
  )('of %s are exported, so that ErrorCode has them', (name, exported) => {
    const here = classes.filter(({ project }) => project === `packages/${name}`);
    expect(here.length).toBeGreaterThan(0);
    expect(here.filter((each) => !Object.hasOwn(exported, each.name))).toEqual([]);
  });
});

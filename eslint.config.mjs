import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** Who may import whom, by tag: the folder tree is the dependency order (ARCHITECTURE.md). */
const library = ['scope:core'];
const layers = {
  'scope:core': ['scope:core'],
  'scope:worker-pool': library,
  'scope:process-lock': ['scope:process-lock'],
  'scope:tokenizers': [...library, 'scope:worker-pool'],
  'scope:safetensors': ['scope:safetensors'],
  'scope:model-folder': library,
  'scope:tensor-file': [...library, 'scope:safetensors'],
  'scope:torch-file': [...library, 'scope:safetensors', 'scope:tensor-file'],
  'scope:onnx-file': library,
  'scope:reference-encoder': [...library, 'scope:tensor-file', 'scope:torch-file', 'scope:tokenizers'],
  'scope:converter': [
    ...library,
    'scope:safetensors',
    'scope:tensor-file',
    'scope:torch-file',
    'scope:onnx-file',
    'scope:reference-encoder',
    'scope:tokenizers',
    'scope:model-folder',
    'scope:worker-pool',
    'scope:process-lock',
  ],
  'scope:fast-graph': [...library, 'scope:model-folder'],
  'scope:backend': [
    ...library,
    'scope:safetensors',
    'scope:tokenizers',
    'scope:model-folder',
    'scope:onnx-file',
    'scope:fast-graph',
    'scope:worker-pool',
  ],
  'scope:distill': [...library, 'scope:safetensors', 'scope:tokenizers', 'scope:model-folder', 'scope:backend'],
  'scope:embedder': [...library, 'scope:tokenizers', 'scope:model-folder'],
  'scope:serving': [
    ...library,
    'scope:worker-pool',
    'scope:tokenizers',
    'scope:model-folder',
    'scope:fast-graph',
    'scope:backend',
    'scope:embedder',
  ],
  'scope:evaluation': library,
  'scope:client': library,
  'scope:store': [...library, 'scope:worker-pool', 'scope:process-lock'],
  'scope:migration': [...library, 'scope:evaluation'],
  'scope:testing': library,
  'scope:app': [
    'scope:app',
    'scope:core',
    'scope:worker-pool',
    'scope:process-lock',
    'scope:safetensors',
    'scope:tensor-file',
    'scope:torch-file',
    'scope:onnx-file',
    'scope:tokenizers',
    'scope:model-folder',
    'scope:converter',
    'scope:fast-graph',
    'scope:backend',
    'scope:distill',
    'scope:embedder',
    'scope:serving',
    'scope:evaluation',
    'scope:store',
    'scope:migration',
    'scope:client',
  ],
};
const boundaries = (alsoAllowed) => [
  'error',
  {
    enforceBuildableLibDependency: false,
    allow: [],
    depConstraints: Object.entries(layers).map(([sourceTag, targets]) => ({
      sourceTag,
      onlyDependOnLibsWithTags: [...targets, ...alsoAllowed],
    })),
  },
];
const noNode = { patterns: [{ group: ['node:*', '!node:test'], message: 'core is pure: no I/O, no node:*.' }] };
/** What only Node runs, in packages that browsers use too: the main entry, `node/`, and what a worker thread starts. */
const nodeFiles = ['**/src/index.ts', '**/src/node/**/*.ts', '**/src/*-worker.ts'];
const noNodeInBrowsers = {
  paths: ['@kimera/model-folder', '@kimera/tokenizers', '@kimera/worker-pool'].map((name) => ({
    name,
    message: 'browsers run this file: no node:*, and of packages that have one their entry "pure".',
  })),
  patterns: noNode.patterns.map((pattern) => ({ ...pattern, message: 'browsers run this file: no node:*.' })),
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/node_modules/**', '**/reports/**', '**/.nx/**', '**/*.cjs'] },
  ...tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } } },
  {
    files: ['**/*.ts', '**/*.mts', '**/*.mjs'],
    plugins: { '@nx': nx },
    rules: {
      '@nx/enforce-module-boundaries': boundaries([]),
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-extraneous-class': 'off',
      // A port's methods are async whether or not one implementation waits.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidOperator: true },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  // Scripts that no tsconfig holds.
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  // Specs pass methods to expect() and build what the types forbid.
  {
    files: ['**/*.spec.ts', '**/*.fixture.ts', 'packages/testing/src/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
  // The conformance suites and fakes are for specs alone.
  {
    files: ['**/*.spec.ts', '**/*.fixture.ts'],
    rules: { '@nx/enforce-module-boundaries': boundaries(['scope:testing']) },
  },
  {
    files: ['packages/core/src/**/*.ts'],
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-imports': ['error', noNode] },
  },
  {
    files: [
      'packages/{client,safetensors,fast-graph,model-folder,tokenizers,embedder,backend-wasm,backend-light}/src/**/*.ts',
    ],
    ignores: ['**/*.spec.ts', '**/*.fixture.ts', ...nodeFiles],
    rules: { 'no-restricted-imports': ['error', noNodeInBrowsers] },
  },
  {
    files: ['deploy/*.mjs', 'tools/**/*.ts', 'tools/**/*.mjs', '.ci/*.mjs', 'benchmarks/**/*.ts', 'models/**/*.mjs'],
    rules: { 'no-console': 'off' },
  },
);

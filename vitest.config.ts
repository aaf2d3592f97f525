// Root test configuration: one vitest project per package, sources resolved without a build.
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defaultServerConditions } from 'vite'
import { defineConfig } from 'vitest/config'

const packagesUrl = new URL('./packages/', import.meta.url)
const folders = readdirSync(packagesUrl).filter((name) => existsSync(new URL(`${name}/test`, packagesUrl)))

export default defineConfig({
  resolve: { conditions: ['@ood/source', ...defaultClientConditions] },
  ssr: { resolve: { conditions: ['@ood/source', ...defaultServerConditions] } },
  test: {
    reporters: ['default', fileURLToPath(new URL('./tools/closing-line.mjs', import.meta.url))],
    testTimeout: 60_000,
    maxWorkers: 2,
    projects: [
      ...folders.map((name) => ({
        extends: true as const,
        root: fileURLToPath(new URL(name, packagesUrl)),
        test: { name, include: ['test/**/*.test.ts'] },
      })),
      {
        extends: true as const,
        root: fileURLToPath(new URL('./examples/', import.meta.url)),
        test: { name: 'examples', include: ['test/**/*.test.ts'] },
      },
      {
        extends: true as const,
        root: fileURLToPath(new URL('./tools/', import.meta.url)),
        test: { name: 'tools', include: ['test/**/*.test.ts'] },
      },
    ],
    coverage: { include: ['packages/*/src/**/*.ts'], reporter: ['text-summary', 'json-summary'] },
  },
})

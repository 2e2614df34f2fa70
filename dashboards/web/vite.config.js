// Builds the page into dist/, compresses it, and writes the list from which crate `dashboards` embeds
// it. The same sources give the same bytes, so that what is committed can be checked.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'fflate';
import solid from 'vite-plugin-solid';
import { defineConfig } from 'vitest/config';

const here = fileURLToPath(new URL('.', import.meta.url));
const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
};

function filesBelow(folder, prefix = '') {
  return readdirSync(join(folder, prefix), { withFileTypes: true })
    .flatMap((entry) => {
      const name = posix.join(prefix, entry.name);
      return entry.isDirectory() ? filesBelow(folder, name) : [name];
    })
    .sort();
}

/** fflate gives the same bytes with every version of Node; its zlib does not. */
function embed() {
  return {
    name: 'embed',
    apply: 'build',
    closeBundle() {
      const dist = join(here, 'dist');
      const entries = filesBelow(dist)
        .filter((name) => !name.endsWith('.gz'))
        .map((name) => {
          const body = readFileSync(join(dist, name));
          const packed = gzipSync(body, { level: 9, mtime: 0 });
          const smaller = packed.length < body.length * 0.9;
          if (smaller) writeFileSync(join(dist, `${name}.gz`), packed);
          return entry(name, smaller);
        });
      writeFileSync(join(here, '../src/files.rs'), rust(entries));
    },
  };
}

function entry(name, packed) {
  const type = TYPES[posix.extname(name)];
  if (type === undefined) throw new Error(`no content type for ${name}`);
  const bytes = (suffix) => `include_bytes!("../web/dist/${name}${suffix}")`;
  // Names with a hash of their content never change their meaning.
  return `    (
        "/${name}",
        Asset {
            body: ${bytes('')},
            content_type: "${type}",
            immutable: ${name.startsWith('assets/')},
            gzip: ${packed ? `Some(${bytes('.gz')})` : 'None'},
        },
    ),
`;
}

const rust = (entries) => `//! What is embedded; written by \`npm run build\` in \`web\`, not by hand.

use crate::Asset;

/// Paths as a browser asks for them, each with its file.
pub(crate) static FILES: &[(&str, Asset)] = &[
${entries.join('')}];
`;

/** Minified code loses its comments, and with them the notices that its licences ask for. */
function licenses() {
  return {
    name: 'licenses',
    apply: 'build',
    generateBundle(_options, bundle) {
      const ids = Object.values(bundle).flatMap((part) => (part.type === 'chunk' ? part.moduleIds : []));
      const folders = ids.map((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0]).filter((folder) => folder !== undefined);
      const texts = [...new Set(folders)].sort().map((folder) => {
        const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
        return `${name} ${version}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'licenses.txt', source: texts.join('\n\n') });
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [solid(), licenses(), embed()],
  build: {
    target: ['chrome123', 'firefox120', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        hashCharacters: 'hex',
        entryFileNames: 'assets/page-[hash].js',
        chunkFileNames: 'assets/[name]-[hash].js',
        assetFileNames: 'assets/[name]-[hash][extname]',
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:9099' } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
});

#!/bin/sh
# Proves that the page is in order and that what is committed is what its sources build.
# `check.sh --e2e` also looks at it in Chromium, against the mock.
set -eu
cd "$(dirname "$0")"

kept=$(mktemp -d)
trap 'rm -rf "$kept"' EXIT
cp -R dist "$kept/dist"
cp ../src/files.rs "$kept/files.rs"

if grep -n '"resolved"' package-lock.json; then
  echo 'package-lock.json must not say where packages were downloaded from' >&2
  exit 1
fi

npm ci
npm run check
npm test
npm run build

diff -r "$kept/dist" dist || { echo 'dist is not what the sources build: commit the new one' >&2; exit 1; }
diff "$kept/files.rs" ../src/files.rs || { echo 'src/files.rs is not what the sources build: commit the new one' >&2; exit 1; }

bytes=$(find dist -name '*.gz' -exec cat {} + | wc -c)
echo "$bytes bytes compressed"
[ "$bytes" -le 92160 ] || { echo 'more than 90 KiB' >&2; exit 1; }

if [ "${1:-}" = --e2e ]; then
  npm run e2e:mock
fi
echo 'the page is in order'

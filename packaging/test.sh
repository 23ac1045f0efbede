#!/usr/bin/env bash
# Command two: everything from a fresh clone to the test results.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'HELP'
Usage: packaging/test.sh [CTEST OPTION...]

Sets QKScope up as packaging/run.sh does, builds the preset "dev" and runs all tests without a display. Options go to
ctest: packaging/test.sh -R runner runs the tests whose name contains "runner". Exit status 0: every test passed.
HELP
}

if [[ ${1:-} == --help || ${1:-} == -h ]]; then
  usage
  exit
fi
prepare
build dev
cd "$root"
exec ctest --preset dev "$@"

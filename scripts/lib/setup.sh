# Sourced by the scripts: where things are, how a step is announced, what must be installed.
set -euo pipefail

MUSTER_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
MUSTER_JOBS=${MUSTER_JOBS:-2}
export MUSTER_TEST_DATA=${MUSTER_TEST_DATA:-$(cd "$MUSTER_ROOT/.." && pwd)/shared}

# say TEXT: one line to the person who runs the script.
say() { printf '%s\n' "$*" >&2; }

# die TEXT: the clear message of a failure.
die() { say "$(basename "$0"): $*"; exit 1; }

# step NAME COMMAND...: runs it and says how long it took. Its output goes to a log that is shown
# when it fails.
step() {
  local name=$1; shift
  local log started=$SECONDS
  log=$(mktemp "${TMPDIR:-/tmp}/muster-step.XXXXXX")
  printf '%-46s' "$name" >&2
  if "$@" >"$log" 2>&1; then
    printf 'ok   %4d s\n' $((SECONDS - started)) >&2
    rm -f "$log"
  else
    printf 'FAILED after %d s\n' $((SECONDS - started)) >&2
    tail -n 60 "$log" >&2
    say "the whole output is in $log"
    return 1
  fi
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "packages are missing and this user is neither root nor has sudo; install them: $*"
  fi
}

missing_packages() {
  local package
  grep -v '^#' "$MUSTER_ROOT/scripts/packages.txt" | while read -r package; do
    dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      printf '%s\n' "$package"
  done
  # Node.js may come from elsewhere, with an npm of its own.
  command -v npm >/dev/null || printf 'nodejs\nnpm\n'
}

install_packages() {
  [ -r /etc/debian_version ] || die "this is not Debian; install what scripts/packages.txt lists and set MUSTER_SKIP_PACKAGES=1"
  local missing
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  as_root apt-get update
  # shellcheck disable=SC2086
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing
}

setup_packages() {
  [ -n "${MUSTER_SKIP_PACKAGES:-}" ] || step "install packages" install_packages
}

setup_compiler_cache() {
  export CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-5G}
  export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$MUSTER_ROOT}
  export CCACHE_NOHASHDIR=1
}

# configure_and_build PRESET TARGET...
configure_and_build() {
  local preset=$1; shift
  setup_compiler_cache
  cmake --preset "$preset" -S "$MUSTER_ROOT" &&
    nice cmake --build "$MUSTER_ROOT/build/$preset" -j "$MUSTER_JOBS" --target "$@"
}

# The pinned buf; installed from its lock file the first time.
buf() {
  local folder=$MUSTER_ROOT/third_party/buf binary
  binary=$(ls "$folder"/node_modules/@bufbuild/buf-linux-*/bin/buf 2>/dev/null | head -1) || true
  if [ -z "$binary" ]; then
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2)
    binary=$(ls "$folder"/node_modules/@bufbuild/buf-linux-*/bin/buf | head -1)
  fi
  "$binary" "$@"
}

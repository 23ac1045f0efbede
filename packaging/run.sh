#!/usr/bin/env bash
# Command one: everything from a fresh clone to the window.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'HELP'
Usage: packaging/run.sh [--build-only] [MODEL]

Sets QKScope up where that is still to be done, builds it and opens its window on MODEL: a Hugging Face folder or a
.gguf file; without one, on the default model SmolLM2-135M-Instruct.

  --build-only   stop after the build
  --help         this text

Set-up installs the packages of packaging/packages.txt (with sudo), libtorch and the default model. Where nvidia-smi
works it also installs the CUDA compiler nvcc 13, if the package sources have it, and takes libtorch with CUDA. The latter two go to ${XDG_CACHE_HOME:-~/.cache}/qkscope. Run it again at any time:
what is done is not done twice. LIBTORCH_DIR names a libtorch of your own: the folder "torch" of an unpacked torch 2.11
wheel.
HELP
}

build_only=0 chosen=
for argument; do
  case $argument in
    --help | -h) usage; exit ;;
    --build-only) build_only=1 ;;
    -*) fail "unknown option $argument; packaging/run.sh --help lists them." ;;
    *) [[ -z $chosen ]] || fail "one MODEL at a time: '$chosen' and '$argument' were given."
      [[ -e $argument ]] || fail "there is no file or folder '$argument'; give a Hugging Face folder or a .gguf file."
      chosen=$(realpath "$argument") ;;
  esac
done

prepare
build release
program=$root/build/release/bin/qkscope
if ((build_only)); then
  say "Built: $program and ${program}-cli"
elif [[ -z ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]]; then
  say "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), so no window. The same picture as a file:"
  say "  $program --export figure.pdf ${chosen:-$model}"
else
  exec "$program" "${chosen:-$model}"
fi

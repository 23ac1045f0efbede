#!/usr/bin/env bash
# Command three: one archive that tests and times QKScope on a machine where only PyTorch is installed.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'HELP'
Usage: packaging/bundle.sh [FOLDER]

Sets QKScope up as packaging/run.sh does, builds the preset "bundle" and writes FOLDER/qkscope-bundle.tar.xz (FOLDER is
build without one): qkscope-cli, core, the CUDA plugin where nvcc 13 is found (for compute capability 8.0, 9.0 and 10.0,
and PTX for newer ones), core's tests with their goldens, and the libraries they need apart from torch.

Unpacked on an x86-64 Linux where python3 has torch 2.11, whoever is logged in,

    qkscope-bundle/qkscope-check

runs core's tests and the benchmarks on the GPU and the CPU and prints one table in under 8 minutes.
HELP
}

most_megabytes=40
glibc=2.36  # the oldest it is to run on

case ${1:-} in
  --help | -h) usage; exit ;;
  -*) fail "unknown option $1; packaging/bundle.sh --help lists them." ;;
esac
target=$(realpath -m "${1:-$root/build}")

# The libraries that a program loads, but libtorch's, CUDA's and glibc's own.
needed_libraries() {
  LD_LIBRARY_PATH=$libtorch/lib ldd "$@" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
    grep -v -E -e "^$libtorch/" -e "^$root/" \
      -e '/(ld-linux-x86-64|libc|libm|libdl|librt|libpthread|libresolv|libutil|lib(cu|nv|nccl)[A-Za-z]*)\.so'
}

# The newest glibc that any of the files asks for.
newest_glibc() {
  objdump -T "$@" 2>/dev/null | grep -o 'GLIBC_2\.[0-9]*' | sort -uV | tail -n 1 | sed 's/GLIBC_//'
}

collect() {
  local from=$root/build/bundle/bin folder=$1 libraries=$1/lib/qkscope library found
  rm -rf "$folder"
  # As installed: core finds its data sets from where it lies.
  mkdir -p "$folder/bin" "$libraries" "$folder/share/qkscope" "$folder/source/tests" "$folder/source/app/cli" || return
  cp "$from"/qkscope-cli "$from"/test_* "$folder/bin" && cp "$from"/libqkscope_core.so "$libraries" || return
  if [[ -e $from/qkscope_cuda.so ]]; then cp "$from/qkscope_cuda.so" "$libraries" || return; fi
  while read -r library; do
    cp -L "$library" "$libraries" || return
  done < <(needed_libraries "$folder"/bin/* "$libraries"/*)
  strip "$folder"/bin/* && chmod u+w "$libraries"/* && strip --strip-unneeded "$libraries"/* || return
  found=$(newest_glibc "$folder"/bin/* "$libraries"/*)
  if [[ $(printf '%s\n' "$found" "$glibc" | sort -V | tail -n 1) != "$glibc" ]]; then
    echo "note: built here the bundle needs glibc $found; build it on Debian 12 for one that runs from $glibc on."
  fi
  cp -r "$root/datasets" "$folder/share/qkscope" && ln -s ../share/qkscope/datasets "$folder/source/datasets" || return
  cp -r "$root/tests/goldens" "$folder/source/tests" && rm -f "$folder"/source/tests/goldens/*.py || return
  cp "$root/README.md" "$root/LICENSE" "$folder/source" && cp "$root/app/cli/JSON.md" "$folder/source/app/cli" || return
  cp "$root/packaging/qkscope-check" "$folder"
}

pack() {
  local archive=$target/qkscope-bundle.tar.xz
  mkdir -p "$target" && XZ_OPT=-T0 tar -C "$root/build" -cJf "$archive" qkscope-bundle
}

prepare
build bundle
step "Collecting build/qkscope-bundle" "see above" collect "$root/build/qkscope-bundle"
grep '^note: ' "$log" | tail -n 1 || true
[[ -e $root/build/qkscope-bundle/lib/qkscope/qkscope_cuda.so ]] ||
  say "There is no CUDA compiler (nvcc 13) here: the bundle computes on the CPU only."
step "Packing $target/qkscope-bundle.tar.xz" "free space in $target and run this again" pack
size=$(($(stat -c %s "$target/qkscope-bundle.tar.xz") / 1000000))
((size <= most_megabytes)) ||
  fail "the archive has $size MB, more than the $most_megabytes MB it may have; look what lies in build/qkscope-bundle."
say "Packed: $target/qkscope-bundle.tar.xz, $size MB"

# libtorch as PyTorch's wheel carries it. find_package(Torch) of a CUDA wheel wants a CUDA toolkit even for
# programs that use none, so the two libraries core needs are imported by hand:
#   LibTorch::cpu   libtorch_cpu + libc10 and the headers
#   LibTorch::cuda  libtorch_cuda + libc10_cuda, only where the wheel has them (for the plugin qkscope_cuda)
# Looked for in LIBTORCH_DIR (variable or environment: the folder "torch" of a wheel), then where
# packaging/run.sh puts it: the user's cache folder.
set(_cache "$ENV{XDG_CACHE_HOME}")
if(NOT _cache)
  set(_cache "$ENV{HOME}/.cache")
endif()
file(GLOB _installed "${_cache}/qkscope/torch-*/torch")
find_path(LIBTORCH_INCLUDE_DIR ATen/ATen.h
  HINTS ${LIBTORCH_DIR} $ENV{LIBTORCH_DIR} ${_installed} PATH_SUFFIXES include NO_CMAKE_SYSTEM_PATH)
get_filename_component(_root "${LIBTORCH_INCLUDE_DIR}" DIRECTORY)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_CUDA_LIBRARY torch_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_CUDA_LIBRARY c10_cuda HINTS ${_root}/lib NO_DEFAULT_PATH)
mark_as_advanced(LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_CUDA_LIBRARY LIBTORCH_C10_CUDA_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run packaging/run.sh once, or set LIBTORCH_DIR to the folder 'torch' of an unpacked torch wheel.")

if(LibTorch_FOUND AND NOT TARGET LibTorch::cpu)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION ${LIBTORCH_C10_LIBRARY})
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES
    IMPORTED_LOCATION ${LIBTORCH_CPU_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LIBTORCH_INCLUDE_DIR}
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES ${LIBTORCH_INCLUDE_DIR}
    # The wheel's libraries find cudart and cupti by their own RPATH, which the link editor does not follow.
    INTERFACE_LINK_OPTIONS "-Wl,--allow-shlib-undefined"
    INTERFACE_LINK_LIBRARIES LibTorch::c10)
  if(LIBTORCH_CUDA_LIBRARY)
    add_library(LibTorch::c10_cuda SHARED IMPORTED)
    set_target_properties(LibTorch::c10_cuda PROPERTIES IMPORTED_LOCATION ${LIBTORCH_C10_CUDA_LIBRARY})
    add_library(LibTorch::cuda SHARED IMPORTED)
    set_target_properties(LibTorch::cuda PROPERTIES IMPORTED_LOCATION ${LIBTORCH_CUDA_LIBRARY}
      INTERFACE_LINK_LIBRARIES "LibTorch::c10_cuda;LibTorch::cpu")
  endif()
endif()

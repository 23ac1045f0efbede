# Fails when an include runs up the house: core knows no Qt, no views, no app; views know no torch and no app; app
# knows no torch.
function(forbid folder pattern)
  file(GLOB_RECURSE files ${SOURCE_DIR}/${folder}/*.h ${SOURCE_DIR}/${folder}/*.cpp ${SOURCE_DIR}/${folder}/*.cu)
  foreach(file ${files})
    file(STRINGS ${file} hits REGEX "^ *# *include *[<\"](${pattern})")
    foreach(hit ${hits})
      message(SEND_ERROR "${file}: ${hit}")
    endforeach()
  endforeach()
endfunction()

forbid(core "Q[A-Z]|views/|app/")
forbid(views "torch/|ATen/|c10/|app/")
forbid(app "torch/|ATen/|c10/")

# cmake -DOUTPUT=F -DINPUTS="a.yaml;b.yaml" -P EmbedTransferFunctions.cmake
#   Writes a C++ source that holds the files as text, so that programs need no data files.
set(entries "")
foreach(input IN LISTS INPUTS)
  get_filename_component(name ${input} NAME_WE)
  file(READ ${input} text)
  string(APPEND entries "      {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Generated from configs/tf/*.yaml.
#include \"volume/tf/readers.h\"

namespace renderfm::tf {

const std::vector<std::pair<std::string, std::string>>& embedded_presets() {
  static const std::vector<std::pair<std::string, std::string>> presets = {
${entries}  };
  return presets;
}

}  // namespace renderfm::tf
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUTPUT}.new)

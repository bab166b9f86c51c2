# cmake -DOUTPUT=F -DINPUTS="a.html;b.js" -P EmbedWebPage.cmake
#   Writes a C++ source that holds the files as text, so that programs need no data files.
set(entries "")
foreach(input IN LISTS INPUTS)
  get_filename_component(name ${input} NAME)
  file(READ ${input} text)
  string(APPEND entries "      {\"${name}\", R\"web(${text})web\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Generated from src/viewer/web.
#include \"viewer/web_files.h\"

namespace renderfm::viewer {

const std::map<std::string, std::string>& web_files() {
  static const std::map<std::string, std::string> files = {
${entries}  };
  return files;
}

}  // namespace renderfm::viewer
")
file(COPY_FILE ${OUTPUT}.new ${OUTPUT} ONLY_IF_DIFFERENT)
file(REMOVE ${OUTPUT}.new)
